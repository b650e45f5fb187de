"""The course of the training as one chart: what it learned on, and what was checked in between."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import Any

from django.utils.translation import gettext as _

from portal.ui.charts import Chart, Series

MOST_POINTS = 60
MOST_BYTES = 4 * 1024 * 1024


def read_points(lines: Iterable[bytes], limit: int = MOST_BYTES) -> Iterator[dict[str, Any]]:
    """The events of a metrics file; broken lines are skipped, and beyond the limit reading stops."""
    seen = 0
    for line in lines:
        seen += len(line)
        if seen > limit:
            return
        try:
            point = json.loads(line)
        except ValueError:
            continue
        if isinstance(point, dict) and isinstance(point.get("step"), int):
            yield point


def loss_chart(points: Iterable[dict[str, Any]], best_step: int | None = None) -> Chart | None:
    """Training loss, averaged between two checks, beside the loss on the rows held back; None without two points."""
    training: list[tuple[int, float]] = []
    checks: dict[int, float] = {}
    for point in points:
        step = point["step"]
        if isinstance(point.get("loss"), int | float):
            training.append((step, float(point["loss"])))
        if isinstance(point.get("validation_loss"), int | float):
            checks[step] = float(point["validation_loss"])
    if len(checks) >= 2:
        steps = _thinned(sorted(checks))
        learned = _averaged(training, steps)
        series = [
            Series(_("While learning"), learned),
            Series(_("On rows held back"), [checks[step] for step in steps]),
        ]
        best = best_step if best_step in checks else min(checks, key=checks.__getitem__)
        summary = _("The loss on the rows held back was lowest at step %(step)s, with %(loss)s.") % {
            "step": best,
            "loss": f"{checks[best]:.3f}",
        }
        limit, words = checks[best], _("Best, at step %(step)s") % {"step": best}
    elif len(training) >= 2:
        steps = _thinned([step for step, _loss in training])
        series = [Series(_("While learning"), _averaged(training, steps))]
        summary = _("The loss while learning went from %(first)s to %(last)s.") % {
            "first": f"{training[0][1]:.3f}",
            "last": f"{training[-1][1]:.3f}",
        }
        limit, words = None, ""
    else:
        return None
    return Chart(
        title=_("Loss over the training"),
        labels=[str(step) for step in steps],
        series=series,
        summary=summary,
        label_head=_("Step"),
        limit=limit,
        limit_label=words,
        decimals=3,
        ident="loss",
    )


def _thinned(steps: list[int]) -> list[int]:
    every = -(-len(steps) // MOST_POINTS)
    kept = steps[::-1][::every][::-1]
    return kept if kept[0] == steps[0] or len(kept) < 2 else [steps[0], *kept]


def _averaged(training: list[tuple[int, float]], steps: list[int]) -> list[float | None]:
    values: list[float | None] = []
    since = -1
    for step in steps:
        between = [loss for at, loss in training if since < at <= step]
        values.append(fmean(between) if between else None)
        since = step
    return values
