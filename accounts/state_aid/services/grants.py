"""Judging a grant and booking it. The caller's transaction grants the right and books the award with it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAssessment, AidAward, AidDeclaration, AidScheme, Organisation, User
from accounts.state_aid import case, rules, serial
from accounts.state_aid.services import hooks
from accounts.state_aid.services.cases import Project, build_case, size_on
from accounts.state_aid.services.locks import lock_undertaking
from accounts.state_aid.services.undertakings import Undertaking
from accounts.state_aid.wording import refusal_sentence
from portal.kernel.errors import DomainError
from portal.kernel.money import euro


def judge_grant(
    *,
    organisation: Organisation,
    site_state: str,
    origin: str,
    amount_eur: Decimal,
    on: date,
    declared: AidDeclaration | None = None,
    scheme: AidScheme | None = None,
    project: Project | None = None,
    register_eur: Decimal | None = None,
    undertaking: Undertaking | None = None,
) -> tuple[case.Case, case.Verdict]:
    """The verdict on an intended grant to the organisation and its group, nothing stored: what a page shows.

    scheme        the published measure it would rest on; without one it is de minimis aid
    project       what a scheme asks of the project
    register_eur  what the State's central register shows, where a person looked it up
    """
    intended = build_case(
        organisation=organisation,
        granting_state=site_state,
        origin=origin,
        amount_eur=amount_eur,
        on=on,
        scheme=scheme,
        project=project,
        declared=declared,
        register_eur=register_eur,
        undertaking=undertaking,
    )
    return intended, rules.assess(intended, on=on)


def assess_grant(*, authority: str, **intended: Any) -> AidAssessment:
    """Judges a grant as `judge_grant` does and stores the verdict with every input. Hold `lock_undertaking` when a
    grant may follow."""
    judged, verdict = judge_grant(**intended)
    return AidAssessment.objects.create(
        organisation=intended["organisation"],
        on=intended["on"],
        regime=verdict.basis,
        rule_version=verdict.rule_version,
        outcome=verdict.outcome.value,
        case={**serial.case_to_json(judged, intended["on"], rules.RULE_VERSION), "authority": authority},
        verdict=serial.verdict_to_json(verdict),
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
    scheme: AidScheme | None = None,
    project: Project | None = None,
    register_eur: Decimal | None = None,
    valuation: Mapping[str, str] | None = None,
    instrument: str = "subsidised_services",
) -> AidAward:
    """Books the award of a grant that was just assessed, in the transaction of the grant.

    The assessment must speak of the same organisation, State, origin, basis and day and of at least this amount, and
    may carry one award only. Everything is measured once more under the lock, so that an assessment made before
    somebody else's grant cannot be spent. `reviewed_by` is the person who resolved what the rules could not decide.
    `valuation` is how the amount was found, frozen with the row. Raises DomainError: aid_refused, aid_needs_review,
    aid_changed.
    """
    undertaking = lock_undertaking(granting_state=granting_state, organisation=organisation)
    judged, judged_on = serial.case_from_json(assessment.case)
    fits = (
        assessment.organisation_id == organisation.pk
        and judged.granting_state == granting_state
        and judged.origin == origin
        and judged.basis == (scheme.basis if scheme else case.GENERAL)
        and judged_on == granted_on
        and assessment.regime == regime
        and judged.amount_eur >= amount_eur
        and not assessment.awards.exists()
    )
    if not fits:
        raise DomainError("aid_changed", _("The grant is not the one that was checked. Check it again, then decide."))
    _case, verdict = judge_grant(
        organisation=organisation,
        site_state=granting_state,
        origin=origin,
        amount_eur=amount_eur,
        on=granted_on,
        scheme=scheme,
        project=project,
        register_eur=register_eur,
        undertaking=undertaking,
    )
    if assessment.outcome == case.Outcome.REFUSED or verdict.outcome is case.Outcome.REFUSED:
        raise DomainError("aid_refused", refusal_sentence(verdict))
    needs_person = case.Outcome.NEEDS_REVIEW in {assessment.outcome, verdict.outcome}
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
        scheme=scheme,
        instrument=instrument,
        valuation={**(valuation or {}), **_cost_facts(judged, project)},
        beneficiary=beneficiary(organisation, granted_on),
        costs=judged.costs.name[:80] if judged.costs else "",
        assessment=assessment,
        reason="" if reviewed_by is None else f"reviewed by {reviewed_by.pk}",
    )


def grant_award(*, award: AidAward, actor: User | None, on: date) -> AidAward:
    """Turns a reservation into a grant, in the transaction of the decision that confers the right (Art 3(3)).

    The row adds nothing to the sum: the reservation holds the amount. The duties that follow are opened with it.
    """
    row = AidAward.objects.create(
        award=award.award,
        organisation=award.organisation,
        event=AidAward.Event.GRANTED,
        granting_state=award.granting_state,
        granting_authority=award.granting_authority,
        origin=award.origin,
        regime=award.regime,
        amount_eur=Decimal("0.00"),
        granted_on=award.granted_on,
        reference=award.reference,
        scheme=award.scheme,
        instrument=award.instrument,
        valuation=award.valuation,
        beneficiary=award.beneficiary,
        costs=award.costs,
        assessment=award.assessment,
    )
    audit.record(
        actor=actor,
        action="aid.granted",
        target=row,
        organisation=award.organisation,
        award=str(award.award),
        amount_eur=str(award.amount_eur),
        state=award.granting_state,
    )
    hooks.award_granted(row, on=on)
    return row


def beneficiary(organisation: Organisation, on: date) -> dict[str, str]:
    """What a register asks about who received the aid, as it is on the day of the grant."""
    size, _assessment = size_on(organisation, on)
    return {
        "name": organisation.legal_name,
        "country": organisation.country,
        "city": organisation.city,
        "vat_number": organisation.vat_number,
        "euid": organisation.euid,
        "nace_code": organisation.nace_code,
        "nace_revision": organisation.nace_revision,
        "nuts2": organisation.nuts2,
        "size": size,
        "natural_person": "yes" if organisation.is_natural_person else "no",
    }


def _cost_facts(judged: case.Case, project: Project | None) -> dict[str, str]:
    if project is None or judged.costs is None:
        return {}
    facts = {"costs_total_eur": str(judged.costs.total_eur)}
    intensity = rules.intensity(judged)
    return facts if intensity is None else {**facts, "intensity": str(intensity)}
