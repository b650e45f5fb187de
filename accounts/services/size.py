"""The size of a company: its own figures, and the statement signed from everything that was stated."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AccountYear, Organisation, SmeAssessment, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.services.interview import open_points
from accounts.services.ownership import SELF, locked_statement, ownership_of, save_answers
from accounts.services.reassessment import due_day
from accounts.services.undertaking_links import record_links
from accounts.size_in_force import latest_assessment
from accounts.size_policy import size_policy_on
from accounts.sme import graph, rules, stored
from accounts.sme.relations import RelationKind
from portal.kernel.errors import DomainError

# Relations that end a company's autonomy (Art 3(1)); a public owner may end its being an SME, see Art 3(4).
COUNTED = frozenset({RelationKind.LINKED, RelationKind.PARTNER, RelationKind.PUBLIC})
# What a company says that nobody stands behind: for programs; people answer the interview.
STANDS_ALONE: dict[str, dict[str, Any]] = {
    "owners": {"owners": ["nobody"]},
    "holdings": {"holds": "no", "control": "no"},
    "changes": {"changed": "no"},
}


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
    locked_statement(organisation)
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
    locked_statement(organisation)
    audit.record(
        actor=actor,
        action="figures.removed",
        target=year,
        organisation=organisation,
        year_end=year.year_end.isoformat(),
    )
    year.delete()


def preview_size(
    *, organisation: Organisation, on: date, year: graph.Figures | None = None
) -> tuple[graph.Ownership, rules.Classification]:
    """What a statement signed today would derive, and from what; nothing is stored. `year` is one not yet saved."""
    ownership = ownership_of(organisation)
    if year is not None:
        own = ownership.party(SELF)
        periods = tuple(one for one in own.periods if one.period_end != year.period_end)
        changed = replace(own, periods=tuple(sorted((*periods, year), key=lambda one: one.period_end)))
        ownership = replace(ownership, parties=(changed, *ownership.parties[1:]))
    return ownership, rules.classify(ownership, on=on, mode=size_policy_on(on).ownership_change_mode)


@transaction.atomic
def declare_size(
    *,
    actor: User,
    organisation: Organisation,
    on: date,
    autonomous: bool = False,
    signature: Mapping[str, str] | None = None,
) -> SmeAssessment:
    """Derives the size class from everything stated and stores it as the actor's signed statement, with its papers.

    `autonomous` True also states that the company stands alone, for programs that ask no questions. Signed twice with
    nothing changed in between it is one statement. Raises DomainError: figures_missing, interview_open.
    """
    require(actor, Action.DECLARE, organisation=organisation)
    statement = locked_statement(organisation)
    if autonomous:
        for step, answers in STANDS_ALONE.items():
            statement = save_answers(actor=actor, organisation=organisation, step=step, answers=answers)
    points = open_points(organisation)
    if points:
        code = "figures_missing" if points[0].step == "figures" else "interview_open"
        raise DomainError(code, points[0].sentence)
    ownership, classification = preview_size(organisation=organisation, on=on)
    mode = size_policy_on(on).ownership_change_mode
    inputs = stored.inputs_to_json(ownership, on=on, mode=mode)
    signed = dict(signature or {"name": str(actor), "position": ""})
    papers = list(organisation.evidence.select_for_update().filter(assessment=None).order_by("created_at"))
    last = latest_assessment(organisation)
    if last and not papers and last.trace.get("inputs") == inputs and last.signature == signed:
        return last
    assessment = SmeAssessment.objects.create(
        organisation=organisation,
        size_class=classification.size.value,
        rule_version=classification.rule_version,
        trace={
            "inputs": inputs,
            **stored.classification_to_json(classification),
            "answers": {step: statement.answers.get(step, {}) for step in STANDS_ALONE},
            "evidence": [{"id": str(one.pk), "title": one.title, "sha256": one.sha256} for one in papers],
        },
        declared_autonomous=not {one.kind for one in classification.relations} & COUNTED,
        declared_by=actor,
        declared_on=on,
        signature=signed,
        reassess_on=due_day(ownership.party(SELF).periods, on=on),
    )
    organisation.evidence.filter(pk__in=[one.pk for one in papers]).update(assessment=assessment)
    audit.record(
        actor=actor,
        action="size.declared",
        target=assessment,
        organisation=organisation,
        size=classification.size.value,
        autonomous=assessment.declared_autonomous,
    )
    record_links(actor=actor, organisation=organisation, ownership=ownership, on=on)
    return assessment


def replayed(assessment: SmeAssessment) -> bool | None:
    """Whether the stored inputs give the stored class and tree again; None where that cannot be computed any more."""
    trace = assessment.trace
    if not trace.get("inputs"):
        return None
    try:
        again = stored.classification_to_json(stored.replay(trace["inputs"]))
    except stored.UnknownRuleVersion:
        return None
    return all(trace.get(name) == value for name, value in again.items())
