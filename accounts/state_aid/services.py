"""Judging and booking aid on what the database knows. The caller's transaction grants the right and books the award."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Sum
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAssessment, AidAward, AidDeclaration, AidLock, Organisation, SmeAssessment, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid import regimes, rules
from accounts.state_aid.wording import refusal_sentence
from portal.kernel.errors import DomainError
from portal.kernel.money import euro
from portal.ui.numbers import money


@dataclass(frozen=True)
class Headroom:
    """What one State could still grant this organisation, and the aid that uses up the rest."""

    granting_state: str
    on: date
    regime: str
    ceiling: Decimal
    used: Decimal
    left: Decimal
    items: tuple[rules.Counted, ...]

    @property
    def percent_used(self) -> int:
        return int(self.used * 100 / self.ceiling) if self.ceiling else 0


def lock_undertaking(*, granting_state: str, organisation: Organisation) -> AidLock:
    """Makes everyone else who would grant for that State to that organisation wait until this transaction ends.

    Call it once, last of all locks, before the check. Needs a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("lock_undertaking needs the transaction of the grant")
    AidLock.objects.bulk_create(
        [AidLock(granting_state=granting_state, undertaking=organisation.pk)], ignore_conflicts=True
    )
    return AidLock.objects.select_for_update().get(granting_state=granting_state, undertaking=organisation.pk)


def judge_grant(
    *,
    organisation: Organisation,
    site_state: str,
    origin: str,
    amount_eur: Decimal,
    on: date,
    declared: AidDeclaration | None = None,
) -> tuple[rules.Case, rules.Verdict]:
    """The verdict on an intended grant, nothing stored: what a page shows before anybody decides.

    `declared` is the declaration to rely on; without it the organisation's latest one.
    """
    declaration = declared or latest_declaration(organisation)
    case = rules.Case(
        undertaking=str(organisation.pk),
        granting_state=site_state,
        origin=rules.Origin(origin),
        amount_eur=amount_eur,
        aid=tuple(_awarded(organisation)) + tuple(_declared(declaration)),
        declared_on=declaration.signed_on if declaration else None,
        autonomous=_declared_autonomous(organisation),
        nace_code=organisation.nace_code,
    )
    return case, rules.check(case, on)


def assess_grant(
    *,
    organisation: Organisation,
    site_state: str,
    authority: str,
    origin: str,
    amount_eur: Decimal,
    on: date,
    declared: AidDeclaration | None = None,
) -> AidAssessment:
    """Judges a grant and stores the verdict with every input. Hold `lock_undertaking` when a grant may follow."""
    case, verdict = judge_grant(
        organisation=organisation, site_state=site_state, origin=origin, amount_eur=amount_eur, on=on, declared=declared
    )
    return AidAssessment.objects.create(
        organisation=organisation,
        on=on,
        regime=verdict.regime,
        rule_version=verdict.rule_version,
        outcome=verdict.outcome.value,
        case={**rules.case_to_json(case, on), "authority": authority},
        verdict=rules.verdict_to_json(verdict),
    )


def reserve_award(
    *,
    organisation: Organisation,
    assessment: AidAssessment,
    granting_state: str,
    granting_authority: str,
    origin: str,
    regime: str,
    amount_eur: Decimal,
    granted_on: date,
    reference: str,
    reviewed_by: User | None = None,
) -> AidAward:
    """Books the award of a grant that was just assessed, in the transaction of the grant.

    The assessment must speak of the same organisation, State, origin and day and of at least this amount, and may
    carry one award only. The ceiling is measured once more under the lock, so that an assessment made before somebody
    else's grant cannot be spent. `reviewed_by` is the person who resolved what the rules could not decide alone.
    Raises DomainError: aid_refused, aid_needs_review, aid_changed.
    """
    lock_undertaking(granting_state=granting_state, organisation=organisation)
    judged, judged_on = rules.case_from_json(assessment.case)
    fits = (
        assessment.organisation_id == organisation.pk
        and judged.granting_state == granting_state
        and judged.origin == origin
        and judged_on == granted_on
        and assessment.regime == regime
        and judged.amount_eur >= amount_eur
        and not assessment.awards.exists()
    )
    if not fits:
        raise DomainError("aid_changed", _("The grant is not the one that was checked. Check it again, then decide."))
    _case, verdict = judge_grant(
        organisation=organisation, site_state=granting_state, origin=origin, amount_eur=amount_eur, on=granted_on
    )
    if assessment.outcome == rules.Outcome.REFUSED or verdict.outcome is rules.Outcome.REFUSED:
        raise DomainError("aid_refused", refusal_sentence(verdict))
    needs_person = rules.Outcome.NEEDS_REVIEW in {assessment.outcome, verdict.outcome}
    if needs_person and reviewed_by is None:
        raise DomainError("aid_needs_review", _("A person must look at the public support of this company first."))
    return AidAward.objects.create(
        organisation=organisation,
        event=AidAward.Event.RESERVED,
        granting_state=granting_state,
        granting_authority=granting_authority,
        origin=origin,
        regime=regime,
        amount_eur=euro(amount_eur),
        granted_on=granted_on,
        reference=reference,
        assessment=assessment,
        reason="" if reviewed_by is None else f"reviewed by {reviewed_by.pk}",
    )


