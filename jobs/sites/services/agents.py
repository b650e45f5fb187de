"""Codes that nobody has used yet. Making and using them: jobs.siteapi.services.enrolment."""

from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from jobs.models import EnrolmentCode


@transaction.atomic
def withdraw_code(*, code: EnrolmentCode, actor: User, at: datetime) -> None:
    """From now on nobody enrols with it. A code that was used or has expired is left as it is."""
    require(actor, Action.OPERATE_SITE, site_slug=code.site.slug)
    row = EnrolmentCode.objects.select_for_update(of=("self",)).get(pk=code.pk)
    if row.used_at is None and row.expires_at > at:
        row.expires_at = at
        row.save(update_fields=["expires_at"])
        audit.record(actor=actor, action="site.enrolment_code_withdrawn", target=row, site=code.site.slug)
