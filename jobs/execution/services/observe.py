"""Taking in what a site reports. Everything may come twice, late or in any order; the outcome is the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, Count, Func, Max
from django.utils.translation import gettext as _

from jobs.execution.charging import Hint
from jobs.execution.reports import Event, LogPiece, ReportRefused, StateReport
from jobs.execution.rules import CLOCK_SKEW, LEASE, MAX_EVENT_SEQ, MAX_LOG_BYTES, WALK
from jobs.execution.services.finish import finish
from jobs.execution.walk import path_to, walk_to
from jobs.models import Attempt, Job, JobEvent, LogChunk
from jobs.states import JOB_FINAL, JobState

_MOST_GAPS = 20
# Fewer are as quickly read one by one.
_TOGETHER = 4


@transaction.atomic
def heartbeat(*, attempts: Sequence[Attempt], at: datetime) -> None:
    """The site holds these attempts: their leases go on, and those nobody knew of are known again."""
    keys = [attempt.pk for attempt in attempts]
    silent = Job.objects.select_for_update(of=("self",)).filter(attempts__in=keys, state=JobState.UNKNOWN)
    for job in silent.order_by("pk"):
        state = job.attempts.filter(pk__in=keys).latest("number").state
        if state not in JOB_FINAL:
            walk_to(job, state, state_since=at)
    Attempt.objects.filter(pk__in=keys).exclude(state__in=JOB_FINAL).update(
        last_heard_at=at, lease_expires_at=at + LEASE
    )


@transaction.atomic
def observe_state(*, attempt: Attempt, report: StateReport, at: datetime) -> Attempt:
    """Takes in the newest state of an attempt. An older report, or one about a closed attempt, changes nothing."""
    if attempt.state in JOB_FINAL or report.seq <= attempt.state_seq:
        return attempt  # most of what agents say again; no row is locked for it
    job = Job.objects.select_for_update(of=("self",)).get(pk=attempt.job_id)
    attempt = Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    if attempt.state in JOB_FINAL or report.seq <= attempt.state_seq:
        return attempt
    if report.state not in {*WALK, *JOB_FINAL}:
        raise ReportRefused("state_unknown", _("A site cannot report this state."))
    final = report.state in JOB_FINAL
    if not final and _rank(report.state) < _rank(attempt.state):
        raise ReportRefused("state_backwards", _("An attempt does not go back to an earlier state."))
    started = _plausible(report.started_at, at)
    attempt.state_seq = report.seq
    attempt.native_id = report.native_id[:100] or attempt.native_id
    attempt.started_at = attempt.started_at or started
    attempt.last_heard_at = at
    attempt.lease_expires_at = at + LEASE
    if final:
        attempt.ended_at = _plausible(report.ended_at, at) or at
        attempt.exit_code, attempt.signal = report.exit_code, report.signal
        attempt.hint_code, attempt.sentence = report.hint_code[:40], report.sentence
        attempt.result = report.result
        attempt.manifest_signature, attempt.manifest_key = report.manifest_signature, report.manifest_key
    else:
        attempt.state = report.state
    attempt.save()
    if started and job.started_at is None:
        Job.objects.filter(pk=job.pk).update(started_at=started)
        job.started_at = started
    if final:
        state, hint = report.state, report.hint_code[:40]
        if state == JobState.CANCELLED:
            # Only its owner stops a job; what a site ends by itself is the site's interruption, and free.
            asked = job.cancel_requested_at is not None
            state, hint = (state, Hint.STOPPED) if asked else (JobState.FAILED, Hint.INTERRUPTED)
        finish(job=job, attempt=attempt, state=state, hint_code=hint, sentence=report.sentence, at=at)
        attempt.refresh_from_db()
    elif job.state != report.state:
        walk_to(job, report.state, state_since=at)
    return attempt


def observe_beginnings(reports: Sequence[tuple[Attempt, StateReport]], *, at: datetime) -> list[Attempt]:
    """The first steps of many attempts, as `observe_state` takes them in, in a few statements for all of them.

    A site that takes a hundred jobs at once says a hundred times that it fetches their inputs, and that it is about to
    hand them over. Only a step forward to `staging` or `submitted` that says nothing else is taken here; whatever is
    not, or is said twice, is left alone and not among the attempts returned. Raises DomainError where a job cannot
    move; then none has.
    """
    times = Counter(attempt.pk for attempt, _report in reports)
    wanted = {
        attempt.pk: report
        for attempt, report in reports
        if times[attempt.pk] == 1 and _plain_beginning(attempt, report)
    }
    return _begin(wanted, at=at) if len(wanted) >= _TOGETHER else []


@transaction.atomic
def _begin(wanted: Mapping[UUID, StateReport], *, at: datetime) -> list[Attempt]:
    jobs = Job.objects.select_for_update(of=("self",)).filter(attempts__in=wanted).order_by("pk").in_bulk()
    locked = Attempt.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    moved = [one for one in locked if _plain_beginning(one, wanted[one.pk])]
    ways: dict[tuple[str, str], list[Job]] = {}
    alike: dict[tuple[str, int], list[UUID]] = {}
    for attempt in moved:
        report, job = wanted[attempt.pk], jobs[attempt.job_id]
        alike.setdefault((report.state, report.seq), []).append(attempt.pk)
        attempt.job = job
        attempt.state, attempt.state_seq = report.state, report.seq
        attempt.last_heard_at, attempt.lease_expires_at = at, at + LEASE
        ways.setdefault((job.state, report.state), []).append(job)
    for (state, seq), keys in alike.items():
        Attempt.objects.filter(pk__in=keys).update(
            state=state, state_seq=seq, last_heard_at=at, lease_expires_at=at + LEASE
        )
    for (old, new), together in ways.items():
        path = path_to(old, new)
        for step in path:
            Job.move_together(together, step, **({"state_since": at} if step == path[-1] else {}))
    return moved


def _plain_beginning(attempt: Attempt, report: StateReport) -> bool:
    return (
        report.state in (JobState.STAGING, JobState.SUBMITTED)
        and attempt.state in (JobState.LEASED, JobState.STAGING)
        and report.seq > attempt.state_seq
        and _rank(report.state) >= _rank(attempt.state)
        and not report.native_id
        and report.started_at is None
    )


def observe_events(*, attempt: Attempt, events: Sequence[Event], at: datetime) -> None:
    """Stores events by their sequence numbers and brings progress up to date. A number seen before is dropped."""
    if any(not 1 <= event.seq <= MAX_EVENT_SEQ for event in events):
        raise ReportRefused("event_number", _("An event's number is out of range."))
    JobEvent.objects.bulk_create(
        (
            JobEvent(
                attempt=attempt, seq=event.seq, at=min(event.at, at + CLOCK_SKEW), type=event.type, data=event.data
            )
            for event in events
        ),
        ignore_conflicts=True,
    )
    if not Attempt.objects.filter(pk=attempt.pk).exclude(state__in=JOB_FINAL).exists():
        return  # a closed attempt still tells what it did; how far the job is, its newer attempt says
    newest = attempt.events.filter(type__in=["progress", "metrics"]).order_by("-seq").first()
    if newest is None:
        return
    step, steps = newest.data.get("step"), newest.data.get("steps")
    if _number(step) and _number(steps) and steps > 0:
        eta = newest.data.get("eta_seconds")
        Job.objects.filter(pk=attempt.job_id).exclude(state__in=JOB_FINAL).update(
            progress=max(0, min(99, int(100 * step / steps))),
            eta_seconds=max(0, min(2**31 - 1, int(eta))) if _number(eta) else None,
        )


def event_position(attempt: Attempt) -> tuple[int, list[list[int]]]:
    """The number up to which the stream is whole, and the ranges missing beyond it."""
    seen = attempt.events.aggregate(count=Count("pk"), last=Max("seq"))
    last = seen["last"] or 0
    if seen["count"] == last:
        return last, []
    gaps: list[list[int]] = []
    expected = 1
    for seq in attempt.events.order_by("seq").values_list("seq", flat=True).iterator():
        if seq > expected:
            gaps.append([expected, seq - 1])
            if len(gaps) == _MOST_GAPS:
                break
        expected = seq + 1
    return gaps[0][0] - 1, gaps


def observe_log(*, attempt: Attempt, piece: LogPiece) -> None:
    """Stores a piece of log at its byte offset. A piece that begins where one is known is dropped."""
    if piece.offset < 0 or piece.offset + len(piece.text.encode()) > MAX_LOG_BYTES:
        raise ReportRefused("log_too_long", _("The log is longer than the portal keeps."))
    if piece.text:
        LogChunk.objects.bulk_create(
            [LogChunk(attempt=attempt, offset=piece.offset, text=piece.text)], ignore_conflicts=True
        )


def log_position(attempt: Attempt) -> int:
    """The byte offset up to which the log is whole: where the site should go on."""
    position = 0
    pieces = attempt.log_chunks.annotate(size=Func("text", function="OCTET_LENGTH", output_field=BigIntegerField()))
    for offset, size in pieces.order_by("offset").values_list("offset", "size"):
        if offset > position:
            break
        position = max(position, offset + size)
    return position


def _rank(state: str) -> int:
    return [str(step) for step in WALK].index(str(state))


def _plausible(moment: datetime | None, at: datetime) -> datetime | None:
    """A site's clock may be wrong; a moment in the future is brought back to now."""
    return min(moment, at) if moment is not None else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
