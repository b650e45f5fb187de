"""What an organisation used: by allocation, job and week, with its value at the frozen rate and its energy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Organisation
from jobs.ledger.selectors import charged_to_job, used_by_allocation
from jobs.ledger.services import Balance, balances
from jobs.metering.energy import Footprint, footprint_of, footprints
from jobs.models import Allocation, Job
from portal.kernel.money import gpu_seconds_value

DEFAULT_WEEKS = 26


@dataclass(frozen=True)
class Period:
    """From the start of one day to the end of another, in the reader's time zone."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time.min))

    @property
    def until(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.last + timedelta(days=1), time.min))

    @property
    def query(self) -> str:
        return f"from={self.first.isoformat()}&to={self.last.isoformat()}"


def default_period(today: date) -> Period:
    return Period(today - timedelta(weeks=DEFAULT_WEEKS - 1), today)


@dataclass(frozen=True)
class AllocationUse:
    """One allocation: how it stands now, and what was charged in the period."""

    allocation: Allocation
    balance: Balance
    used: int

    @property
    def value(self) -> Decimal:
        """EUR value of the use in the period, at the rate frozen when the hours were granted."""
        return gpu_seconds_value(self.used, self.allocation.eur_per_gpu_hour)


def allocation_use(organisation: Organisation, period: Period) -> list[AllocationUse]:
    """Every allocation that ran in the period or was charged in it. Three queries."""
    used = used_by_allocation(organisation, since=period.since, until=period.until)
    own = Allocation.objects.filter(organisation=organisation).select_related("site", "partition")
    rows = [row for row in own if row.pk in used or (row.starts_on <= period.last and row.ends_on >= period.first)]
    found = balances(rows)
    return [AllocationUse(row, found[row.pk], used.get(row.pk, 0)) for row in rows]


@dataclass(frozen=True)
class JobUse:
    """One job that was settled, and what it drew; None where it held nothing."""

    job: Job
    footprint: Footprint | None = None

    @property
    def used(self) -> int:
        return -(getattr(self.job, "booked", None) or 0)

    @property
    def value(self) -> Decimal:
        return gpu_seconds_value(self.used, self.job.allocation.eur_per_gpu_hour)


def settled_jobs(organisation: Organisation, period: Period) -> QuerySet[Job]:
    """Jobs settled in the period, newest first, with what each was charged."""
    return (
        Job.objects.filter(organisation=organisation, settled_at__gte=period.since, settled_at__lt=period.until)
        .select_related("allocation", "site", "partition", "base_model")
        .defer("spec", "answers", "estimate")
        .annotate(booked=charged_to_job())
        .order_by("-settled_at", "-pk")
    )


def with_footprints(jobs: Sequence[Job]) -> list[JobUse]:
    """These jobs with their energy. One query."""
    found = footprints(job.pk for job in jobs)
    return [JobUse(job, found.get(job.pk)) for job in jobs]


def runs_and_footprint(organisation: Organisation, period: Period) -> tuple[int, Footprint | None]:
    """How many jobs were settled in the period, and their energy and CO2e together. Two queries."""
    jobs = settled_jobs(organisation, period).select_related(None).defer(None)
    return jobs.order_by().count(), footprint_of(jobs)


def totals(rows: list[AllocationUse]) -> dict[str, Any]:
    return {"used": sum(row.used for row in rows), "value": sum((row.value for row in rows), Decimal(0))}
