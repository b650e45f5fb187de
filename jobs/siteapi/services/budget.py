"""What an allocation may use at a site in all, as the signed work says it: a site may hold it as a hard limit."""

from typing import Any

from django.db.models import Sum

from jobs.ledger.services import balance
from jobs.models import Job, LedgerEntry, UsageRecord


def budget_of(job: Job) -> dict[str, Any]:
    """`{"allocation", "gpu_minutes"}`, rounded up to whole minutes.

    A scheduler counts every second a job has held, those too that we never charge because the site was at fault. So
    what was forgiven at this site is added to what was granted; else the site would refuse hours that are still there.
    """
    granted = balance(job.allocation).granted
    return {"allocation": job.allocation.reference, "gpu_minutes": -(-(granted + _forgiven(job)) // 60)}


def _forgiven(job: Job) -> int:
    """GPU-seconds that settled jobs of the allocation held at this site and were not charged for."""
    held = UsageRecord.objects.filter(
        attempt__job__allocation=job.allocation, attempt__job__settled_at__isnull=False, site=job.site,
        corrects__isnull=True,
    )  # fmt: skip
    charged = LedgerEntry.objects.filter(allocation=job.allocation, kind=LedgerEntry.Kind.CHARGE, job__site=job.site)
    return max(0, _sum(held) + _sum(charged))


def _sum(rows: Any) -> int:
    return rows.aggregate(total=Sum("gpu_seconds"))["total"] or 0
