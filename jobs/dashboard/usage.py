"""What an organisation used: by allocation, job and week, with its value at the frozen rate and its energy."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from accounts.models import Organisation
from jobs.ledger.selectors import charged_to_job, used_by_allocation
from jobs.ledger.services import Balance, balances
from jobs.models import Allocation, Job, UsageRecord
from portal.kernel.money import gpu_seconds_value

JOULES_PER_KWH = 3_600_000
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
    """One job that was settled."""

    job: Job

    @property
    def used(self) -> int:
        return -(getattr(self.job, "booked", None) or 0)

    @property
    def value(self) -> Decimal:
        return gpu_seconds_value(self.used, self.job.allocation.eur_per_gpu_hour)

    @property
    def energy_kwh(self) -> float | None:
        joules = getattr(self.job, "joules", None)
        return None if joules is None else joules / JOULES_PER_KWH


def measured_energy() -> Subquery:
    """For Job querysets: joules the sites measured; null where a site has no meter.

    A corrected record is replaced by its correction; of one start the scheduler's accounting counts before the receipt.
    """
    accounted = UsageRecord.objects.filter(
        attempt=OuterRef("attempt"), started_at=OuterRef("started_at"), method=UsageRecord.Method.ACCOUNTING
    )
    records = (
        UsageRecord.objects.filter(attempt__job=OuterRef("pk"), corrections__isnull=True)
        .exclude(Exists(accounted), method=UsageRecord.Method.RECEIPT)
        .order_by()
        .values("attempt__job")
        .annotate(total=Sum("energy_joules"))
        .values("total")
    )
    return Subquery(records, output_field=BigIntegerField())


def settled_jobs(organisation: Organisation, period: Period) -> QuerySet[Job]:
    """Jobs settled in the period, newest first, with what each was charged and the energy where it was measured."""
    return (
        Job.objects.filter(organisation=organisation, settled_at__gte=period.since, settled_at__lt=period.until)
        .select_related("allocation", "site", "partition", "base_model")
        .defer("spec", "answers", "estimate")
        .annotate(booked=charged_to_job(), joules=measured_energy())
        .order_by("-settled_at", "-pk")
    )


def runs_and_energy(organisation: Organisation, period: Period) -> tuple[int, float | None]:
    """How many jobs were settled in the period, and the kWh that sites measured (None when none did). One query."""
    jobs = settled_jobs(organisation, period).order_by().select_related(None).defer(None)
    found = jobs.aggregate(runs=Count("pk"), measured=Sum("joules"))
    return found["runs"], None if found["measured"] is None else found["measured"] / JOULES_PER_KWH


def totals(rows: list[AllocationUse]) -> dict[str, Any]:
    return {"used": sum(row.used for row in rows), "value": sum((row.value for row in rows), Decimal(0))}
