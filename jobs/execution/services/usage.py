"""Usage rows: immutable facts about what an attempt held, believed only within what is possible."""

import math
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from jobs.execution.reports import ReportRefused, Usage
from jobs.execution.rules import CLOCK_SKEW
from jobs.metering.witnesses import arrived_late, compare
from jobs.models import Attempt, Job, UsageRecord

_FACTS = ("attempt_id", "ended_at", "gpus", "gpu_seconds", "cpu_seconds", "energy_joules")


def record_usage(*, attempt: Attempt, usage: Usage, at: datetime) -> UsageRecord:
    """Writes one usage row. The same row again changes nothing; the same key with other numbers is refused."""
    return take_usage(attempt=attempt, usage=usage, at=at)[0]


def take_usage(*, attempt: Attempt, usage: Usage, at: datetime) -> tuple[UsageRecord, bool]:
    """The row in our book, and whether it was missing there until now."""
    check_usage(attempt=attempt, usage=usage, at=at)
    row = row_of(attempt, usage)
    known = known_row(row)
    if known is None:
        try:
            _write(row, at)
            return row, True
        except IntegrityError:
            known = known_row(row)
            if known is None:
                raise
    if any(getattr(known, name) != getattr(row, name) for name in _FACTS) or _other_receipt(known, row):
        raise ReportRefused("usage_conflict", _("This usage row was reported before with other numbers."))
    return known, False


def row_of(attempt: Attempt, usage: Usage) -> UsageRecord:
    """The row as our book would have it; not written yet."""
    return UsageRecord(
        attempt=attempt,
        site_id=attempt.site_id,
        cluster=usage.cluster,
        native_id=usage.native_id,
        started_at=usage.started_at,
        ended_at=usage.ended_at,
        gpus=usage.gpus,
        gpu_seconds=usage.gpu_seconds,
        cpu_seconds=usage.cpu_seconds,
        # Zero or less is how meters say that they do not know.
        energy_joules=usage.energy_joules if usage.energy_joules and usage.energy_joules > 0 else None,
        receipt_gpu_seconds=usage.receipt_gpu_seconds,
        method=usage.method,
    )


@transaction.atomic
def _write(row: UsageRecord, at: datetime) -> None:
    """One row, under the lock of its job: a settlement sees it, or the row sees the settlement."""
    job = Job.objects.select_for_update(of=("self",)).get(pk=row.attempt.job_id)
    _refuse_overlap(row)
    row.save(force_insert=True)
    attempt = Attempt.objects.select_related("site", "job").get(pk=row.attempt_id)
    if job.settled_at is not None:
        audit.record(actor=None, action="usage.after_settlement", target=job, gpu_seconds=row.gpu_seconds)
        arrived_late(row, at=at)
    compare(attempt, at=at)


def _other_receipt(known: UsageRecord, row: UsageRecord) -> bool:
    """A receipt that was not known yet is no contradiction; the row stays as it was written."""
    return None not in (known.receipt_gpu_seconds, row.receipt_gpu_seconds) and (
        known.receipt_gpu_seconds != row.receipt_gpu_seconds
    )


def check_usage(*, attempt: Attempt, usage: Usage, at: datetime) -> None:
    """Refuses what cannot be true: negative, in the future, before the lease, beyond GPUs × wall time."""
    wall = (usage.ended_at - usage.started_at).total_seconds()
    receipt = usage.receipt_gpu_seconds or 0
    # The receipt may well know of more than the accounting does, but never of more than since the lease.
    since_lease = (at + CLOCK_SKEW - (attempt.created_at - CLOCK_SKEW)).total_seconds()
    impossible = [
        ("usage_negative", wall < 0 or min(usage.gpu_seconds, usage.cpu_seconds, usage.gpus, receipt) < 0),
        ("usage_in_the_future", usage.ended_at > at + CLOCK_SKEW),
        ("usage_before_lease", usage.started_at < attempt.created_at - CLOCK_SKEW),
        ("usage_too_many_gpus", usage.gpus > attempt.job.gpus),
        ("usage_beyond_wall_time", usage.gpu_seconds > usage.gpus * math.ceil(max(0.0, wall))),
        ("usage_beyond_wall_time", receipt > usage.gpus * math.ceil(since_lease)),
        ("usage_method", usage.method not in (UsageRecord.Method.ACCOUNTING, UsageRecord.Method.RECEIPT)),
        ("usage_unnamed", not usage.cluster or not usage.native_id),
    ]
    for code, wrong in impossible:
        if wrong:
            raise ReportRefused(code, _("This usage row cannot be true and was not counted."))


def known_usage(attempt: Attempt, usage: Usage) -> UsageRecord | None:
    """The row of our book under the same key, whatever its numbers."""
    return known_row(
        UsageRecord(
            site_id=attempt.site_id,
            cluster=usage.cluster,
            native_id=usage.native_id,
            started_at=usage.started_at,
            method=usage.method,
        )
    )


def known_row(row: UsageRecord) -> UsageRecord | None:
    return UsageRecord.objects.filter(
        site_id=row.site_id,
        cluster=row.cluster,
        native_id=row.native_id,
        started_at=row.started_at,
        method=row.method,
        corrects__isnull=True,
    ).first()


def _refuse_overlap(row: UsageRecord) -> None:
    overlapping = UsageRecord.objects.filter(
        attempt_id=row.attempt_id, method=row.method, started_at__lt=row.ended_at, ended_at__gt=row.started_at
    )
    for one in overlapping:
        if (one.cluster, one.native_id, one.started_at) == (row.cluster, row.native_id, row.started_at):
            # A copy of the same message has brought it while this one waited for the lock.
            raise IntegrityError("this row is known")
        raise ReportRefused("usage_overlaps", _("An attempt cannot hold its GPUs twice at the same time."))
