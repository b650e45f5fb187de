"""A quantity that holds for days and then drops or jumps, drawn on a true time axis with its ceiling and a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.formats import date_format

from portal.ui.charts import BASE, LEFT, RIGHT, Scale, Series, Tick, scale_for
from portal.ui.numbers import number

MOST_LABELS = 7


@dataclass(frozen=True)
class Step:
    """From `day` on the quantity is `value`. `what` happened that day; `cells` are the further words of the table."""

    day: date
    value: float
    what: str = ""
    cells: Sequence[str] = ()


@dataclass(frozen=True)
class StepChart:
    """What a step chart says.

    steps    in the order of their days; the first is where it stands at `start`
    end      last day of the axis
    thousands  the axis counts in thousands, so that its numbers fit beside the drawing on a phone
    heads    heads of the table's columns after the day, one for each of `Step.cells`
    """

    title: str
    start: date
    end: date
    steps: Sequence[Step]
    summary: str = ""
    unit: str = ""
    label_head: str = ""
    heads: Sequence[str] = ()
    limit: float | None = None
    limit_label: str = ""
    decimals: int = 0
    thousands: bool = False
    ident: str = "steps"

    @property
    def series(self) -> list[Series]:
        """The table's columns, under the name by which every chart's table knows them."""
        return [Series(head, ()) for head in self.heads]

    @property
    def rows(self) -> list[tuple[str, Sequence[str]]]:
        return [(date_format(step.day, "DATE_FORMAT"), step.cells) for step in self.steps]


@dataclass(frozen=True)
class Tread:
    """One stretch of days: where it lies (percent), how high (pixels), and the fall at its end."""

    x: float
    width: float
    y: float
    height: float
    end: float
    next_y: float | None
    tip: str


class InThousands(Scale):
    """The same scale with its numbers divided by a thousand."""

    @property
    def ticks(self) -> list[Tick]:
        small = Scale(self.low / 1000, self.high / 1000, self.step / 1000)
        return small.ticks


@dataclass(frozen=True)
class Steps:
    chart: StepChart
    scale: Scale
    treads: list[Tread]
    labels: list[tuple[float, str, str, str]] = field(default_factory=list)
    limit_y: float | None = None


def steps(chart: StepChart) -> Steps:
    """Treads over true days, so that a month is as wide as a month."""
    scale = scale_for(0.0, max([*(step.value for step in chart.steps), chart.limit or 0.0]))
    if chart.thousands:
        scale = InThousands(scale.low, scale.high, scale.step)
    length = max(1, (chart.end - chart.start).days)

    def x(day: date) -> float:
        inside = min(max((day - chart.start).days, 0), length)
        return round(LEFT + inside / length * (RIGHT - LEFT), 3)

    treads = []
    for at, step in enumerate(chart.steps):
        following = chart.steps[at + 1] if at + 1 < len(chart.steps) else None
        left, right = x(step.day), x(following.day if following else chart.end)
        y = scale.y(step.value)
        tip = f"{date_format(step.day, 'DATE_FORMAT')}: {number(step.value, chart.decimals)} {chart.unit}".rstrip()
        treads.append(
            Tread(
                left, round(right - left, 3), y, round(BASE - y, 1), right,
                scale.y(following.value) if following else None, f"{tip}. {step.what}" if step.what else tip,
            )
        )  # fmt: skip
    limit_y = None if chart.limit is None else scale.y(chart.limit)
    return Steps(chart, scale, treads, _labels(chart, x), limit_y)


def _labels(chart: StepChart, x: Callable[[date], float]) -> list[tuple[float, str, str, str]]:
    """(position, words, class, anchor): the first day, then firsts of months as sparse as the axis is long."""
    months = (chart.end.year - chart.start.year) * 12 + chart.end.month - chart.start.month
    every = next((n for n in (1, 2, 3, 6, 12) if months / n <= MOST_LABELS), 12)
    found = [(x(chart.start), date_format(chart.start, "j M Y"), "", "start")]
    year, month = chart.start.year, chart.start.month
    for _month in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        day = date(year, month, 1)
        far_enough = (day - chart.start).days > (chart.end - chart.start).days / 8
        if (month - 1) % every == 0 and far_enough and day <= chart.end:
            found.append((x(day), date_format(day, "M Y"), "" if month == 1 else "wide", "middle"))
    return found
