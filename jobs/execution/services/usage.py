"""Usage rows: immutable facts about what an attempt held, believed only within what is possible."""

import math
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from jobs.execution.reports import ReportRefused, Usage
from jobs.execution.rules import CLOCK_SKEW
from jobs.models import Attempt, UsageRecord

_FACTS = ("attempt_id", "ended_at", "gpus", "gpu_seconds", "cpu_seconds", "energy_joules")


def record_usage(*, attempt: Attempt, usage: Usage, at: datetime) -> UsageRecord:
    """Writes one usage row. The same row again changes nothing; the same key with other numbers is refused."""
    check_usage(attempt=attempt, usage=usage, at=at)
    row = UsageRecord(
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
        method=usage.method,
    )
    known = _known(row)
    if known is None:
        try:
            with transaction.atomic():
                # The row of the attempt is the lock under which overlaps are looked for.
                Attempt.objects.select_for_update().get(pk=attempt.pk)
                _refuse_overlap(row)
                row.save(force_insert=True)
                if attempt.job.settled_at is not None:
                    audit.record(
                        actor=None, action="usage.after_settlement", target=attempt.job, gpu_seconds=row.gpu_seconds
                    )
            return row
        except IntegrityError:
            known = _known(row)
            if known is None:
                raise
    if any(getattr(known, name) != getattr(row, name) for name in _FACTS):
        raise ReportRefused("usage_conflict", _("This usage row was reported before with other numbers."))
    return known


def check_usage(*, attempt: Attempt, usage: Usage, at: datetime) -> None:
    """Refuses what cannot be true: negative, in the future, before the lease, beyond GPUs × wall time."""
    wall = (usage.ended_at - usage.started_at).total_seconds()
    impossible = [
        ("usage_negative", wall < 0 or usage.gpu_seconds < 0 or usage.cpu_seconds < 0 or usage.gpus < 0),
        ("usage_in_the_future", usage.ended_at > at + CLOCK_SKEW),
        ("usage_before_lease", usage.started_at < attempt.created_at - CLOCK_SKEW),
        ("usage_too_many_gpus", usage.gpus > attempt.job.gpus),
        ("usage_beyond_wall_time", usage.gpu_seconds > usage.gpus * math.ceil(max(0.0, wall))),
        ("usage_method", usage.method not in (UsageRecord.Method.ACCOUNTING, UsageRecord.Method.RECEIPT)),
        ("usage_unnamed", not usage.cluster or not usage.native_id),
    ]
    for code, wrong in impossible:
        if wrong:
            raise ReportRefused(code, _("This usage row cannot be true and was not counted."))


def used_gpu_seconds(attempt: Attempt) -> int:
    """GPU-seconds an attempt held. Of one start, the scheduler's accounting counts before the wrapper's receipt.

    A corrected row is replaced by its correction.
    """
    rows = list(attempt.usage_records.all())
    corrected = {row.corrects_id for row in rows if row.corrects_id is not None}
    best: dict[datetime, UsageRecord] = {}
    for row in rows:
        if row.pk in corrected:
            continue
        seen = best.get(row.started_at)
        if seen is None or (seen.method == UsageRecord.Method.RECEIPT and row.method != UsageRecord.Method.RECEIPT):
            best[row.started_at] = row
    return sum(row.gpu_seconds for row in best.values())


def _known(row: UsageRecord) -> UsageRecord | None:
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
    if overlapping.exists():
        raise ReportRefused("usage_overlaps", _("An attempt cannot hold its GPUs twice at the same time."))
