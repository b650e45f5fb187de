"""A person's decision about usage in question: what stands in the book stays, or a correction takes its place.

A correction is a new row that names the old one; the charge follows by a reversal and a new booking. The job's row is
the lock: of two clicks one decides.
"""

import math
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from accounts.services import notify
from jobs.execution.charging import charged_gpu_seconds
from jobs.ledger import services as ledger
from jobs.metering.book import correctable, newest_of, used_gpu_seconds
from jobs.models import Attempt, Job, UsageDiscrepancy, UsageRecord
from portal.kernel.errors import DomainError
from portal.kernel.money import seconds_to_hours

Outcome = UsageDiscrepancy.Outcome


@transaction.atomic
def decide_discrepancy(
    *,
    discrepancy: UsageDiscrepancy,
    outcome: str,
    note: str,
    actor: User,
    at: datetime,
    record: UsageRecord | None = None,
    gpu_seconds: int | None = None,
) -> UsageDiscrepancy:
    """Closes a question for good. With CORRECTED, `gpu_seconds` is what the start in question really held.

    `record` says which start, where the question is about none in particular. Raises DomainError with what to do.
    """
    require(actor, Action.MANAGE_QUOTAS)
    job: Job | None = None
    if discrepancy.attempt is not None:
        job = Job.objects.select_for_update(of=("self",)).get(pk=discrepancy.attempt.job_id)
    row = UsageDiscrepancy.objects.select_for_update(of=("self",)).get(pk=discrepancy.pk)
    if row.resolved_at is not None:
        raise DomainError("already_decided", _("This question has been decided before. Nothing was changed."))
    if not note.strip():
        raise DomainError("note_missing", _("Say in a sentence why; the company and the site may ask."))
    before = after = None
    if outcome == Outcome.CORRECTED:
        if job is None or row.attempt is None or gpu_seconds is None:
            raise DomainError(
                "nothing_to_correct", _("This question is about a whole day. Correct the runs it names, one by one.")
            )
        row.correction = _correct(row, row.attempt, job, record, gpu_seconds, at)
        before, after = _charge_anew(job, actor=actor, reason=note.strip()[:300])
    row.outcome, row.note, row.resolved_at, row.resolved_by = Outcome(outcome), note.strip()[:500], at, actor
    row.save()
    audit.record(
        actor=actor,
        action="usage.discrepancy_decided",
        target=row,
        organisation=job.organisation if job else None,
        site=row.site.slug,
        kind=row.kind,
        job=job.reference if job else None,
        outcome=row.outcome,
        correction=row.correction_id,
        gpu_seconds=gpu_seconds if row.correction_id else None,
        charged_before=before,
        charged_after=after,
    )
    if job is not None and before != after:
        _tell(job, before or 0, after or 0)
    return row


def _correct(
    row: UsageDiscrepancy,
    attempt: Attempt,
    job: Job,
    chosen: UsageRecord | None,
    gpu_seconds: int,
    at: datetime,
) -> UsageRecord:
    """The new row. It names the newest row of the start in question, if that start has one."""
    most = job.gpus * math.ceil(((attempt.ended_at or at) - attempt.created_at).total_seconds())
    if not 0 <= gpu_seconds <= most:
        raise DomainError(
            "correction_impossible",
            _("This run cannot have held that much. Enter a number from 0 to %(most)s GPU-seconds.") % {"most": most},
        )
    rows = correctable(attempt)
    asked = row.record or chosen
    old = newest_of(asked, rows) if asked is not None else None
    if old is None and (asked is not None or len(rows) > 1):
        raise DomainError("start_unknown", _("Choose which start of the run is to be corrected."))
    old = old or (rows[0] if rows else None)
    if old is None:
        start = attempt.started_at or attempt.created_at
        return UsageRecord.objects.create(
            attempt=attempt,
            site=attempt.site,
            cluster="portal",
            native_id=attempt.native_id or attempt.key,
            started_at=start,
            ended_at=max(start, attempt.ended_at or start),
            gpus=job.gpus,
            gpu_seconds=gpu_seconds,
            method=UsageRecord.Method.CORRECTION,
        )
    return UsageRecord.objects.create(
        attempt=attempt,
        site=old.site,
        cluster=old.cluster,
        native_id=old.native_id,
        started_at=old.started_at,
        ended_at=old.ended_at,
        gpus=old.gpus,
        gpu_seconds=gpu_seconds,
        cpu_seconds=old.cpu_seconds,
        energy_joules=old.energy_joules,
        method=UsageRecord.Method.CORRECTION,
        corrects=old,
    )


def _charge_anew(job: Job, *, actor: User, reason: str) -> tuple[int | None, int | None]:
    """GPU-seconds charged before and after. A job that has not ended is charged at its end, corrections included."""
    newest = job.attempts.order_by("-number").first()
    if job.settled_at is None or newest is None:
        return None, None
    before = ledger.charge_of(job)
    after = charged_gpu_seconds(
        state=job.state, hint_code=job.hint_code, used=used_gpu_seconds(newest), reserved=job.reserved_gpu_seconds
    )
    ledger.recharge(job=job, gpu_seconds=after, reason=reason, actor=actor)
    return before, after


def _tell(job: Job, before: int, after: int) -> None:
    if job.created_by is None:
        return
    with translation.override(job.created_by.language or None):
        notify(
            user=job.created_by,
            kind="charge_corrected",
            title=_("%(job)s: the charge was corrected") % {"job": job.reference},
            body=_("It was %(before)s GPU-hours and is now %(after)s. The page of the run's cost shows each booking.")
            % {"before": seconds_to_hours(before), "after": seconds_to_hours(after)},
            path=reverse("jobs:job_cost", args=[job.pk]),
            organisation=job.organisation,
        )
