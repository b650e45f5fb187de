"""Charts of GPU-hours by week: at most four sites, the rest together."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from jobs.ledger.selectors import WeekOfUse
from jobs.ledger.selectors import weeks as by_week
from portal.ui.charts import MAX_SERIES, Chart, Series
from portal.ui.numbers import number

SECONDS_PER_HOUR = 3600


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def weekly_chart(
    use: Sequence[WeekOfUse], *, first: date, last: date, pace_seconds: float | None = None, ident: str = "weeks"
) -> Chart:
    """One column for each week from `first` to `last`, weeks without use included."""
    start, end = monday_of(first), monday_of(last)
    labels = [start + timedelta(weeks=at) for at in range((end - start).days // 7 + 1)]
    found, sites = by_week(use), _largest(use)
    series = [
        Series(name, [_hours(sum(found.get(week, {}).get(site, 0) for site in members)) for week in labels])
        for name, members in sites
    ]
    total = sum(row.gpu_seconds for row in use)
    decimals = 1 if total >= 10 * SECONDS_PER_HOUR else 2
    words = {"start": date_format(start, "j F Y"), "end": date_format(end + timedelta(days=6), "j F Y")}
    return Chart(
        title=_("GPU-hours per week, %(start)s to %(end)s") % words,
        labels=[date_format(week, "j M") for week in labels],
        series=series or [Series(_("GPU-hours"), [0.0] * len(labels))],
        summary=_("%(total)s GPU-hours in %(weeks)s weeks.")
        % {"total": number(total / SECONDS_PER_HOUR, decimals), "weeks": len(labels)},
        unit=_("GPU-hours"),
        label_head=_("Week from"),
        limit=_hours(pace_seconds) if pace_seconds is not None else None,
        limit_label=_("Pace that lasts: %(hours)s") % {"hours": number(_hours(pace_seconds), decimals)}
        if pace_seconds is not None
        else "",
        decimals=decimals,
        ident=ident,
    )


def _hours(seconds: float) -> float:
    return seconds / SECONDS_PER_HOUR


def _largest(use: Sequence[WeekOfUse]) -> list[tuple[str, list[str]]]:
    """(name, sites) of each series: the sites with most use, and the others as one."""
    totals: Counter[str] = Counter()
    for row in use:
        totals[row.site] += row.gpu_seconds
    ordered = [site for site, _seconds in totals.most_common()]
    if len(ordered) <= MAX_SERIES:
        return [(site, [site]) for site in ordered]
    kept, rest = ordered[: MAX_SERIES - 1], ordered[MAX_SERIES - 1 :]
    return [*((site, [site]) for site in kept), (_("Other sites"), rest)]
