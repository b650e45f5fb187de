"""Three witnesses of what an attempt held: heartbeats while it ran, the accounting at its end, the job's own receipt.

Nothing here changes a charge. What differs becomes a question for a person, and whatever order the witnesses arrive
in, the same questions stand open in the end.
"""

from collections.abc import Set
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from jobs.metering.book import counted, in_force, same_time
from jobs.metering.discrepancies import Kind, close_by_itself, open_discrepancy
from jobs.metering.rules import (
    HEARD_EVERY,
    USAGE_EXPECTED_WITHIN,
    Held,
    heartbeats_differ,
    held_until,
    receipt_differs,
)
from jobs.models import Attempt, Job, UsageDiscrepancy, UsageRecord
from jobs.states import JOB_FINAL

# Kind and row of the questions that stand open.
Known = Set[tuple[str, int | None]]
# How far back jobs without usage are looked for, and how many at once.
_LOOK_BACK = timedelta(days=35)
_BATCH = 200


def hear_heartbeat(*, attempt: Attempt, held: int, at: datetime, skew: timedelta) -> None:
    """GPU-seconds an attempt has held so far, by its site's heartbeats. They only grow; what cannot be true is dropped.

    Written down every quarter of a minute, always together with the moment it was true.
    """
    possible = attempt.job.gpus * (at - attempt.created_at + skew).total_seconds()
    if not attempt.provisional_gpu_seconds < held <= possible:
        return
    if attempt.provisional_at is not None and at - attempt.provisional_at < HEARD_EVERY:
        return
    newer = Q(provisional_at__isnull=True) | Q(provisional_at__lt=at)
    Attempt.objects.filter(newer, pk=attempt.pk, provisional_gpu_seconds__lt=held).exclude(state__in=JOB_FINAL).update(
        provisional_gpu_seconds=held, provisional_at=at
    )


def compare(attempt: Attempt, *, at: datetime) -> None:
    """Holds the witnesses of an attempt against one another. The caller has its job locked."""
    rows = [row for row in attempt.usage_records.all() if row.method != UsageRecord.Method.CORRECTION]
    open_now: Known = set(attempt.usage_discrepancies.filter(resolved_at__isnull=True).values_list("kind", "record"))
    for row in rows:
        if row.method == UsageRecord.Method.ACCOUNTING and not _receipt_differs(attempt, row, rows, at):
            _close(attempt, Kind.RECEIPT, row.pk, _("Accounting and receipt agree."), open_now, at)
    if attempt.state in JOB_FINAL and not _heartbeats_differ(attempt, rows, at):
        _close(attempt, Kind.PROVISIONAL, None, _("Accounting and heartbeats agree."), open_now, at)
    if rows:
        _close(attempt, Kind.MISSING, None, _("The site has reported what the job held."), open_now, at)


def arrived_late(record: UsageRecord, *, at: datetime) -> UsageDiscrepancy:
    """Usage of a job that was settled before: it is not charged until an administrator says so."""
    return open_discrepancy(
        site=record.site,
        kind=Kind.LATE,
        attempt=record.attempt,
        record=record,
        accounting=record.gpu_seconds,
        other=sum(row.gpu_seconds for row in counted(record.attempt) if row.pk != record.pk),
        at=at,
    )


def find_missing(*, at: datetime) -> int:
    """Jobs that ran and of which no usage came. Returns how many questions were opened."""
    ran = Q(started_at__isnull=False) | Q(provisional_gpu_seconds__gt=0)
    silent = (
        Attempt.objects.filter(ran, state__in=JOB_FINAL, usage_records__isnull=True)
        .filter(ended_at__lt=at - USAGE_EXPECTED_WITHIN, ended_at__gt=at - _LOOK_BACK)
        .exclude(usage_discrepancies__kind=Kind.MISSING)
        .select_related("job", "site")
    )
    found = 0
    for attempt in silent[:_BATCH]:
        found += _miss(attempt, at)
    return found


def _miss(attempt: Attempt, at: datetime) -> bool:
    with transaction.atomic():
        Job.objects.select_for_update(of=("self",)).get(pk=attempt.job_id)
        if attempt.usage_records.exists():
            return False
        open_discrepancy(
            site=attempt.site,
            kind=Kind.MISSING,
            attempt=attempt,
            other=attempt.provisional_gpu_seconds or None,
            at=at,
        )
    return True


def _receipt_differs(attempt: Attempt, row: UsageRecord, rows: list[UsageRecord], at: datetime) -> bool:
    receipts = [one for one in rows if one.method == UsageRecord.Method.RECEIPT and same_time(one, row)]
    receipt = row.receipt_gpu_seconds
    if receipt is None and receipts:
        receipt = sum(one.gpu_seconds for one in receipts)
    if receipt is None or not receipt_differs(accounting=row.gpu_seconds, receipt=receipt, gpus=row.gpus):
        return False
    open_discrepancy(
        site=attempt.site,
        kind=Kind.RECEIPT,
        attempt=attempt,
        record=row,
        accounting=row.gpu_seconds,
        other=receipt,
        at=at,
    )
    return True


def _heartbeats_differ(attempt: Attempt, rows: list[UsageRecord], at: datetime) -> bool:
    """Heartbeats count up to a moment, and so much of the accounting is held against them."""
    used, until = in_force(rows), attempt.provisional_at
    if until is None or not used:
        return False
    accounting = held_until((Held(row.started_at, row.ended_at, row.gpus) for row in used), until)
    heartbeats, gpus = attempt.provisional_gpu_seconds, max(row.gpus for row in used)
    if not heartbeats_differ(accounting=accounting, heartbeats=heartbeats, gpus=gpus):
        return False
    open_discrepancy(
        site=attempt.site,
        kind=Kind.PROVISIONAL,
        attempt=attempt,
        accounting=accounting,
        other=heartbeats,
        until=until.isoformat(),
        at=at,
    )
    return True


def _close(attempt: Attempt, kind: str, record: int | None, note: str, open_now: Known, at: datetime) -> None:
    if (kind, record) in open_now:
        close_by_itself(attempt.usage_discrepancies.filter(kind=kind, record=record), note=note, at=at)
