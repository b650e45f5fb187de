"""Running the same thing again: as it was, or as a draft to change."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from jobs.execution.services.submit import submit_job
from jobs.models import Job, JobDraft
from models_hub.specs import JobSpec
from portal.kernel.errors import DomainError

DRAFT_LIFE = timedelta(days=30)


@transaction.atomic
def retry_job(*, job: Job, actor: User, at: datetime) -> Job:
    """Starts the same spec again as a new job with its own reservation, on the same allocation.

    While such a repeat is unfinished a second click gets that one.
    """
    require(actor, Action.SUBMIT_JOB, organisation=job.organisation)
    job = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if not job.is_final:
        raise DomainError("job_still_open", _("This job has not ended yet. Stop it first, or wait for its end."))
    twin = Job.objects.unfinished().filter(allocation=job.allocation, spec_hash=job.spec_hash).first()
    if twin is not None:
        return twin
    again = submit_job(
        organisation=job.organisation,
        draft=None,
        allocation=job.allocation,
        spec=JobSpec.from_json(job.spec),
        estimate=job.estimate,
        dataset=job.dataset,
        base_model=job.base_model,
        # Where it is granted: the first try may have moved to another place of the allocation.
        partition=job.allocation.partition,
        answers=job.answers,
        actor=actor,
        at=at,
        may_move=job.may_move,
    )
    audit.record(actor=actor, action="job.retried", target=again, organisation=again.organisation, first=str(job.pk))
    return again


@transaction.atomic
def copy_draft(*, job: Job, actor: User, at: datetime) -> JobDraft:
    """A new draft with the answers this job was started from, to change what one likes and start again."""
    require(actor, Action.SUBMIT_JOB, organisation=job.organisation)
    draft = JobDraft.objects.create(
        organisation=job.organisation,
        created_by=actor,
        name=job.name,
        recipe=job.recipe,
        answers=job.answers,
        step_reached=max(1, len(job.answers)),
        expires_at=at + DRAFT_LIFE,
    )
    audit.record(actor=actor, action="job.copied", target=draft, organisation=job.organisation, job=str(job.pk))
    return draft
