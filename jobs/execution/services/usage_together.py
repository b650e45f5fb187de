"""Many usage rows of one message in one INSERT: first rows of running attempts about which there is nothing to say.

Whatever is less plain (an attempt with rows already, a row that is known, a settled job, witnesses that may differ)
is left to `take_usage`, row by row. So this changes how quickly rows are written, and nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from jobs.execution.reports import ReportRefused, Usage
from jobs.execution.services.usage import check_usage, row_of
from jobs.metering.rules import receipt_differs
from jobs.models import Attempt, Job, UsageDiscrepancy, UsageRecord
from jobs.states import JOB_FINAL

Named = tuple[str, str, datetime, str]
# Fewer are as quick one by one.
LEAST = 5


def name_of(usage: Usage) -> Named:
    return usage.cluster, usage.native_id, usage.started_at, usage.method


def write_together(pairs: Sequence[tuple[Attempt, Usage]], *, at: datetime) -> dict[Named, UsageRecord]:
    """The rows that were written, by their names; the others are still to be taken one by one."""
    once = Counter(attempt.pk for attempt, _usage in pairs)
    plain = [(attempt, usage) for attempt, usage in pairs if once[attempt.pk] == 1 and _plain(attempt, usage, at)]
    if len(plain) < LEAST:
        return {}
    try:
        with transaction.atomic():
            return _write(plain)
    except IntegrityError:
        return {}  # somebody else has written one of them meanwhile


def _plain(attempt: Attempt, usage: Usage, at: datetime) -> bool:
    """Possible, of an attempt that is not over, and without a receipt that says otherwise."""
    if attempt.state in JOB_FINAL or usage.method != UsageRecord.Method.ACCOUNTING:
        return False
    receipt = usage.receipt_gpu_seconds
    if receipt is not None and receipt_differs(accounting=usage.gpu_seconds, receipt=receipt, gpus=usage.gpus):
        return False
    try:
        check_usage(attempt=attempt, usage=usage, at=at)
    except ReportRefused:
        return False
    return True


def _write(plain: Sequence[tuple[Attempt, Usage]]) -> dict[Named, UsageRecord]:
    """Under the locks of the jobs, in their order, as each row by itself would be."""
    jobs = Job.objects.select_for_update(of=("self",)).only("pk", "settled_at")
    jobs = jobs.filter(pk__in=[attempt.job_id for attempt, _usage in plain])
    settled = {job.pk for job in jobs.order_by("pk") if job.settled_at is not None}
    ids = [attempt.pk for attempt, _usage in plain]
    ended = set(Attempt.objects.filter(pk__in=ids, state__in=JOB_FINAL).values_list("pk", flat=True))
    spoken_of = set(UsageRecord.objects.filter(attempt_id__in=ids).values_list("attempt_id", flat=True))
    open_ones = UsageDiscrepancy.objects.filter(attempt_id__in=ids, resolved_at__isnull=True)
    spoken_of |= set(open_ones.values_list("attempt_id", flat=True))
    rows = {
        name_of(usage): row_of(attempt, usage)
        for attempt, usage in plain
        if attempt.pk not in spoken_of | ended and attempt.job_id not in settled
    }
    UsageRecord.objects.bulk_create(rows.values())
    return rows
