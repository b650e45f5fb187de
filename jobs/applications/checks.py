"""The published rules: each is a function that looks at one thing and says passed, failed, or that a person must look.

Starter grants rest on all of them; the helpdesk officer sees the same list as evidence beside the request.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import countries
from accounts.models import AidDeclaration, SmeAssessment
from accounts.services import latest_assessment
from accounts.size_in_force import assessment_in_force
from accounts.state_aid.case import Case, Outcome, Verdict
from accounts.state_aid.services import judge_grant
from accounts.state_aid.wording import reason_sentence, refusal_sentence
from catalog.models import RateCard
from jobs.allocations.grants import project_of, rate_on
from jobs.applications.need import estimated_need
from jobs.applications.questions import HIGH_RISK, PROHIBITED
from jobs.models import Allocation, Application
from portal.kernel.money import euro
from portal.ui.numbers import money, number

# Regulation 2023/2831 Art 1(1): primary agriculture and fishery have regimes of their own. NACE divisions 01 and 03.
OTHER_REGIME_DIVISIONS = ("01", "03")
# Beyond this multiple of the upper estimate an officer is told that the amount looks too large.
GENEROUS = 2


@dataclass(frozen=True)
class Check:
    """`passed` None means that a person must judge. `evidence` says what was looked at, in one sentence."""

    code: str
    title: str
    passed: bool | None
    evidence: str
    next_step: str = ""

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


def value_of_request(application: Application, *, on: date, gpu_hours: int | None = None) -> Decimal | None:
    """EUR value of the hours at the rate valid that day, None while site, hours or rate are missing."""
    hours = gpu_hours if gpu_hours is not None else application.gpu_hours
    rate = rate_for(application, on=on)
    return euro(hours * rate.eur_per_gpu_hour) if hours and rate else None


def rate_for(application: Application, *, on: date) -> RateCard | None:
    """The rate card of the hardware asked for, valid that day."""
    return rate_on(application.partition, on)


def company_is_known(application: Application, *, on: date) -> Check:
    organisation = application.organisation
    number = organisation.vat_number or organisation.euid
    return Check(
        "company",
        _("The company is on record"),
        bool(number),
        _("%(name)s, %(country)s, number %(number)s; the form of the number was checked.")
        % {"name": organisation.legal_name, "country": countries.name(organisation.country), "number": number},
        "" if number else _("Enter the VAT number or EUID on the organisation's page."),
    )


def company_is_an_sme(application: Application, *, on: date) -> Check:
    """The class that counts: an officer's answer where the rules asked for one, else what was derived and signed."""
    title = _("Small or medium enterprise")
    latest = latest_assessment(application.organisation)
    if latest is None:
        return Check(
            "sme", title, False, _("No company figures yet."), _("Enter headcount, turnover and balance sheet.")
        )
    assessment = assessment_in_force(application.organisation, on)
    if assessment is None:
        return Check(
            "sme",
            title,
            False,
            _("The statement of %(day)s has run out.") % {"day": date_format(latest.declared_on)},
            _("Enter the figures of the last closing and sign again."),
        )
    size = assessment.decided_size
    if size == SmeAssessment.SizeClass.REVIEW:
        return Check("sme", title, None, _("The rules leave this to a person, who has not decided the size yet."))
    passed = assessment.is_sme
    return Check(
        "sme",
        title,
        passed,
        _("%(size)s, declared on %(day)s.")
        % {"size": SmeAssessment.SizeClass(size).label, "day": date_format(assessment.declared_on)},
        "" if passed else _("This way is for small and medium enterprises. Ask the helpdesk about paid access."),
    )


