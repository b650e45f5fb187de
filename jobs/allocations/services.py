"""Changing what was granted. More hours are a new right, so they meet the law like a first grant; and what was not used
can be taken off the company's account when the granting authority agrees."""

from datetime import date, datetime

from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import AidAward, User
from accounts.permissions import may, require
from accounts.roles import Action
from accounts.services import notify
from accounts.state_aid.services import adjust_to_use, lock_undertaking
from jobs.allocations.grants import judge_and_grant, project_of, valuation_of
from jobs.ledger.services import adjust, balance, lock
from jobs.models import Allocation, LedgerEntry
from jobs.states import AllocationState
from portal.kernel.errors import DomainError
from portal.kernel.money import gpu_seconds_value, seconds_to_hours


@transaction.atomic
def change_hours(*, allocation: Allocation, gpu_seconds: int, reason: str, actor: User, at: datetime) -> LedgerEntry:
    """An administrator adds GPU time (judged as state aid on the day) or takes free time back (awards stay as they are:
    what was granted was granted, until the granting authority agrees to correct its register).

    Raises DomainError("aid_ceiling") or DomainError("below_what_is_used"); then nothing changes.
    """
    require(actor, Action.MANAGE_QUOTAS)
    if gpu_seconds == 0:
        raise DomainError("no_change", _("Enter how many hours to add or take back."), field="gpu_hours")
    row = Allocation.objects.select_related(
        "site__aid_scheme", "organisation", "application__created_by", "rate_card"
    ).get(pk=allocation.pk)
    if gpu_seconds > 0:
        # The undertaking's lock comes before the allocation's, as in a decision: one order, no deadlock.
        lock_undertaking(granting_state=row.site.granting_state, organisation=row.organisation)
    row.state = lock(row).state
    if row.state != AllocationState.ACTIVE:
        raise DomainError(
            "not_active", _("%(allocation)s has ended; grant new hours by a new request.") % {"allocation": row}
        )
    if gpu_seconds > 0:
        judge_and_grant(
            organisation=row.organisation,
            site=row.site,
            amount_eur=gpu_seconds_value(gpu_seconds, row.eur_per_gpu_hour),
            valuation=valuation_of(
                rate=row.rate_card, gpu_hours=seconds_to_hours(gpu_seconds), eur_per_gpu_hour=row.eur_per_gpu_hour
            ),
            reference=row.reference,
            on=at.date(),
            actor=actor,
            project=project_of(row.application),
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


@transaction.atomic
def adjust_awards(*, allocation: Allocation, agreement: str, actor: User, at: datetime) -> list[AidAward]:
    """After the allocation ended, lowers its awards to the value of what was used.

    What was granted counts from the day of the grant, used or not. Only the granting authority can agree to correct its
    register: the officer of the site, or an administrator, records that it did (`agreement`: who, when, which letter).
    Raises DomainError: not_ended, no_agreement, still_reserved, nothing_to_adjust.
    """
    row = Allocation.objects.select_related("site", "organisation").get(pk=allocation.pk)
    if not may(actor, Action.MANAGE_QUOTAS):
        require(actor, Action.REVIEW_APPLICATION, site_slug=row.site.slug)
    if len(agreement.strip()) < 10:
        raise DomainError(
            "no_agreement",
            _("Write who agreed for the granting authority, when, and where the letter is kept."),
            field="agreement",
        )
    lock_undertaking(granting_state=row.site.granting_state, organisation=row.organisation)
    row.state = lock(row).state
    if not has_ended(row, on=at.date()):
        raise DomainError(
            "not_ended",
            _("%(allocation)s runs until %(day)s. What was not used is known after that day.")
            % {"allocation": row, "day": date_format(row.ends_on)},
        )
    now_is = balance(row)
    if now_is.reserved:
        raise DomainError("still_reserved", _("A job still holds hours of this allocation. Try again when it ended."))
    return adjust_to_use(
        organisation=row.organisation,
        reference=row.reference,
        used_eur=gpu_seconds_value(now_is.used, row.eur_per_gpu_hour),
        agreement=agreement.strip(),
        actor=actor,
        on=at.date(),
    )


def has_ended(allocation: Allocation, *, on: date) -> bool:
    """Whether nothing more can be used of it."""
    return allocation.state == AllocationState.ENDED or allocation.ends_on < on
