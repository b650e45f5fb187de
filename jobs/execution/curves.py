"""Curves of a run as charts the design system draws, each with its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.execution.selectors import curves
from jobs.models import Attempt
from portal.ui.charts import Chart, Series
from portal.ui.numbers import number


@dataclass(frozen=True)
class Figure:
    key: str
    title: Any
    decimals: int
    unit: str = ""


FIGURES = (
    Figure("loss", gettext_lazy("Training loss"), 3),
    Figure("validation_loss", gettext_lazy("Validation loss"), 3),
    Figure("validation_accuracy", gettext_lazy("Validation accuracy"), 3),
    Figure("learning_rate", gettext_lazy("Learning rate"), 6),
    Figure("memory_mb", gettext_lazy("Memory in use"), 0, "MB"),
)


def chart(points: Sequence[tuple[int, float]], figure: Figure) -> Chart | None:
    """One figure over the steps; None while there is nothing to draw."""
    if not points:
        return None
    values = [value for _step, value in points]
    summary = _("From %(first)s at step %(start)d to %(last)s at step %(end)d.") % {
        "first": number(values[0], figure.decimals),
        "start": points[0][0],
        "last": number(values[-1], figure.decimals),
        "end": points[-1][0],
    }
    return Chart(
        title=str(figure.title),
        labels=[str(step) for step, _value in points],
        series=[Series(str(figure.title), values)],
        summary=summary,
        unit=figure.unit,
        label_head=_("Step"),
        decimals=figure.decimals,
        ident=f"chart-{figure.key.replace('_', '-')}",
    )


def loss_chart(attempt: Attempt | None) -> Chart | None:
    return chart(curves(attempt, ["loss"])["loss"], FIGURES[0])


def all_charts(attempt: Attempt | None) -> list[Chart]:
    found = curves(attempt, [figure.key for figure in FIGURES])
    return [drawn for drawn in (chart(found[figure.key], figure) for figure in FIGURES) if drawn is not None]
