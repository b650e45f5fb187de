"""Which usage rows count. Rows are never changed: a correction replaces what it names, and each start counts once."""

from collections.abc import Iterable

from jobs.models import Attempt, UsageDiscrepancy, UsageRecord

Method = UsageRecord.Method
Kind = UsageDiscrepancy.Kind


def in_force(rows: Iterable[UsageRecord]) -> list[UsageRecord]:
    """Every start once: a correction in place of its row, and the scheduler's word before the job's own receipt."""
    rows = list(rows)
    corrected = {row.corrects_id for row in rows}
    newest = [row for row in rows if row.pk not in corrected]
    accounted = [row for row in newest if row.method != Method.RECEIPT]
    return accounted + [
        row for row in newest if row.method == Method.RECEIPT and not any(same_time(row, one) for one in accounted)
    ]


def same_time(one: UsageRecord, other: UsageRecord) -> bool:
    """Whether two rows of one attempt speak of the same start."""
    return one.started_at == other.started_at or (one.started_at < other.ended_at and other.started_at < one.ended_at)


def counted(attempt: Attempt) -> list[UsageRecord]:
    """What a charge rests on: the rows in force, without those that came after the settlement.

    A late row counts from the moment an administrator says so; that is a correction which names it.
    """
    late = set(attempt.usage_discrepancies.filter(kind=Kind.LATE).values_list("record", flat=True))
    return in_force(row for row in attempt.usage_records.all() if row.pk not in late)


def correctable(attempt: Attempt) -> list[UsageRecord]:
    """The newest row of each start, late ones too: what a correction may name."""
    return in_force(attempt.usage_records.all())


def newest_of(row: UsageRecord, rows: Iterable[UsageRecord]) -> UsageRecord | None:
    """The one of `rows` that stands for the start of `row` today."""
    while (later := UsageRecord.objects.filter(corrects=row).first()) is not None:
        row = later
    return next((one for one in rows if one.pk == row.pk or same_time(one, row)), None)


def used_gpu_seconds(attempt: Attempt) -> int:
    """GPU-seconds an attempt held, over all its starts."""
    return sum(row.gpu_seconds for row in counted(attempt))
