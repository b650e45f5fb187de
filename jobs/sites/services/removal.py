"""A person confirms that a job's data are gone, where no agent can say so any more."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from jobs.models import Attempt
from jobs.states import JOB_FINAL
from portal.kernel.errors import DomainError


@transaction.atomic
def confirm_removal(*, attempt: Attempt, note: str, actor: User, at: datetime) -> None:
    """Keeps a person's word in place of the agent's. Raises DomainError: note."""
    require(actor, Action.OPERATE_SITE, site_slug=attempt.site.slug)
    if not note.strip():
        raise DomainError("note_missing", _("Say how you know that the data are gone."), field="note")
    row = Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    if row.state not in JOB_FINAL:
        raise DomainError("attempt_open", _("This job has not ended at the site; its data are still needed."))
    if row.removed_at is not None:
        return
    Attempt.objects.filter(pk=row.pk).update(removed_at=at)
    audit.record(actor=actor, action="site.removal_confirmed", target=row, site=attempt.site.slug, note=note[:500])