def release_award(
    *, award: UUID, event: str, amount_eur: Decimal, reason: str, actor: User | None, on: date
) -> AidAward:
    """Takes part or all of an award back (event ADJUSTED, LAPSED or REVERSED) by a row of its own.

    The day of the grant stays the thread's; `on` is recorded in the audit event. Raises DomainError
    ("aid_award_too_small") when more would be taken back than is left. Needs the caller's transaction.
    """
    first = AidAward.objects.filter(award=award).select_related("organisation").order_by("created_at").first()
    if first is None:
        raise DomainError("aid_award_unknown", _("There is no such award."), status=404)
    lock_undertaking(granting_state=first.granting_state, organisation=first.organisation)
    standing = AidAward.objects.filter(award=award).aggregate(total=Sum("amount_eur"))["total"] or Decimal(0)
    if not Decimal(0) < amount_eur <= standing:
        raise DomainError(
            "aid_award_too_small",
            _("At most %(amount)s of this award can be taken back.") % {"amount": money(standing)},
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
    return row


def headroom(*, organisation: Organisation, granting_state: str, on: date) -> Headroom:
    """What that State could still grant the organisation that day, and what uses up the rest."""
    return _headroom(_known_aid(organisation), granting_state, on)


def headrooms(*, organisation: Organisation, on: date, states: Iterable[str] = ()) -> list[Headroom]:
    """The same for every State that counts anything, and for `states`; the most used first. Two queries in all."""
    aid = _known_aid(organisation)
    rooms = [_headroom(aid, state, on) for state in {*states, *(one.state for one in aid)}]
    return sorted(rooms, key=lambda room: (-room.used, room.granting_state))


def latest_declaration(organisation: Organisation) -> AidDeclaration | None:
    return organisation.aid_declarations.order_by("-created_at").first()


@transaction.atomic
def declare_aid(
    *, organisation: Organisation, items: Iterable[Mapping[str, Any]], actor: User, on: date
) -> AidDeclaration:
    """Stores the company's signed statement of all other de minimis aid of the last three years.

    Each item: state (two letters), amount_eur (Decimal), granted_on (date), regulation (one of `regimes.DECLARABLE`).
    Aid granted through the portal is not repeated here; it is counted from our own book. A new statement replaces the
    one before. Raises DomainError("declaration_item") naming the first item that cannot be right.
    """
    require(actor, Action.DECLARE, organisation=organisation)
    stored = [_checked_item(number, item, on) for number, item in enumerate(items, 1)]
    declaration = AidDeclaration.objects.create(organisation=organisation, items=stored, signed_by=actor, signed_on=on)
    audit.record(actor=actor, action="aid.declared", target=declaration, organisation=organisation, items=len(stored))
    return declaration


def _checked_item(number: int, item: Mapping[str, Any], on: date) -> dict[str, str]:
    amount, granted_on = item["amount_eur"], item["granted_on"]
    if item["regulation"] not in regimes.DECLARABLE or not amount > 0 or granted_on > on:
        raise DomainError(
            "declaration_item",
            _("Line %(number)d: give the regulation, an amount above zero and a day that is not in the future.")
            % {"number": number},
        )
    return {
        "state": item["state"],
        "amount_eur": str(euro(amount)),
        "granted_on": granted_on.isoformat(),
        "regulation": item["regulation"],
    }


def _awarded(organisation: Organisation) -> list[rules.Aid]:
    """Our own awards that are State aid, one for each thread with what is left of it."""
    threads = (
        AidAward.objects.filter(organisation=organisation, origin__in=sorted(rules.COUNTED_ORIGINS))
        .order_by()
        .values("award", "granting_state", "regime", "reference")
        .annotate(amount=Sum("amount_eur"), day=Min("granted_on"))
        .filter(amount__gt=0)
    )
    return [
        rules.Aid(
            state=thread["granting_state"],
            amount_eur=thread["amount"],
            granted_on=thread["day"],
            regime=thread["regime"],
            source="portal",
            reference=thread["reference"],
        )
        for thread in threads
    ]


def _declared(declaration: AidDeclaration | None) -> list[rules.Aid]:
    return [
        rules.Aid(
            state=item["state"],
            amount_eur=Decimal(item["amount_eur"]),
            granted_on=date.fromisoformat(item["granted_on"]),
            regime=item["regulation"],
            source="declared",
        )
        for item in (declaration.items if declaration else [])
    ]


def _known_aid(organisation: Organisation) -> tuple[rules.Aid, ...]:
    return (*_awarded(organisation), *_declared(latest_declaration(organisation)))


def _headroom(aid: tuple[rules.Aid, ...], granting_state: str, on: date) -> Headroom:
    regime = regimes.regime_on(on)
    if regime is None:
        return Headroom(granting_state, on, regimes.GENERAL, Decimal(0), Decimal(0), Decimal(0), ())
    room = rules.measure(
        tuple(one for one in aid if one.state == granting_state), granting_state=granting_state, regime=regime, on=on
    )
    return Headroom(granting_state, on, regime.code, regime.ceiling_eur, room.used, room.left, room.items)


def _declared_autonomous(organisation: Organisation) -> bool | None:
    return (
        SmeAssessment.objects.filter(organisation=organisation)
        .order_by("-created_at")
        .values_list("declared_autonomous", flat=True)
        .first()
    )


__all__ = [
    "Headroom",
    "assess_grant",
    "declare_aid",
    "headroom",
    "headrooms",
    "judge_grant",
    "latest_declaration",
    "lock_undertaking",
    "release_award",
    "reserve_award",
]
