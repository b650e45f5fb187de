"""Reading a result fairly: is it better, than what, by how much, and can that be chance?

Works on the `result.json` of the training runtime and leaves out what a result does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from models_hub.specs import METRICS, Metric, Recipe
from portal.ui import numbers

Result = Mapping[str, Any]

WHAT: dict[str, str | Promise] = {
    "base_model": gettext_lazy("the untouched base model"),
    "tuned_model": gettext_lazy("your model"),
    "majority_class": gettext_lazy("always answering the most frequent class"),
    "frozen_baseline": gettext_lazy("the quick baseline"),
}
METRIC_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    Metric.LOSS: (gettext_lazy("Loss"), gettext_lazy("how surprised it is by the right answer; lower is better")),
    Metric.PERPLEXITY: (gettext_lazy("Perplexity"), gettext_lazy("the same as a number of choices; lower is better")),
    Metric.EXACT_MATCH: (gettext_lazy("Word for word right"), gettext_lazy("answers equal to the expected one")),
    Metric.ACCURACY: (gettext_lazy("Sorted right"), gettext_lazy("share of the held-out texts")),
    Metric.MACRO_F1: (gettext_lazy("Macro F1"), gettext_lazy("every class counts the same, however rare it is")),
}
# A loss that changes by less is called the same.
LOSS_MARGIN = 0.02


@dataclass(frozen=True)
class Verdict:
    """`outcome`: better, perhaps, same, worse or unknown; `tone` is the design system's."""

    outcome: str
    short: str
    sentence: str

    @property
    def tone(self) -> str:
        return {"better": "ok", "perhaps": "info", "same": "info", "worse": "warn", "unknown": "info"}[self.outcome]


@dataclass(frozen=True)
class Line:
    """One metric, for each thing that was measured; `best` is its place among them."""

    label: str
    hint: str
    values: list[str]
    best: int | None


def words_for(what: Any) -> str:
    return str(WHAT.get(str(what), what or ""))


def verdict_of(result: Result) -> Verdict:
    """The sentence on top of a result."""
    before, after = result.get("before") or {}, result.get("after") or {}
    name = str(result.get("headline") or "")
    old, new = _value(before, name), _value(after, name)
    if old is None or new is None:
        if result.get("state") != "succeeded":
            return Verdict(
                "unknown",
                _("Not judged"),
                _("The run ended early. What was trained until then is kept, but it was not judged on held-out rows."),
            )
        return Verdict("unknown", _("Not judged"), _("The run did not measure itself, so nothing can be said."))
    metric = Metric(name)
    rows = int(after.get("rows") or 0)
    values = {
        "before": figure(metric, old),
        "after": figure(metric, new),
        "rows": numbers.number(rows),
        "what": words_for(before.get("what")),
        "by": _difference(metric, old, new),
    }
    outcome = _outcome(metric, old, new, rows)
    return Verdict(outcome, _short(outcome, values), _sentence(outcome, metric) % values)


def _outcome(metric: Metric, old: float, new: float, rows: int) -> str:
    """Shares are compared with the standard error of their difference; a loss with a margin of 2 %."""
    if metric.higher_is_better:
        error = math.sqrt((old * (1 - old) + new * (1 - new)) / rows) if rows else 0.0
        if abs(new - old) < 1e-9:
            return "same"
        if new < old:
            return "worse" if old - new > error else "same"
        return "better" if new - old > error else "perhaps"
    if abs(new - old) <= LOSS_MARGIN * abs(old):
        return "same"
    return "better" if new < old else "worse"


def _short(outcome: str, values: Mapping[str, str]) -> str:
    words = {
        "better": _("Better by %(by)s"),
        "perhaps": _("A little better, by %(by)s"),
        "same": _("About the same"),
        "worse": _("Not better, by %(by)s"),
    }
    return words[outcome] % values


