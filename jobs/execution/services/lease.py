"""Handing work to a site, and taking it back while the site has not committed to it."""

import secrets
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from jobs.execution.charging import Hint
from jobs.execution.rules import LEASE, MAX_LEASES, QUEUE_PATIENCE, REMOVE_AFTER, RETURNABLE
from jobs.execution.services.finish import finish
from jobs.matching.selectors import country_of
from jobs.models import Attempt, Job, SiteAgent
from jobs.states import AllocationState, JobState
from models_hub.datasets.residency import may_go_to
from models_hub.states import DatasetState


def attempt_key(job: Job, number: int) -> str:
    """The name of an attempt everywhere, also in the site's scheduler: a second submission under it is harmless."""
    return f"ft-{job.pk.hex[:12]}-{number}"


def lease_jobs(*, agent: SiteAgent, wanted: int, at: datetime) -> list[Attempt]:
    """Leases up to `wanted` of the site's oldest waiting jobs that this agent can run.

    The jobs' rows are locked with SKIP LOCKED until all are leased: two agents of a site never get the same job.
    """
    leased: list[Attempt] = []
    passed: list[UUID] = []
    while len(leased) < wanted:
        with transaction.atomic():
            jobs = list(
                Job.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("dataset", "allocation", "organisation", "partition", "site")
                .filter(site_id=agent.site_id, state=JobState.QUEUED, allocation__state=AllocationState.ACTIVE)
                .exclude(pk__in=passed)
                .order_by("created_at")[: wanted - len(leased)]
            )
            if not jobs:
                break
            passed += [job.pk for job in jobs]
            leased += _lease([job for job in jobs if _can_go(job, agent, at)], agent, at)
    return leased


def _can_go(job: Job, agent: SiteAgent, at: datetime) -> bool:
    if job.dataset.state != DatasetState.DELETED:
        return _suits(job, agent)
    finish(
        job=job,
        state=JobState.FAILED,
        hint_code=Hint.DATASET_GONE,
        sentence=_("The data set was deleted before the job started. Nothing was charged."),
        at=at,
    )
    return False


def _suits(job: Job, agent: SiteAgent) -> bool:
    recipes = agent.description.get("recipes")
    limits = agent.description.get("limits") or {}
    most = limits.get("gpus")
    longest = limits.get("max_seconds")
    # Where the data would lie: by the catalogue, and by what the agent says of itself.
    places = {job.site.country, country_of(agent.description) or job.site.country}
    return (
        may_go_to(job.dataset, places)
        and (recipes is None or job.recipe in recipes)
        and (most is None or job.gpus <= most)
        and (longest is None or job.max_seconds <= longest)
    )


def _lease(jobs: list[Job], agent: SiteAgent, at: datetime) -> list[Attempt]:
    """One more attempt for each of these jobs, whose rows are locked. Rows: two statements, however many."""
    numbers = Attempt.objects.filter(job__in=jobs).order_by().values_list("job").annotate(Max("number"))
    last: dict[UUID, int] = dict(numbers)
    attempts = [
        Attempt(
            job=job,
            number=last.get(job.pk, 0) + 1,
            key=attempt_key(job, last.get(job.pk, 0) + 1),
            created_at=at,
            site_id=agent.site_id,
            agent=agent,
            lease_epoch=agent.epoch,
            lease_token=secrets.token_urlsafe(24),
            lease_expires_at=at + LEASE,
            not_after=at + QUEUE_PATIENCE,
            last_heard_at=at,
        )
        for job in jobs
    ]
    Attempt.objects.bulk_create(attempts)
    Job.move_together(jobs, JobState.LEASED, state_since=at)
    return attempts


@transaction.atomic
def give_back(*, attempt: Attempt, at: datetime, hint_code: str = Hint.NEVER_STARTED) -> None:
    """Takes back work the site has not committed to: the old attempt is closed for good, the job waits again."""
    job = Job.objects.select_for_update(of=("self",)).get(pk=attempt.job_id)
    attempt = Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    if attempt.state not in RETURNABLE or job.state not in RETURNABLE:
        return
    Attempt.objects.filter(pk=attempt.pk).update(
        state=JobState.FAILED, hint_code=hint_code, ended_at=at, remove_by=at + REMOVE_AFTER
    )
    if job.cancel_requested_at is not None:
        finish(job=job, state=JobState.CANCELLED, hint_code=Hint.STOPPED, at=at)
    elif attempt.number >= MAX_LEASES:
        finish(
            job=job,
            state=JobState.FAILED,
            hint_code=Hint.NEVER_STARTED,
            sentence=_(
                "The site took this job several times and never started it. "
                "Nothing was charged; tell the site's helpdesk."
            ),
            at=at,
        )
    else:
        job.move_to(JobState.QUEUED, state_since=at)
