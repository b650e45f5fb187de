"""What time alone changes: leases that expire, sites that fall silent, work that nobody takes."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from jobs.execution.charging import Hint
from jobs.execution.rules import AFTERMATH, COMMITTED, LEASE_PATIENCE, LEFTOVERS_KEPT, RETURNABLE, SILENCE
from jobs.execution.services.finish import finish
from jobs.execution.services.lease import give_back
from jobs.execution.services.moving import move_waiting, start_anew
from jobs.models import Artefact, Attempt, Job, RequestNonce
from jobs.states import JOB_FINAL, AllocationState, JobState
from models_hub.models import TunedModel

_BATCH = 200


def sweep(*, at: datetime) -> dict[str, int]:
    """Looks at everything overdue; running it twice changes nothing more. Returns how many of each it moved."""
    RequestNonce.objects.filter(expires_at__lt=at).delete()
    return {
        "given_back": _expired_leases(at),
        "moved": move_waiting(at=at),
        "unknown": _silent(at),
        **_lost(at),
        "returned": _never_taken(at),
    }


def _expired_leases(at: datetime) -> int:
    expired = Attempt.objects.filter(state__in=RETURNABLE, lease_expires_at__lt=at)[:_BATCH]
    for attempt in expired:
        give_back(attempt=attempt, at=at)
    return len(expired)


def _silent(at: datetime) -> int:
    """Work a site has committed to is neither failed nor charged while the site is silent: nobody knows."""
    moved = 0
    attempts = Attempt.objects.filter(
        state__in=COMMITTED, last_heard_at__lt=at - SILENCE, job__state__in=COMMITTED
    ).select_related("job")
    for attempt in attempts[:_BATCH]:
        with transaction.atomic():
            job = Job.objects.select_for_update(of=("self",)).get(pk=attempt.job_id)
            still_silent = Attempt.objects.filter(pk=attempt.pk, last_heard_at__lt=at - SILENCE).exists()
            if job.state in COMMITTED and still_silent:
                job.move_to(JobState.UNKNOWN, state_since=at)
                moved += 1
    return moved


def deadline(attempt: Attempt, job: Job) -> datetime:
    """The moment after which an attempt cannot be running any more, whatever the site would say.

    Its wrapper starts nothing after `not_after`, and ends what runs when its time is over.
    """
    return (attempt.started_at or attempt.not_after) + timedelta(seconds=job.max_seconds) + AFTERMATH


def _lost(at: datetime) -> dict[str, int]:
    """What a silent site cannot be running any more: started anew elsewhere where its owner allowed it, else ended."""
    counts = {"lost": 0, "anew": 0}
    for pk in Job.objects.filter(state=JobState.UNKNOWN).values_list("pk", flat=True)[:_BATCH]:
        with transaction.atomic():
            job = (
                Job.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("organisation", "allocation__partition", "base_model", "dataset", "site", "created_by")
                .filter(pk=pk, state=JobState.UNKNOWN)
                .first()
            )
            attempt = job.attempts.select_for_update(of=("self",)).order_by("-number").first() if job else None
            if job is None or attempt is None or deadline(attempt, job) > at:
                continue
            if start_anew(job=job, attempt=attempt, at=at):
                counts["anew"] += 1
                continue
            finish(
                job=job,
                attempt=attempt,
                state=JobState.FAILED,
                hint_code=Hint.SITE_LOST,
                sentence=_(
                    "The site did not answer until the job's time was over, and no other place of the allocation can "
                    "take the run. Nothing was charged; start it again or choose another site."
                )
                if job.may_move
                else _(
                    "The site did not answer until the job's time was over. "
                    "Nothing was charged; start it again or choose another site."
                ),
                at=at,
            )
            counts["lost"] += 1
    return counts


def _never_taken(at: datetime) -> int:
    over = Q(allocation__state=AllocationState.ENDED) | Q(allocation__ends_on__lt=at.date())
    # Counted from when it last began to wait: a run that starts anew elsewhere has its week there.
    waiting = Job.objects.filter(Q(state_since__lt=at - LEASE_PATIENCE) | over, state=JobState.QUEUED)
    jobs = list(waiting[:_BATCH])
    for job in jobs:
        ended = job.allocation.state == AllocationState.ENDED or job.allocation.ends_on < at.date()
        finish(
            job=job,
            state=JobState.FAILED,
            hint_code=Hint.ALLOCATION_CLOSED if ended else Hint.NEVER_STARTED,
            sentence=_("The allocation ended before a site took the job. Nothing was charged.")
            if ended
            else _("No site took the job within a week. Nothing was charged; choose another site."),
            at=at,
        )
    return len(jobs)


def clear_leftovers(*, at: datetime) -> int:
    """Removes result files that belong to no result: of attempts that failed, or whose model was deleted since.

    It looks through all files that ever came, and so not as often as `sweep`. Returns how many it removed.
    """
    kept = TunedModel.objects.filter(job_id=OuterRef("attempt__job_id"))
    ended = Artefact.objects.filter(attempt__state__in=JOB_FINAL, attempt__ended_at__lt=at - LEFTOVERS_KEPT)
    leftovers = list(ended.filter(~Exists(kept)).select_related("attempt")[:_BATCH])
    for artefact in leftovers:
        artefact.delete()
        artefact.file.delete(save=False)
    return len(leftovers)
