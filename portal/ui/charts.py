"""Charts drawn by the server: plain data in, coordinates out. The templates turn them into SVG with a table beside it.

Horizontal positions are percentages, so that one drawing fits every width without scaling its text; vertical ones are
pixels in a fixed height.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from portal.ui.numbers import number

TOP, BASE, FOOT = 18.0, 270.0, 296.0
LEFT, RIGHT = 6.0, 100.0
MAX_SERIES = 4
MAX_LABELS = 12
NARROW_LABELS = 4
COLOURS = ("1", "3", "4", "2")  # neighbours in a stack differ most in this order
GAP = 2.0


@dataclass(frozen=True)
class Series:
    """One row of numbers. `None` is a gap, not a zero; with `join` a line runs on over gaps."""

    name: str
    values: Sequence[float | None]
    join: bool = False


@dataclass(frozen=True)
class Chart:
    """What a chart says, in words and numbers.

    title    what is shown, over which period
    summary  one sentence with the finding, read aloud instead of the drawing
    labels   one for each column or point
    unit     written after numbers in tool tips and in the table head
    limit    a line across, for a pace or a ceiling, with its words
    """

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    summary: str = ""
    unit: str = ""
    label_head: str = ""
    limit: float | None = None
    limit_label: str = ""
    decimals: int = 1
    from_zero: bool = True
    ident: str = "chart"

    def __post_init__(self) -> None:
        if len(self.series) > MAX_SERIES:
            raise ValueError(f"A chart has at most {MAX_SERIES} series; use a table for more.")
        for one in self.series:
            if len(one.values) != len(self.labels):
                raise ValueError(f"{one.name}: {len(one.values)} values for {len(self.labels)} labels")

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The colour number and the name of each series."""
        return [(COLOURS[at], one.name) for at, one in enumerate(self.series)]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The table's rows, formatted; the alternative that says everything the drawing does."""
        return [
            (label, [number(one.values[at], self.decimals) for one in self.series])
            for at, label in enumerate(self.labels)
        ]


@dataclass(frozen=True)
class Block:
    css: str
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    label: str
    label_css: str | None
    tip: str
    x: float
    middle: float
    width: float
    blocks: list[Block]


@dataclass(frozen=True)
class Tick:
    y: float
    label: str
    base: bool


@dataclass(frozen=True)
class Line:
    css: str
    name: str
    runs: list[str]
    dots: list[tuple[float, float, str]]


def nice_step(span: float, parts: int = 5) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10ⁿ that covers `span` in at most `parts` steps."""
    if span < 1e-300 or not math.isfinite(span):
        return 1.0
    rough = span / parts
    magnitude: float = 10.0 ** math.floor(math.log10(rough))
    for factor in (1, 2, 2.5, 5, 10):
        if rough <= factor * magnitude * (1 + 1e-9):
            return factor * magnitude
    return 10 * magnitude


@dataclass(frozen=True)
class Scale:
    low: float
    high: float
    step: float

    def y(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return round(BASE - (value - self.low) / span * (BASE - TOP), 1)

    @property
    def ticks(self) -> list[Tick]:
        count = round((self.high - self.low) / self.step)
        decimals = max(0, -math.floor(math.log10(self.step) + 1e-9))
        if self.step * 10**decimals % 1 > 1e-6:
            decimals += 1
        return [
            Tick(self.y(value), number(value, decimals), at == 0)
            for at, value in ((at, self.low + at * self.step) for at in range(count + 1))
        ]


def scale_for(low: float, high: float) -> Scale:
    """Round ends that hold every value."""
    step = nice_step(high - low)
    bottom, top = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Scale(bottom, top if top > bottom else bottom + step, step)


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _label_css(at: int, count: int) -> str | None:
    """Which labels are written: none (None), on wide screens only ("wide"), or always ("")."""
    every = max(1, math.ceil(count / MAX_LABELS))
    narrow = every * max(1, math.ceil(count / every / NARROW_LABELS))
    back = count - 1 - at
    return None if back % every else "" if back % narrow == 0 else "wide"


@dataclass(frozen=True)
class Bars:
    chart: Chart
    scale: Scale
    columns: list[Column]
    limit_y: float | None


def bars(chart: Chart) -> Bars:
    """Stacked columns, lowest series first."""
    sums = [sum(_finite([one.values[at] for one in chart.series])) for at in range(len(chart.labels))]
    scale = scale_for(0.0, max([*sums, chart.limit or 0.0, 0.0]))
    slot = (RIGHT - LEFT) / max(1, len(chart.labels))
    width = round(min(slot * 0.56, 8.0), 2)
    columns = []
    for at, label in enumerate(chart.labels):
        x = LEFT + at * slot
        left = round(x + (slot - width) / 2, 2)
        total, blocks, said = 0.0, [], []
        for index, one in enumerate(chart.series):
            value = one.values[at]
            if value is None or not math.isfinite(value) or value <= 0:
                continue
            said.append(f"{one.name} {number(value, chart.decimals)}")
            foot = scale.y(total) - (GAP if total else 0)
            total += value
            blocks.append(
                Block(f"op-c{COLOURS[index]}", left, width, scale.y(total), round(max(0.5, foot - scale.y(total)), 1))
            )
        tip = f"{label}: {number(total, chart.decimals)} {chart.unit}".rstrip()
        if len(said) > 1:
            tip += f" ({', '.join(said)})"
        columns.append(
            Column(
                label,
                _label_css(at, len(chart.labels)),
                tip,
                round(x, 2),
                round(x + slot / 2, 2),
                round(slot, 2),
                blocks,
            )
        )
    return Bars(chart, scale, columns, None if chart.limit is None else scale.y(chart.limit))


@dataclass(frozen=True)
class Lines:
    chart: Chart
    scale: Scale
    lines: list[Line]
    labels: list[tuple[float, str, str]]
    limit_y: float | None


def lines(chart: Chart) -> Lines:
    """Lines over evenly spaced points, broken where a value is missing.

    A polyline cannot hold percentages: its points are thousandths of the width, drawn in an inner SVG that is
    stretched sideways only and whose strokes do not scale.
    """
    known = [value for one in chart.series for value in _finite(one.values)]
    known += [] if chart.limit is None else [chart.limit]
    low = 0.0 if chart.from_zero or not known else min(known)
    scale = scale_for(low, max(known, default=1.0))
    count = len(chart.labels)
    across = (RIGHT - LEFT - 2) / max(1, count - 1)

    def x(at: int) -> float:
        return round(LEFT + 1 + at * across, 2)

    drawn = []
    for index, one in enumerate(chart.series):
        points = [
            (x(at), scale.y(value), f"{chart.labels[at]}: {number(value, chart.decimals)} {chart.unit}".rstrip())
            if value is not None and math.isfinite(value)
            else None
            for at, value in enumerate(one.values)
        ]
        runs, run = [], []
        for point in points:
            if point is not None:
                run.append(f"{point[0] * 10:.1f},{point[1]}")
            elif run and not one.join:
                runs.append(" ".join(run))
                run = []
        runs += [" ".join(run)] if run else []
        real = [point for point in points if point]
        dots = real if count <= 40 else real[-1:]
        drawn.append(Line(f"op-l{COLOURS[index]}", one.name, runs, dots))
    return Lines(
        chart,
        scale,
        drawn,
        [(x(at), label, css) for at, label in enumerate(chart.labels) if (css := _label_css(at, count)) is not None],
        None if chart.limit is None else scale.y(chart.limit),
    )
