"""From rows to a case: everything that decides one intended grant, gathered so that the pure rules can judge it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import AidDeclaration, AidScheme, Organisation, OwnershipStatement, SmeAssessment
from accounts.size_in_force import assessment_in_force, latest_assessment
from accounts.state_aid import case
from accounts.state_aid.services.facts import aid_of, latest_declarations
from accounts.state_aid.services.law import Rules
from accounts.state_aid.services.undertakings import Undertaking, read_undertaking

# Codes of bases that exempt aid from notification; all others are de minimis aid.
EXEMPTED = frozenset({case.INNOVATION, case.RESEARCH, case.START_UP, case.TRAINING})


@dataclass(frozen=True)
class Project:
    """What the application says about the project, as far as a legal basis asks for it. None and "": not said.

    submitted_on   day of the application; None: it is only being written, so it counts as handed in on the day judged
    costs_*        the eligible costs that the grant pays for, when it is tied to some
    """

    submitted_on: date | None = None
    works_start_on: date | None = None
    costs_name: str = ""
    costs_total_eur: Decimal | None = None
    union_rate: Decimal | None = None
    bonuses: frozenset[str] = field(default_factory=frozenset)
    start_up: case.StartUp | None = None


def start_up_of(said: Mapping[str, Any]) -> case.StartUp:
    """The facts of Art 22(2) as a request holds them: listed, profits, took_over (bool), registered_on (ISO day)."""
    listed, day = said.get("listed"), said.get("registered_on")
    return case.StartUp(
        unlisted=None if listed is None else not listed,
        registered_on=date.fromisoformat(day) if day else None,
        profits_distributed=said.get("profits"),
        took_over=said.get("took_over"),
    )


def build_case(
    *,
    organisation: Organisation,
    granting_state: str,
    origin: str,
    amount_eur: Decimal,
    on: date,
    scheme: AidScheme | None = None,
    project: Project | None = None,
    declared: AidDeclaration | None = None,
    register_eur: Decimal | None = None,
    undertaking: Undertaking | None = None,
    rules_of_day: Rules | None = None,
) -> case.Case:
    """Gathers what the rows know. `declared` is the declaration to rely on; without it the organisation's latest."""
    undertaking = undertaking or read_undertaking(organisation)
    rules = rules_of_day or Rules(on)
    policy = rules.policy
    declarations = latest_declarations(undertaking.organisations.values())
    if declared is not None:
        declarations[organisation.pk] = declared
    own = declarations.get(organisation.pk)
    statements: Mapping[str, Any] = own.statements if own else {}
    project = project or Project()
    basis = scheme.basis if scheme else case.GENERAL
    return case.Case(
        member=undertaking.member,
        granting_state=granting_state,
        origin=case.Origin(origin),
        amount_eur=amount_eur,
        basis=basis,
        aid=aid_of(undertaking, declarations, union_share_is_aid=policy.union_share_is_aid),
        links=undertaking.links,
        events=undertaking.events,
        declared_on=own.signed_on if own else None,
        owners_known=owners_known(organisation),
        nace_code=organisation.nace_code,
        activities_separated=statements.get("activities_separated"),
        purposes=frozenset(statements.get("purposes", ())),
        fiscal_year_end=(organisation.fiscal_year_end_month, organisation.fiscal_year_end_day),
        register_eur=register_eur,
        state_register=rules.state_register(granting_state),
        national_left_eur=rules.national_left(granting_state, basis),
        costs=_costs(project),
        exemption=_exemption(organisation, scheme, project, statements, on) if scheme and basis in EXEMPTED else None,
        law=rules.laws,
        policy=policy,
    )


def owners_known(organisation: Organisation) -> bool | None:
    """Whether anybody signed for who stands behind the company: that it stands alone, or after stating its owners."""
    assessment = latest_assessment(organisation)
    if assessment is None:
        return None
    return assessment.declared_autonomous or OwnershipStatement.objects.filter(organisation=organisation).exists()


def size_on(organisation: Organisation, on: date) -> tuple[str, SmeAssessment | None]:
    """The size class in force that day, "review" without one, and the assessment it rests on."""
    assessment = assessment_in_force(organisation, on)
    return (assessment.decided_size, assessment) if assessment else ("review", None)


def _costs(project: Project) -> case.Costs | None:
    if not project.costs_name or project.costs_total_eur is None:
        return None
    return case.Costs(name=project.costs_name, total_eur=project.costs_total_eur, union_rate=project.union_rate)


def _exemption(
    organisation: Organisation, scheme: AidScheme, project: Project, statements: Mapping[str, Any], on: date
) -> case.Exemption:
    size, _assessment = size_on(organisation, on)
    return case.Exemption(
        size=size,
        submitted_on=project.submitted_on or on,
        works_start_on=project.works_start_on,
        recovery_order=statements.get("recovery_order"),
        difficulty=_difficulty(statements.get("difficulty")),
        founded_on=organisation.registered_on,
        scheme=scheme_facts(scheme),
        category=scheme.category,
        bonuses=project.bonuses,
        region=scheme.region,
        start_up=project.start_up,
    )


def scheme_facts(scheme: AidScheme) -> case.Scheme:
    """The row as the rules read it. Discounts and rules of selection count as public from the day of publication."""
    public = scheme.published_on is not None and bool(scheme.published_url)
    return case.Scheme(
        reference=scheme.measure_reference or scheme.code,
        valid_from=scheme.valid_from,
        valid_to=scheme.valid_to,
        version=scheme.law_version,
        published_on=scheme.published_on,
        published_url=scheme.published_url,
        discounts_published=public and bool(scheme.discount_text.strip()),
        selection_published=public and bool(scheme.selection_text.strip()),
        # The portal itself sees to both: an approved rate for every hour, and rows that nobody can delete.
        quantifiable=True,
        records_years=10,
    )


_NUMBERS = ("subscribed_capital_eur", "accumulated_result_eur", "capital_in_accounts_eur", "capital_lost_eur")


def _difficulty(said: Mapping[str, Any] | None) -> case.Difficulty | None:
    """The figures as declared; None when the questions were not asked."""
    if not said:
        return None
    return case.Difficulty(
        limited_liability=bool(said.get("limited_liability", True)),
        insolvency=said.get("insolvency"),
        rescue_aid_open=said.get("rescue_aid_open"),
        debt_to_equity=tuple(Decimal(one) for one in said.get("debt_to_equity", ())),
        interest_cover=tuple(Decimal(one) for one in said.get("interest_cover", ())),
        **{name: Decimal(said[name]) if said.get(name) not in (None, "") else None for name in _NUMBERS},
    )
