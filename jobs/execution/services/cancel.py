"""Stopping a job: at once while nobody holds it, otherwise by asking the site that does."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from jobs.execution.charging import Hint
from jobs.execution.services.finish import finish
from jobs.models import Job
from jobs.states import JobState
from portal.kernel.errors import DomainError


@transaction.atomic
def cancel_job(*, job: Job, actor: User, at: datetime) -> Job:
    """Stops a job. Asking twice is asking once; a job that has ended cannot be stopped any more."""
    require(actor, Action.SUBMIT_JOB, organisation=job.organisation)
    job = Job.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=job.pk)
    if job.is_final:
        raise DomainError("job_has_ended", _("This job has ended already; there is nothing to stop."))
    if job.cancel_requested_at is not None:
        return job
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=at)
    job.cancel_requested_at = at
    audit.record(actor=actor, action="job.cancel_requested", target=job, organisation=job.organisation, state=job.state)
    if job.state == JobState.QUEUED:
        return finish(job=job, state=JobState.CANCELLED, hint_code=Hint.STOPPED, at=at)
    return job
