"""Reading the book for reports: what was charged, by week, site and job. A reversal takes back what it reverses."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Sum, When
from django.db.models.functions import TruncWeek

from accounts.models import Organisation
from jobs.models import LedgerEntry

Kind = LedgerEntry.Kind


def charges() -> QuerySet[LedgerEntry]:
    """Charges and the reversals of charges. `-gpu_seconds` is what was used."""
    effective = Case(When(kind=Kind.REVERSE, then=F("reverses__kind")), default=F("kind"))
    return LedgerEntry.objects.annotate(effective=effective).filter(effective=Kind.CHARGE).order_by()


@dataclass(frozen=True)
class WeekOfUse:
    """GPU-seconds charged at one site in the week that starts on that Monday, in the reader's time zone."""

    week: date
    site: str
    gpu_seconds: int


def used_by_week(organisation: Organisation, *, since: datetime) -> list[WeekOfUse]:
    """Charges of the organisation by week and site, oldest first. One query."""
    rows = (
        charges()
        .filter(allocation__organisation=organisation, at__gte=since)
        .values(week=TruncWeek("at"), site=F("allocation__site__name"))
        .annotate(used=Sum("gpu_seconds"))
        .order_by("week", "site")
    )
    return [WeekOfUse(row["week"].date(), row["site"], -row["used"]) for row in rows]


def used_by_allocation(organisation: Organisation, *, since: datetime, until: datetime) -> dict[object, int]:
    """GPU-seconds charged to each allocation between two moments, by its id. One query."""
    rows = (
        charges()
        .filter(allocation__organisation=organisation, at__gte=since, at__lt=until)
        .values("allocation")
        .annotate(used=Sum("gpu_seconds"))
    )
    return {row["allocation"]: -row["used"] for row in rows}


def charged_to_job() -> Subquery:
    """For Job querysets: the GPU-seconds charged, negative as in the book; null while nothing was settled."""
    return Subquery(charges().filter(job=OuterRef("pk")).values("job").annotate(used=Sum("gpu_seconds")).values("used"))


def weeks(rows: Iterable[WeekOfUse]) -> dict[date, dict[str, int]]:
    """The same as week → site → GPU-seconds."""
    found: dict[date, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.week, {})[row.site] = row.gpu_seconds
    return found
