"""The figures that decide a company's size, entered once, and the signed self-assessment made from them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AccountYear, Organisation, SmeAssessment, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.sme import rules
from accounts.sme.graph import Ownership
from portal.kernel.errors import DomainError


@transaction.atomic
def record_account_year(
    *,
    actor: User,
    organisation: Organisation,
    year_end: date,
    headcount_awu: Decimal,
    turnover_eur: Decimal,
    balance_sheet_eur: Decimal,
    basis: str,
    on: date,
) -> AccountYear:
    """Stores the figures of one accounting year; the same closing entered again replaces them.

    Raises DomainError: year_end (approved accounts of a year that has not ended), estimate_not_allowed, figures.
    """
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    if min(headcount_awu, turnover_eur, balance_sheet_eur) < 0:
        raise DomainError("figures", _("Staff and amounts cannot be below zero."))
    if basis == AccountYear.Basis.APPROVED and year_end > on:
        raise DomainError(
            "year_end", _("This year has not ended yet, so its accounts cannot be approved."), field="year_end"
        )
    approved = organisation.account_years.filter(basis=AccountYear.Basis.APPROVED)
    if basis == AccountYear.Basis.ESTIMATE and approved.exclude(year_end=year_end).exists():
        raise DomainError(
            "estimate_not_allowed",
            _("Estimates are only for companies without approved accounts; yours are already here."),
            field="basis",
        )
    year, _created = AccountYear.objects.update_or_create(
        organisation=organisation,
        year_end=year_end,
        defaults={
            "headcount_awu": headcount_awu,
            "turnover_eur": turnover_eur,
            "balance_sheet_eur": balance_sheet_eur,
            "basis": basis,
        },
    )
    audit.record(
        actor=actor, action="figures.recorded", target=year, organisation=organisation, year_end=year_end.isoformat()
    )
    return year


@transaction.atomic
def forget_account_year(*, actor: User, organisation: Organisation, year: AccountYear) -> None:
    """Removes figures entered by mistake. Assessments made from them keep their own copy."""
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    audit.record(
        actor=actor,
        action="figures.removed",
        target=year,
        organisation=organisation,
        year_end=year.year_end.isoformat(),
    )
    year.delete()


def preview_size(*, organisation: Organisation, autonomous: bool, on: date) -> rules.Classification:
    """What a declaration signed today would derive; nothing is stored."""
    return rules.classify(_ownership(organisation, autonomous=autonomous), on)


@transaction.atomic
def declare_size(*, actor: User, organisation: Organisation, autonomous: bool, on: date) -> SmeAssessment:
    """Derives the size class from the figures and stores it as the actor's signed declaration.

    `autonomous` False gives REVIEW: linked and partner companies need the full interview. Raises
    DomainError("figures_missing") when there is nothing to derive from.
    """
    require(actor, Action.DECLARE, organisation=organisation)
    ownership = _ownership(organisation, autonomous=autonomous)
    if not ownership.party(ownership.subject).periods:
        raise DomainError("figures_missing", _("Enter the figures of at least one year first."))
    classification = rules.classify(ownership, on)
    assessment = SmeAssessment.objects.create(
        organisation=organisation,
        size_class=classification.size.value,
        rule_version=classification.rule_version,
        trace={
            "inputs": rules.inputs_to_json(ownership, on),
            **rules.classification_to_json(classification),
        },
        declared_autonomous=autonomous,
        declared_by=actor,
        declared_on=on,
    )
    audit.record(
        actor=actor,
        action="size.declared",
        target=assessment,
        organisation=organisation,
        size=classification.size.value,
        autonomous=autonomous,
    )
    return assessment


def latest_assessment(organisation: Organisation) -> SmeAssessment | None:
    """The declaration that counts: the one signed last."""
    return organisation.sme_assessments.order_by("-created_at").first()


def _ownership(organisation: Organisation, *, autonomous: bool) -> Ownership:
    """The company alone; where it said that it is not, the rules must know that others are missing."""
    return replace(rules.of_one_firm(_figures(organisation), name=organisation.legal_name), incomplete=not autonomous)


def _figures(organisation: Organisation) -> list[rules.Figures]:
    return [
        rules.Figures(
            period_end=year.year_end,
            awu=year.headcount_awu,
            turnover_eur=year.turnover_eur,
            balance_sheet_eur=year.balance_sheet_eur,
            basis=rules.Basis(year.basis),
        )
        for year in organisation.account_years.order_by("year_end")
    ]
