"""What Regulation 651/2014 asks beyond the amount: the measure, the beneficiary, the project. Numbers: `Law.terms`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.state_aid import difficulty
from accounts.state_aid.case import Case, Exemption, Law, Reason, Scheme, StartUp
from accounts.state_aid.reasons import reason
from accounts.state_aid.windows import years_later

WHOLE = Decimal(100)
SME_SIZES = frozenset({"micro", "small", "medium"})
UNKNOWN_SIZE = "review"


@dataclass(frozen=True)
class Route:
    """One way a grant may take under its article: with the row's own limits or without, up to an intensity."""

    own_limits: bool
    intensity: Decimal | None


def routes(case: Case, law: Law) -> tuple[Route, ...]:
    """The ways open under the row, the best first.

    Art 28(4) lets aid of up to 220 000 pay for everything; beyond it, Art 28(3) pays half of the costs, when they are
    stated. Every other article has one way.
    """
    intensity = intensity_of(case.exemption or Exemption(), law)
    if not law.terms.get("full_within_limits"):
        return (Route(True, intensity),)
    half = (Route(False, intensity),) if case.costs is not None else ()
    return (Route(True, WHOLE), *half)


def intensity_of(facts: Exemption, law: Law) -> Decimal | None:
    """The highest share (per cent) of the costs, additions and cap included; None when the row has none for it."""
    terms, category = law.terms, facts.category
    base = terms.get("intensity", {}).get(category)
    if base is None:
        return None
    total = Decimal(base)
    if category in terms.get("size_bonus_for", ()):
        total += Decimal(terms["size_bonus"].get(facts.size, 0))
    claimed = facts.bonuses - unclear_bonuses(facts, law)
    if category in terms.get("bonus_for", ()):
        total += max((Decimal(terms["bonus"].get(code, 0)) for code in claimed), default=Decimal(0))
    total += sum((Decimal(terms.get("further_bonus", {}).get(code, 0)) for code in claimed), Decimal(0))
    return min(total, Decimal(terms["cap"])) if category in terms.get("cap_for", ()) else total


def unclear_bonuses(facts: Exemption, law: Law) -> frozenset[str]:
    """Additions claimed that the article does not know for this category, or whose region is not the one stated."""
    terms = law.terms
    known = set(terms.get("further_bonus", ()))
    if facts.category in terms.get("bonus_for", ()):
        known |= set(terms["bonus"])
    regions = {code: code.removeprefix("region_") for code in facts.bonuses if code.startswith("region_")}
    return frozenset(
        code for code in facts.bonuses if code not in known or regions.get(code, facts.region) != facts.region
    )


def conditions(case: Case, law: Law, on: date) -> Iterator[Reason]:
    """Everything that must hold beside the amounts; nothing is yielded for what does."""
    facts = case.exemption or Exemption()
    yield from _size(facts, law)
    yield from _scheme(facts, law, on)
    if law.terms.get("support_service"):
        policy = case.policy.compute_is_support_service
        if policy != "accept":
            yield reason("support_service_refused" if policy == "refuse" else "support_service_open")
    yield from _undertaking(facts, law, on)
    yield from _project(case, facts, law)
    if "start_up_years" in law.terms:
        yield from _start_up(facts.start_up or StartUp(), law.terms["start_up_years"], on)


def _size(facts: Exemption, law: Law) -> Iterator[Reason]:
    article = f"Art {law.code.partition('-')[2]}"
    sizes = law.terms.get("sizes")
    if facts.size == UNKNOWN_SIZE:
        if sizes is not None or law.terms.get("size_bonus"):
            yield reason("size_open")
    elif sizes is not None and facts.size not in sizes:
        yield reason("size_not_covered", article, size=facts.size, sizes=list(sizes))


def _scheme(facts: Exemption, law: Law, on: date) -> Iterator[Reason]:
    scheme = facts.scheme
    if scheme is None:
        if law.terms.get("scheme"):
            yield reason("scheme_missing", "" if law.terms.get("published_access") else "Art 3")
        if on > law.valid_to:
            yield reason("adjustment_period", "Art 58", valid_to=law.valid_to)
        return
    if on < scheme.valid_from or (scheme.valid_to is not None and on > scheme.valid_to):
        yield reason(
            "scheme_not_in_force", scheme=scheme.reference, valid_from=scheme.valid_from, valid_to=scheme.valid_to
        )
    if scheme.version and scheme.version != law.version:
        yield reason("scheme_version_unknown", scheme=scheme.reference, version=scheme.version)
    if on > law.valid_to:
        # Art 58: what existed when the text ran out keeps its exemption for six months; nothing new starts on it.
        late = scheme.valid_from > law.valid_to
        yield reason("new_scheme_after_expiry" if late else "adjustment_period", "Art 58", valid_to=law.valid_to)
    if law.terms.get("published_access"):
        yield from _published_access(scheme, facts, law, on)


