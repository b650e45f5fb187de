"""Electricity and greenhouse gas of what jobs held, with the method named.

Where the site measured a start, that counts; where it did not, GPU-hours times the power of the GPU as its maker rates
it. Both are energy at the machine; times the building's overhead (PUE) they are what the site drew, and times the mean
emissions of its country's grid they are CO2e. What ran counts, charged or not: late usage and free failures too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from jobs.models import Job, UsageRecord
from portal.ui.numbers import number

JOULES_PER_KWH = 3_600_000


class Method(StrEnum):
    MEASURED = "measured"
    ESTIMATED = "estimated"
    PARTLY = "partly measured"

    @property
    def words(self) -> str | Promise:
        return _METHODS[self]


_METHODS: dict[Method, str | Promise] = {
    Method.MEASURED: _("Measured by the site, times the building's overhead (PUE)."),
    Method.ESTIMATED: _("Estimated: GPU-hours times the GPU's rated power, times the building's overhead (PUE)."),
    Method.PARTLY: _(
        "Partly measured by the site, the rest GPU-hours times the GPU's rated power; both times the building's "
        "overhead (PUE)."
    ),
}


@dataclass(frozen=True)
class Grid:
    """Where the electricity came from: overhead of the building, mean emissions of the grid, and who says so."""

    site: str
    pue: float
    g_per_kwh: int
    source: str

    @property
    def source_words(self) -> str | Promise:
        return self.source or _("our default, because no figure of this country was read")


@dataclass(frozen=True)
class Share:
    """What was used at one site: joules at the machine, measured and estimated."""

    grid: Grid
    measured: int
    estimated: int
    starts: int

    @property
    def kwh(self) -> float:
        return (self.measured + self.estimated) / JOULES_PER_KWH * self.grid.pue


@dataclass(frozen=True)
class Footprint:
    """Energy and CO2e of one or more jobs, over all sites."""

    shares: tuple[Share, ...]

    @property
    def kwh(self) -> float:
        """Kilowatt-hours the sites drew, the building's overhead included."""
        return sum(share.kwh for share in self.shares)

    @property
    def measured_kwh(self) -> float:
        """Kilowatt-hours at the machine that sites measured, as they measured them."""
        return sum(share.measured for share in self.shares) / JOULES_PER_KWH

    @property
    def co2e_kg(self) -> float:
        return sum(share.kwh * share.grid.g_per_kwh for share in self.shares) / 1000

    @property
    def energy_words(self) -> str:
        """In kWh, or in Wh where that reads better."""
        if self.kwh < 0.1:
            return __("%(n)s Wh") % {"n": number(1000 * self.kwh, 2)}
        return __("%(n)s kWh") % {"n": number(self.kwh, 2)}

    @property
    def co2e_words(self) -> str:
        """In kg, or in grams where that reads better."""
        if self.co2e_kg < 0.1:
            return __("%(n)s g CO2e") % {"n": number(1000 * self.co2e_kg, 2)}
        return __("%(n)s kg CO2e") % {"n": number(self.co2e_kg, 2)}

    @property
    def starts(self) -> int:
        """How often these jobs were started; one that was queued anew by its scheduler counts twice."""
        return sum(share.starts for share in self.shares)

    @property
    def method(self) -> Method:
        measured = any(share.measured for share in self.shares)
        estimated = any(share.estimated for share in self.shares)
        return Method.PARTLY if measured and estimated else Method.MEASURED if measured else Method.ESTIMATED

    @property
    def grids(self) -> tuple[Grid, ...]:
        return tuple(share.grid for share in self.shares)


def records_in_force() -> QuerySet[UsageRecord]:
    """Every start once: a correction in place of its row, the scheduler's word before the job's own receipt."""
    same_time = Q(started_at=OuterRef("started_at")) | Q(
        started_at__lt=OuterRef("ended_at"), ended_at__gt=OuterRef("started_at")
    )
    accounted = UsageRecord.objects.filter(same_time, attempt=OuterRef("attempt"), corrections__isnull=True)
    return UsageRecord.objects.filter(corrections__isnull=True).exclude(
        Exists(accounted.exclude(method=UsageRecord.Method.RECEIPT)), method=UsageRecord.Method.RECEIPT
    )


_SITE = ("site__name", "site__pue", "site__grid_g_per_kwh", "site__grid_source")
_WHOLE = BigIntegerField()
_RATED = Cast(F("gpu_seconds"), _WHOLE) * F("attempt__job__partition__tdp_watts")


def _sums(records: QuerySet[UsageRecord], *by: str) -> QuerySet[UsageRecord, dict[str, Any]]:
    return (
        records.order_by()
        .values(*by, *_SITE)
        .annotate(
            measured=Coalesce(Sum("energy_joules"), Value(0), output_field=_WHOLE),
            estimated=Coalesce(Sum(_RATED, filter=Q(energy_joules__isnull=True)), Value(0), output_field=_WHOLE),
            starts=Count("pk"),
        )
        .order_by("site__name")
    )


def _share(row: dict[str, Any]) -> Share:
    grid = Grid(row["site__name"], float(row["site__pue"]), row["site__grid_g_per_kwh"], row["site__grid_source"])
    return Share(grid, int(row["measured"]), int(row["estimated"]), row["starts"])


def footprints(jobs: Iterable[UUID]) -> dict[UUID, Footprint]:
    """The footprint of each of these jobs that held anything. One query."""
    shares: dict[UUID, list[Share]] = {}
    for row in _sums(records_in_force().filter(attempt__job__in=list(jobs)), "attempt__job"):
        shares.setdefault(row["attempt__job"], []).append(_share(row))
    return {job: Footprint(tuple(found)) for job, found in shares.items()}


def footprint_of(jobs: QuerySet[Job]) -> Footprint | None:
    """The footprint of all these jobs together, site by site; None while they held nothing. One query."""
    found = [_share(row) for row in _sums(records_in_force().filter(attempt__job__in=jobs.order_by().values("pk")))]
    return Footprint(tuple(found)) if found else None
