"""The life of an award after its grant: adjusted to what was used, lapsed, reversed. Each is a row of its own."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAward, Organisation, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid.services import hooks
from accounts.state_aid.services.locks import lock_undertaking
from portal.kernel.errors import DomainError
from portal.kernel.money import euro
from portal.ui.numbers import money

TAKES_BACK = frozenset({AidAward.Event.ADJUSTED, AidAward.Event.LAPSED, AidAward.Event.REVERSED})
NOTHING = Decimal("0.00")


def standing(award: UUID) -> Decimal:
    """What is left of an award: the sum over its thread, never negative."""
    return AidAward.objects.filter(award=award).aggregate(total=Sum("amount_eur"))["total"] or NOTHING


def threads_of(*, organisation: Organisation, reference: str) -> list[AidAward]:
    """The first row of every award under that reference, in the order they were granted."""
    rows = AidAward.objects.filter(organisation=organisation, reference=reference, event=AidAward.Event.RESERVED)
    return list(rows.order_by("created_at"))


def release_award(
    *, award: UUID, event: str, amount_eur: Decimal, reason: str, actor: User | None, on: date
) -> AidAward:
    """Takes part or all of an award back (event ADJUSTED, LAPSED or REVERSED) by a row of its own.

    The day of the grant stays the thread's; `on` is recorded in the audit event. Raises DomainError
    ("aid_award_too_small") when more would be taken back than is left. Needs the caller's transaction.
    """
    if event not in TAKES_BACK:
        raise ValueError(f"{event} takes nothing back")
    first = AidAward.objects.filter(award=award).select_related("organisation").order_by("created_at").first()
    if first is None:
        raise DomainError("aid_award_unknown", _("There is no such award."), status=404)
    lock_undertaking(granting_state=first.granting_state, organisation=first.organisation)
    left = standing(award)
    if not NOTHING < euro(amount_eur) <= left:
        raise DomainError(
            "aid_award_too_small",
            _("At most %(amount)s of this award can be taken back.") % {"amount": money(left)},
        )
    row = AidAward.objects.create(
        award=award,
        organisation=first.organisation,
        event=event,
        granting_state=first.granting_state,
        granting_authority=first.granting_authority,
        origin=first.origin,
        regime=first.regime,
        amount_eur=-euro(amount_eur),
        granted_on=first.granted_on,
        reference=first.reference,
        scheme_id=first.scheme_id,
        instrument=first.instrument,
        valuation=first.valuation,
        beneficiary=first.beneficiary,
        costs=first.costs,
        reason=reason,
    )
    audit.record(
        actor=actor,
        action=f"aid.{event}",
        target=row,
        organisation=first.organisation,
        award=str(award),
        amount_eur=str(row.amount_eur),
        on=on.isoformat(),
    )
    hooks.award_corrected(row, on=on)
    return row


def adjust_to_use(
    *, organisation: Organisation, reference: str, used_eur: Decimal, agreement: str, actor: User, on: date
) -> list[AidAward]:
    """Lowers the awards of a grant to the value that was used, as the granting authority agreed to (`agreement`).

    Several awards may stand under one reference, one for each time hours were added; the last is lowered first. An
    award of which nothing is left lapses. Whether the actor may is asked by the caller, who knows the site.
    Raises DomainError("nothing_to_adjust") when the awards already say what was used.
    """
    threads = threads_of(organisation=organisation, reference=reference)
    for thread in threads[:1]:
        lock_undertaking(granting_state=thread.granting_state, organisation=organisation)
    lefts = [(thread, standing(thread.award)) for thread in threads]
    surplus = sum((left for _thread, left in lefts), NOTHING) - euro(used_eur)
    if surplus <= 0:
        raise DomainError("nothing_to_adjust", _("The awards already stand at what was used, or below it."))
    rows = []
    for thread, left in reversed(lefts):
        back = min(left, surplus)
        if back <= 0:
            continue
        event = AidAward.Event.LAPSED if back == left else AidAward.Event.ADJUSTED
        rows.append(
            release_award(award=thread.award, event=event, amount_eur=back, reason=agreement, actor=actor, on=on)
        )
        surplus -= back
    return rows


@transaction.atomic
def reverse_award(*, award: UUID, reason: str, actor: User, on: date) -> AidAward:
    """An administrator takes back all that is left of an award that should not have been granted; hours stay.

    Raises DomainError: reversal_reason, aid_award_unknown, nothing_to_reverse.
    """
    require(actor, Action.MANAGE_LAW)
    if not reason.strip():
        raise DomainError("reversal_reason", _("Say why: auditors read it ten years later."), field="reason")
    first = AidAward.objects.filter(award=award).select_related("organisation").order_by("created_at").first()
    if first is None:
        raise DomainError("aid_award_unknown", _("There is no such award."), status=404)
    lock_undertaking(granting_state=first.granting_state, organisation=first.organisation)
    left = standing(award)
    if left <= 0:
        raise DomainError("nothing_to_reverse", _("Nothing is left of this award."))
    return release_award(
        award=award, event=AidAward.Event.REVERSED, amount_eur=left, reason=reason.strip(), actor=actor, on=on
    )
