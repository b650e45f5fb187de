"""The owner's standing consent that a run may go to another place of its allocation."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from jobs.models import Job
from portal.kernel.errors import DomainError


@transaction.atomic
def set_may_move(*, job: Job, may_move: bool, actor: User) -> Job:
    """Gives or takes back the consent, as long as the job has not ended. What has moved already stays moved."""
    require(actor, Action.SUBMIT_JOB, organisation=job.organisation)
    job = Job.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=job.pk)
    if job.is_final:
        raise DomainError("job_has_ended", _("This job has ended already; it goes nowhere any more."))
    if job.may_move != may_move:
        Job.objects.filter(pk=job.pk).update(may_move=may_move)
        job.may_move = may_move
        audit.record(
            actor=actor, action="job.may_move_set", target=job, organisation=job.organisation, may_move=may_move
        )
    return job
