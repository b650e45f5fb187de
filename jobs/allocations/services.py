"""Changing what was granted. More hours are a new right, so they meet the law like a first grant."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from accounts.services import notify
from accounts.state_aid.services import lock_undertaking
from jobs.allocations.grants import judge_and_reserve
from jobs.ledger.services import adjust, lock
from jobs.models import Allocation, LedgerEntry
from jobs.states import AllocationState
from portal.kernel.errors import DomainError
from portal.kernel.money import gpu_seconds_value


@transaction.atomic
def change_hours(*, allocation: Allocation, gpu_seconds: int, reason: str, actor: User, at: datetime) -> LedgerEntry:
    """An administrator adds GPU time (judged as state aid on the day) or takes free time back (awards stay as they are:
    what was granted was granted, until the granting authority agrees to correct its register).

    Raises DomainError("aid_ceiling") or DomainError("below_what_is_used"); then nothing changes.
    """
    require(actor, Action.MANAGE_QUOTAS)
    if gpu_seconds == 0:
        raise DomainError("no_change", _("Enter how many hours to add or take back."), field="gpu_hours")
    row = Allocation.objects.select_related("site", "organisation", "application__created_by").get(pk=allocation.pk)
    if gpu_seconds > 0:
        # The undertaking's lock comes before the allocation's, as in a decision: one order, no deadlock.
        lock_undertaking(granting_state=row.site.granting_state, organisation=row.organisation)
    row.state = lock(row).state
    if row.state != AllocationState.ACTIVE:
        raise DomainError(
            "not_active", _("%(allocation)s has ended; grant new hours by a new request.") % {"allocation": row}
        )
    if gpu_seconds > 0:
        judge_and_reserve(
            organisation=row.organisation,
            site=row.site,
            amount_eur=gpu_seconds_value(gpu_seconds, row.eur_per_gpu_hour),
            eur_per_gpu_hour=row.eur_per_gpu_hour,
            reference=row.reference,
            on=at.date(),
            reviewed_by=actor,
        )
    entry = adjust(allocation=row, gpu_seconds=gpu_seconds, reason=reason, actor=actor)
    if row.application.created_by:
        notify(
            user=row.application.created_by,
            kind="allocation",
            title=_("Your allocation %(reference)s changed by %(hours)+d GPU-hours")
            % {"reference": row.reference, "hours": gpu_seconds // 3600},
            body=reason,
            path=reverse("jobs:allocation", args=[row.pk]),
            organisation=row.organisation,
            email=True,
        )
    return entry
