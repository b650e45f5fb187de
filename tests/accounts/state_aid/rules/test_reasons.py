"""Every reason is reached by some case, weighs what it should, and is a sentence that people can read."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from accounts.state_aid import regimes, wording
from accounts.state_aid.case import (
    AGRICULTURE,
    RESEARCH,
    Case,
    Change,
    Costs,
    GroupEvent,
    Origin,
    Outcome,
    Policy,
    Reason,
)
from accounts.state_aid.reasons import OF_AMOUNT, REASONS, WEIGHT
from tests.accounts.state_aid.rules.given import (
    HEALTHY,
    SCHEME,
    TODAY,
    aid,
    case,
    exempt,
    judged,
    link,
    research,
    start_up,
)

LAST_YEAR = date(2025, 5, 5)
INSOLVENT = replace(HEALTHY, insolvency=True)
COSTS = Costs("project", Decimal(100_000))
FOR_COSTS = aid(LAST_YEAR, "10000", regime=RESEARCH, costs="project")
UNION = aid(LAST_YEAR, "60000", costs="project", central_union=True)
FARM = {"basis": AGRICULTURE, "nace_code": "01.11"}
AFTER_GBER = date(2027, 2, 1)


def scheme(**fields) -> Case:
    return exempt("1000", scheme=replace(SCHEME, **fields))


# One case for every reason, with the day it is judged on when that is not today.
REACHED: dict[str, Case | tuple[Case, date]] = {
    "within_ceiling": case("1000"),
    "conditions_met": research("1000", "industrial", "1", costs=None, law=(
        replace(regimes.law_for(regimes.BUILT_IN, RESEARCH, TODAY), terms={"difficulty": regimes.DIFFICULTY}),
    )),
    "half_of_costs": exempt("300000", costs=Costs("services", Decimal(900_000))),
    "activities_separated": case("1000", nace_code="01.11", activities_separated=True),
    "union_share": case("1000", origin=Origin.UNION_SHARE),
    "ceded_to_ju": case("1000", origin=Origin.CEDED_TO_JU),
    "commercial": case("1000", origin=Origin.COMMERCIAL),
    "non_economic": case("1000", origin=Origin.NON_ECONOMIC),
    "ceiling_exceeded": case("300001"),
    "intensity_exceeded": case("50001", costs=replace(COSTS, intensity=Decimal(50))),
    "union_rate_exceeded": case("20000", UNION, costs=replace(COSTS, union_rate=Decimal(70))),
    "threshold_exceeded": research("40000000", "industrial", "900000000"),
    "national_cap_exceeded": case("1000", **FARM, national_left_eur=Decimal(10)),
    "national_cap_unknown": case("1000", **FARM),
    "cumulation_unknown": case("1000", FOR_COSTS, costs=COSTS),
    "union_rate_unknown": case("1000", UNION, costs=COSTS),
    "no_regime_in_force": case("1000", law=()),
    "adjustment_period": (case("1000", on=date(2031, 2, 1)), date(2031, 2, 1)),
    "new_scheme_after_expiry": (
        exempt("1000", on=AFTER_GBER, scheme=replace(SCHEME, valid_from=date(2027, 1, 2))),
        AFTER_GBER,
    ),
    "scheme_version_unknown": scheme(version="another text"),
    "autonomy_unknown": case("1000", owners_known=None),
    "link_unconfirmed": case("1000", links=(link("p", "u", confirmed=False),)),
    "event_unconfirmed": case("1000", events=(GroupEvent(Change.MERGER, LAST_YEAR, ("x",), ("u",), confirmed=False),)),
    "split_uncertain": case(
        "1000",
        aid(LAST_YEAR, "10", member="s", reference="A-1"),
        events=(GroupEvent(Change.SPLIT, date(2026, 1, 1), ("s",), ("u", "v")),),
    ),
    "excluded_sector": case("1000", nace_code="01.11"),
    "activities_not_separated": case("1000", nace_code="01.11", activities_separated=False),
    "sector_outside": case("1000", basis=AGRICULTURE),
    "purpose_excluded": case("1000", purposes=frozenset({"export"})),
    "declaration_missing": case("1000", declared_on=None),
    "declaration_old": case("1000", declared_on=TODAY - timedelta(days=91)),
    "register_not_asked": (case("1000", on=date(2029, 1, 1)), date(2029, 1, 1)),
    "register_differs": case("1000", register_eur=Decimal(5)),
    "scheme_missing": exempt("1000", scheme=None),
    "scheme_not_in_force": scheme(valid_to=date(2026, 1, 1)),
    "scheme_not_published": scheme(published_on=None),
    "published_late": scheme(published_on=date(2026, 11, 1)),
    "advantage_not_quantifiable": scheme(quantifiable=False),
    "records_too_short": scheme(records_years=5),
    "scheme_facts_unknown": scheme(quantifiable=None),
    "support_service_open": exempt("1000", policy=Policy()),
    "support_service_refused": exempt("1000", policy=Policy(compute_is_support_service="refuse")),
    "size_not_covered": exempt("1000", size="large"),
    "size_open": exempt("1000", size="review"),
    "recovery_order": exempt("1000", recovery_order=True),
    "recovery_unknown": exempt("1000", recovery_order=None),
    "in_difficulty": exempt("1000", difficulty=INSOLVENT),
    "difficulty_open": start_up("1000", difficulty=INSOLVENT),
    "difficulty_unknown": exempt("1000", difficulty=None),
    "not_a_start_up": start_up("1000", unlisted=False),
    "start_up_unknown": start_up("1000", unlisted=None),
    "works_started": exempt("1000", works_start_on=date(2026, 1, 1)),
    "works_unknown": exempt("1000", works_start_on=None),
    "application_incomplete": exempt("1000", application_lacks=frozenset({"location", "costs"})),
    "category_unknown": research("1000", "", "10000"),
    "costs_unknown": research("1000", "industrial", "1", costs=None),
    "bonus_unclear": research("1000", "industrial", "10000", bonuses=frozenset({"region_a"})),
}  # fmt: skip


def reached(code: str) -> Reason:
    one = REACHED[code]
    verdict = judged(*one) if isinstance(one, tuple) else judged(one)
    return next(reason for reason in verdict.reasons if reason.code == code)


def test_the_table_walks_every_reason():
    assert set(REACHED) == set(REASONS)


@pytest.mark.parametrize("code", REASONS)
def test_each_reason_is_reached_and_names_an_article(code):
    reason = reached(code)
    assert reason.weight is REASONS[code][0]
    assert reason.article.startswith(("Art ", "Recital ", "Annex "))


@pytest.mark.parametrize("code", REASONS)
def test_each_reason_is_a_sentence_without_gaps(code):
    with translation.override("en"):
        sentence = wording.reason_sentence(reached(code))
    assert sentence.endswith(".")
    assert "–" not in sentence
    assert "%(" not in sentence


def test_there_is_a_sentence_for_every_reason_and_no_other():
    assert set(wording.SENTENCES) == set(REASONS)


def test_every_code_of_the_law_has_a_name():
    assert {law.code for law in regimes.BUILT_IN} | set(regimes.DECLARABLE) == set(wording.REGULATIONS)
    assert {limit.code for law in regimes.BUILT_IN for limit in law.limits} <= set(wording.LIMITS)
    assert {code for law in regimes.BUILT_IN for code in law.excluded} == set(wording.PURPOSES)
    assert {
        code for law in regimes.BUILT_IN for key in ("bonus", "further_bonus") for code in law.terms.get(key, ())
    } == (set(wording.BONUSES))
    categories = {code for law in regimes.BUILT_IN for code in law.terms.get("intensity", ()) if code}
    assert categories == set(wording.CATEGORIES)


def test_only_reasons_of_the_amount_leave_room_for_a_smaller_one():
    assert all(REASONS[code][0] is Outcome.REFUSED for code in OF_AMOUNT)
    assert judged(case("300001")).largest_eur == Decimal("300000.00")
    assert judged(case("300001", purposes=frozenset({"export"}))).largest_eur == 0


def test_the_heaviest_reason_decides():
    assert sorted(WEIGHT, key=WEIGHT.__getitem__) == [Outcome.ALLOWED, Outcome.NEEDS_REVIEW, Outcome.REFUSED]
    verdict = judged(case("300001", owners_known=None))
    assert (verdict.outcome, verdict.codes) == (Outcome.REFUSED, ("ceiling_exceeded", "autonomy_unknown"))


# ---- what people read ------------------------------------------------------------------------------------------------


def test_a_refusal_says_what_would_fit():
    with translation.override("en"):
        said = wording.refusal_sentence(judged(case("300000.01", aid(LAST_YEAR, "100000"))))
    assert "€300,000.00" in said
    assert said.endswith("At most €200,000.00 can be granted today.")


def test_a_refusal_without_any_room_says_when_there_will_be_some():
    with translation.override("en"):
        said = wording.refusal_sentence(judged(case("1", aid(date(2024, 3, 15), "300000"))))
    assert said.endswith("Earlier aid falls out on 16 March 2027; more fits from then on.")


def test_a_refusal_for_another_reason_offers_no_amount():
    with translation.override("en"):
        said = wording.refusal_sentence(judged(case("1", declared_on=None)))
    assert said == str(wording.SENTENCES["declaration_missing"])


def test_a_doubt_is_said_without_an_amount():
    with translation.override("en"):
        said = wording.refusal_sentence(judged(case("1", owners_known=None)))
    assert said == str(wording.SENTENCES["autonomy_unknown"])


def test_a_stored_reason_of_an_older_version_can_still_be_read():
    assert "–" in wording.reason_sentence("ceiling_exceeded", {})
    assert wording.reason_sentence("long_gone") == "long_gone"