def purpose_is_lawful(application: Application, *, on: date) -> Check:
    named = dict(PROHIBITED)
    hits = [str(named[code]) for code in application.ai_act.get("prohibited", []) if code in named]
    answered = application.ai_act.get("answered", False)
    if hits:
        return Check(
            "ai_act", _("No prohibited use of AI"), False, _("Declared: %(uses)s.") % {"uses": "; ".join(hits)},
            _("Article 5 of the AI Act forbids this. Talk to the helpdesk if you believe it is a misunderstanding."),
        )  # fmt: skip
    return Check(
        "ai_act",
        _("No prohibited use of AI"),
        bool(answered),
        _("None of the uses that Article 5 of the AI Act forbids was declared.")
        if answered
        else _("Not answered yet."),
        "" if answered else _("Answer the questions on the use of AI."),
    )


def use_is_not_high_risk(application: Application, *, on: date) -> Check:
    named = dict(HIGH_RISK)
    hits = [str(named[code]) for code in application.ai_act.get("high_risk", []) if code in named]
    return Check(
        "high_risk",
        _("Not a high-risk use"),
        None if hits else True,
        _("Declared: %(uses)s. Annex III of the AI Act attaches duties to it.") % {"uses": "; ".join(hits)}
        if hits
        else _("None of the areas of Annex III of the AI Act was declared."),
        _("A person must look at this; ask through the Playground.") if hits else "",
    )


def sector_is_covered(application: Application, *, on: date) -> Check:
    code = application.organisation.nace_code
    own_regime = code[:2] in OTHER_REGIME_DIVISIONS
    return Check(
        "sector",
        _("Sector under the general rules"),
        None if own_regime else True,
        _("NACE %(code)s.") % {"code": code},
        _("Farming and fishery have rules of their own; a person must look at this.") if own_regime else "",
    )


def aid_is_declared(application: Application, *, on: date) -> Check:
    declaration = AidDeclaration.objects.filter(organisation=application.organisation).order_by("-created_at").first()
    return Check(
        "declaration",
        _("Other public support declared"),
        declaration is not None,
        _("Signed on %(day)s.") % {"day": date_format(declaration.signed_on)}
        if declaration
        else _("No declaration of other de minimis aid yet."),
        "" if declaration else _("Sign the declaration on the page Public support; it takes three minutes."),
    )


def judge_request(
    application: Application, *, on: date, value: Decimal | None = None, register_eur: Decimal | None = None
) -> tuple[Case, Verdict] | None:
    """The verdict on what is asked for, as it stands that day; None while site, hours or rate are missing."""
    site = application.site
    amount = value if value is not None else value_of_request(application, on=on)
    if amount is None or site is None:
        return None
    return judge_grant(
        organisation=application.organisation,
        site_state=site.granting_state,
        origin=site.resource_origin,
        amount_eur=amount,
        on=on,
        scheme=site.aid_scheme,
        project=project_of(application),
        register_eur=register_eur,
    )


def aid_stays_below_the_ceiling(application: Application, *, on: date) -> Check:
    title = _("Public support stays below the limit")
    judged = judge_request(application, on=on)
    if judged is None or application.site is None:
        return Check("aid", title, False, _("No site, hours or rate yet."), _("Choose a site and an amount."))
    _case, verdict = judged
    passed = {Outcome.ALLOWED: True, Outcome.REFUSED: False}.get(verdict.outcome)
    worth = _("Worth %(value)s.") % {"value": money(verdict.amount_eur)}
    if not verdict.counts_as_aid:
        return Check("aid", title, passed, f"{worth} {reason_sentence(verdict.reasons[0])}")
    return Check("aid", title, passed, f"{worth} {_room(verdict, application)}", _why_not(verdict))


def _room(verdict: Verdict, application: Application) -> str:
    assert application.site is not None
    if not verdict.rooms:
        return ""
    return _("Before it, %(left)s of %(ceiling)s in %(state)s are free.") % {
        "left": money(verdict.rooms[0].before_eur),
        "ceiling": money(verdict.rooms[0].ceiling_eur),
        "state": countries.name(application.site.granting_state),
    }