def _sentence(outcome: str, metric: Metric) -> str:
    if metric in (Metric.ACCURACY, Metric.MACRO_F1, Metric.EXACT_MATCH):
        return {
            "better": _(
                "Better: your model is right on %(after)s of %(rows)s rows it never saw; %(what)s on %(before)s."
            ),
            "perhaps": _(
                "A little better: right on %(after)s of %(rows)s rows it never saw, %(what)s on %(before)s. "
                "On so few rows this can be chance."
            ),
            "same": _(
                "About the same: right on %(after)s of %(rows)s rows it never saw, %(what)s on %(before)s. "
                "The difference is within chance."
            ),
            "worse": _(
                "Not better: right on %(after)s of %(rows)s rows it never saw, %(what)s on %(before)s. "
                "Keep the simpler way, or try with more rows."
            ),
        }[outcome]
    return {
        "better": _(
            "Better: on %(rows)s rows it never saw, the loss fell from %(before)s (%(what)s) to %(after)s, by %(by)s."
        ),
        "same": _("About the same: on %(rows)s rows it never saw, the loss is %(after)s; %(what)s has %(before)s."),
        "worse": _(
            "Not better: on %(rows)s rows it never saw, the loss is %(after)s; %(what)s has %(before)s. "
            "Try fewer passes or a lower learning rate."
        ),
    }[outcome]


def _difference(metric: Metric, old: float, new: float) -> str:
    if metric.higher_is_better:
        return _("%(points)s percentage points") % {"points": numbers.number(abs(new - old) * 100, 1)}
    return numbers.percent(abs(new - old) / abs(old)) if old else numbers.number(abs(new - old), 2)


def figure(metric: Metric, value: float | None) -> str:
    if value is None:
        return numbers.DASH
    if metric in (Metric.LOSS, Metric.PERPLEXITY):
        return numbers.number(value, 1 if metric is Metric.PERPLEXITY else 2)
    return numbers.percent(value, 1)


def _value(figures: Mapping[str, Any], name: str) -> float | None:
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def measured_things(result: Result) -> list[Mapping[str, Any]]:
    """What was measured on the same rows, weakest first: majority, baseline, before, after; each once."""
    found: list[Mapping[str, Any]] = []
    for name in ("majority", "baseline", "before", "after"):
        figures = result.get(name)
        if figures and all(figures.get("what") != other.get("what") for other in found):
            found.append(figures)
    return found


def comparison(result: Result) -> tuple[list[dict[str, str]], list[Line]]:
    """Columns and lines of the before/after table."""
    things = measured_things(result)
    after = result.get("after") or {}
    columns = [
        {"title": _upper(words_for(one.get("what"))), "note": _("now") if one is after else ""} for one in things
    ]
    lines = []
    recipe = _recipe(result)
    for metric in METRICS[recipe] if recipe else ():
        values = [_value(one, metric) for one in things]
        known = [value for value in values if value is not None]
        if not known:
            continue
        top = max(known) if metric.higher_is_better else min(known)
        best = values.index(top) if len(set(known)) > 1 else None
        label, hint = METRIC_WORDS[metric]
        lines.append(Line(str(label), str(hint), [figure(metric, value) for value in values], best))
    return columns, lines


def _recipe(result: Result) -> Recipe | None:
    try:
        return Recipe(str(result.get("recipe")))
    except ValueError:
        return None


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Confusion:
    """Rows are the true class, columns the answer. Beyond `MOST` classes only the most frequent mistakes are listed."""

    labels: list[str]
    rows: list[tuple[str, list[tuple[int, bool]], int]]
    mistakes: list[tuple[str, str, int]]


MOST_CLASSES = 12
MOST_MISTAKES = 10


def confusion_of(result: Result) -> Confusion | None:
    after = result.get("after") or {}
    table, labels = after.get("confusion"), [str(label) for label in result.get("labels") or []]
    if not table or len(table) != len(labels):
        return None
    mistakes = sorted(
        (
            (labels[truth], labels[answer], int(count))
            for truth, row in enumerate(table)
            for answer, count in enumerate(row)
            if truth != answer and count
        ),
        key=lambda one: -one[2],
    )[:MOST_MISTAKES]
    if len(labels) > MOST_CLASSES:
        return Confusion(labels, [], mistakes)
    rows = [
        (labels[truth], [(int(count), truth == answer) for answer, count in enumerate(row)], sum(map(int, row)))
        for truth, row in enumerate(table)
    ]
    return Confusion(labels, rows, mistakes)