def _published_access(scheme: Scheme, facts: Exemption, law: Law, on: date) -> Iterator[Reason]:
    """Art 5(2)(ga), point by point: quantifiable, published before the offer, records for ten years."""
    unknown = []
    published = (scheme.discounts_published, scheme.selection_published)
    if False in published or scheme.published_on is None:
        yield reason("scheme_not_published", scheme=scheme.reference)
    else:
        if None in published:
            unknown.append("published")
        offered = scheme.offered_on or facts.submitted_on or on
        if scheme.published_on >= offered:
            yield reason("published_late", published_on=scheme.published_on, offered_on=offered)
    if scheme.quantifiable is False:
        yield reason("advantage_not_quantifiable")
    elif scheme.quantifiable is None:
        unknown.append("quantifiable")
    needed = law.terms["records_years"]
    if scheme.records_years is None:
        unknown.append("records")
    elif scheme.records_years < needed:
        yield reason("records_too_short", years=scheme.records_years, needed=needed)
    if unknown:
        yield reason("scheme_facts_unknown", scheme=scheme.reference, facts=unknown)


def _undertaking(facts: Exemption, law: Law, on: date) -> Iterator[Reason]:
    if facts.recovery_order is None:
        yield reason("recovery_unknown")
    elif facts.recovery_order:
        yield reason("recovery_order")
    if facts.difficulty is None:
        yield reason("difficulty_unknown", grounds=[])
        return
    is_sme = None if facts.size == UNKNOWN_SIZE else facts.size in SME_SIZES
    found = difficulty.test(facts.difficulty, is_sme, _age(facts.founded_on, on), law.terms["difficulty"])
    if found.in_difficulty:
        refused = law.terms.get("in_difficulty") != "review"
        yield reason("in_difficulty" if refused else "difficulty_open", grounds=list(found.grounds))
    elif found.in_difficulty is None:
        yield reason("difficulty_unknown", grounds=list(found.unknown))


def _project(case: Case, facts: Exemption, law: Law) -> Iterator[Reason]:
    if law.terms.get("incentive_effect"):
        if facts.submitted_on is None or facts.works_start_on is None:
            yield reason("works_unknown")
        elif facts.works_start_on <= facts.submitted_on:
            yield reason("works_started", submitted_on=facts.submitted_on, works_start_on=facts.works_start_on)
        if facts.application_lacks:
            yield reason("application_incomplete", facts=sorted(facts.application_lacks))
    intensities = law.terms.get("intensity")
    if intensities is not None and facts.category not in intensities:
        yield reason("category_unknown", category=facts.category, categories=sorted(intensities))
    if intensities is not None and case.costs is None and not law.terms.get("full_within_limits"):
        yield reason("costs_unknown")
    unclear = unclear_bonuses(facts, law)
    if unclear:
        yield reason("bonus_unclear", bonuses=sorted(unclear))


def _start_up(facts: StartUp, years: int, on: date) -> Iterator[Reason]:
    """Art 22(2): unlisted, registered at most five years ago, no profits paid out, no take-over."""
    too_old = None if facts.registered_on is None else on > years_later(facts.registered_on, years)
    holds = {
        "unlisted": None if facts.unlisted is None else not facts.unlisted,
        "registered": too_old,
        "profits_distributed": facts.profits_distributed,
        "took_over": facts.took_over,
    }
    against = _named(holds, True)
    unknown = _named(holds, None)
    if against:
        yield reason("not_a_start_up", facts=against, years=years)
    elif unknown:
        yield reason("start_up_unknown", facts=unknown)


def _named(answers: dict[str, bool | None], wanted: bool | None) -> list[str]:
    return [name for name, answer in answers.items() if answer is wanted]


def _age(founded_on: date | None, on: date) -> int | None:
    """Whole years since the day, None when it is not known."""
    if founded_on is None:
        return None
    years = on.year - founded_on.year
    return years if years_later(founded_on, years) <= on else years - 1