def _why_not(verdict: Verdict) -> str:
    """What stands against it or must be looked at, the heaviest first; "" when nothing does."""
    if verdict.outcome is Outcome.ALLOWED:
        return ""
    first = refusal_sentence(verdict)
    shown = next((reason for reason in verdict.reasons if reason.weight is verdict.outcome), verdict.reasons[0])
    others = [
        reason_sentence(reason)
        for reason in verdict.reasons
        if reason.weight is not Outcome.ALLOWED and reason.code != shown.code
    ]
    return " ".join(dict.fromkeys([first, *others]))


def amount_matches_the_plan(application: Application, *, on: date) -> Check:
    title = _("Amount matches the plan")
    low, high = estimated_need(application)
    asked = application.gpu_hours or 0
    if low is None or high is None:
        return Check("amount", title, None, _("No plan to compare with: model, examples or their length are missing."))
    need = _("Our estimate of the plan is %(low)s to %(high)s GPU-hours.") % {
        "low": number(max(1, round(low))),
        "high": number(max(1, round(high))),
    }
    if asked > GENEROUS * max(1, high):
        times = number(round(asked / max(1, high)))
        return Check(
            "amount", title, None, _("They ask for about %(times)s times what the plan needs.") % {"times": times}, need
        )
    if asked < low:
        return Check("amount", title, None, _("They ask for less than the plan needs."), need)
    return Check("amount", title, True, need)


def licence_allows_the_use(application: Application, *, on: date) -> Check:
    title, model = _("Model licence allows this use"), application.base_model
    if model is None:
        return Check("licence", title, None, _("No model chosen yet."))
    return Check("licence", title, True if model.commercial_use else None, f"{model.name}, {model.licence_spdx}.")


def no_recent_starter(application: Application, *, on: date) -> Check:
    months = int(application.mode.rules.get("once_per_months", 12))
    since = on - timedelta(days=round(months * 30.44))
    earlier = (
        Allocation.objects.filter(
            organisation=application.organisation,
            application__mode__code=application.mode.code,
            created_at__date__gt=since,
        )
        .order_by("-created_at")
        .first()
    )
    return Check(
        "once",
        _("First starter grant in %(months)s months") % {"months": months},
        earlier is None,
        _("Last one: %(reference)s.") % {"reference": earlier.reference} if earlier else _("No earlier one."),
        _("Ask for hours through the Playground.") if earlier else "",
    )


def site_is_open(application: Application, *, on: date) -> Check:
    site = application.site
    passed = bool(site and site.is_connected and site.offers_starter)
    return Check(
        "site",
        _("The site offers starter hours"),
        passed,
        str(site) if site else _("No site chosen."),
        "" if passed else _("Choose a connected site that offers starter hours."),
    )


Rule = Callable[..., Check]

STARTER_RULES: tuple[Rule, ...] = (
    company_is_known,
    company_is_an_sme,
    sector_is_covered,
    purpose_is_lawful,
    use_is_not_high_risk,
    site_is_open,
    no_recent_starter,
    aid_is_declared,
    aid_stays_below_the_ceiling,
)

HELPDESK_CHECKS: tuple[Rule, ...] = (
    company_is_known,
    company_is_an_sme,
    sector_is_covered,
    purpose_is_lawful,
    use_is_not_high_risk,
    aid_is_declared,
    aid_stays_below_the_ceiling,
    licence_allows_the_use,
    amount_matches_the_plan,
)


def run_checks(rules: tuple[Rule, ...], application: Application, *, on: date) -> list[Check]:
    """Every rule's outcome, in the published order."""
    return [rule(application, on=on) for rule in rules]


def shown(rows: Iterable[Check] | Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Checks, fresh or as stored with a decision, the way the list component wants them."""
    outcomes = {True: "ok", False: "bad", None: "warn"}
    found = []
    for row in rows:
        check = row if isinstance(row, Check) else Check(**row)
        text = check.evidence if check.passed or not check.next_step else f"{check.evidence} {check.next_step}"
        found.append({"outcome": outcomes[check.passed], "title": check.title, "text": text})
    return found
