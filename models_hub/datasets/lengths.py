"""How long rows are: a histogram in constant memory, from which percentiles and truncation tables follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat
from operator import rshift
from typing import Any


class Lengths:
    """Counts lengths in steps of two to the power of `shift`; `scale` turns a length into tokens when it is read out.

    At most one number for each step: some ten thousand, however many rows there are.
    """

    __slots__ = ("bins", "rows", "scale", "shift", "top", "total")

    def __init__(self, *, shift: int = 0, scale: float = 1.0) -> None:
        self.shift, self.scale = shift, scale
        self.bins: Counter[int] = Counter()
        self.rows = self.total = self.top = 0

    def add(self, value: int) -> None:
        self.add_many((value,))

    def add_many(self, values: Sequence[int]) -> None:
        self.bins.update(map(rshift, values, repeat(self.shift)))
        self.rows += len(values)
        self.total += sum(values)
        self.top = max(self.top, max(values, default=0))

    def state(self) -> dict[str, Any]:
        """What another process needs to go on counting."""
        return {"bins": dict(self.bins), "rows": self.rows, "total": self.total, "top": self.top}

    def add_state(self, state: Mapping[str, Any]) -> None:
        self.bins.update(state["bins"])
        self.rows += state["rows"]
        self.total += state["total"]
        self.top = max(self.top, state["top"])

    @property
    def mean(self) -> float:
        return self.total / self.rows * self.scale if self.rows else 0.0

    @property
    def longest(self) -> int:
        return round(self.top * self.scale)

    def _upper(self, place: int) -> int:
        """The largest length that falls into this step."""
        return min(((place + 1) << self.shift) - 1, self.top)

    def percentile(self, share: float) -> int:
        """The length that `share` of the rows do not exceed, rounded up to the step."""
        needed, seen = share * self.rows, 0
        for place in sorted(self.bins):
            seen += self.bins[place]
            if seen >= needed:
                return round(self._upper(place) * self.scale)
        return self.longest

    def above(self, tokens: int) -> int:
        """Rows longer than so many tokens."""
        return sum(rows for place, rows in self.bins.items() if self._upper(place) * self.scale > tokens)

    def histogram(self, bars: int = 12) -> list[dict[str, int]]:
        """At most `bars` bars of equal width that end at the 99th percentile; the last takes what is longer."""
        if not self.rows:
            return []
        width = max(-(-self.percentile(0.99) // bars), 1)
        counts = [0] * bars
        for place, rows in self.bins.items():
            counts[min(int(self._upper(place) * self.scale / width), bars - 1)] += rows
        shown = [{"from": i * width, "to": (i + 1) * width, "rows": rows} for i, rows in enumerate(counts)]
        shown[-1]["to"] = max(shown[-1]["to"], self.longest)
        while len(shown) > 1 and not shown[-1]["rows"]:
            shown.pop()
        return shown

    def as_dict(self) -> dict[str, Any]:
        return {
            "mean": round(self.mean, 1),
            "p50": self.percentile(0.5),
            "p95": self.percentile(0.95),
            "max": self.longest,
            "total": round(self.total * self.scale),
            "histogram": self.histogram(),
        }
