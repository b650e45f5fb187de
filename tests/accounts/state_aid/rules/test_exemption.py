"""Block exemptions: Articles 22, 25, 28 and 31 of Regulation 651/2014 with their common conditions."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from accounts.state_aid import regimes, rules
from accounts.state_aid.case import (
    INNOVATION,
    RESEARCH,
    START_UP,
    TRAINING,
    Costs,
    Difficulty,
    Outcome,
    Policy,
)
from tests.accounts.state_aid.rules.given import (
    HEALTHY,
    SCHEME,
    TODAY,
    aid,
    exempt,
    judged,
    research,
    start_up,
    training,
)

LAST_YEAR = date(2025, 5, 5)
ALLOWED, REFUSED, REVIEW = Outcome.ALLOWED, Outcome.REFUSED, Outcome.NEEDS_REVIEW
INSOLVENT = replace(HEALTHY, insolvency=True)


def given_before(amount: str, **fields):
    return aid(LAST_YEAR, amount, regime=INNOVATION, **fields)


def scheme(**fields):
    return {"scheme": replace(SCHEME, **fields)}


# ---- Article 28: innovation aid, free or reduced access --------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "prior", "expected"),
    [
        ("220000", (), ALLOWED),
        ("220000.01", (), REFUSED),
        ("120000", (given_before("100000"),), ALLOWED),
        ("120000.01", (given_before("100000"),), REFUSED),
        ("120000.01", (given_before("100000", state="DE"),), REFUSED),
        ("220000", (aid(LAST_YEAR, "300000"),), ALLOWED),
        ("220000", (aid(date(2023, 11, 20), "220000", regime=INNOVATION),), ALLOWED),
        ("0.01", (aid(date(2023, 11, 21), "220000", regime=INNOVATION),), REFUSED),
    ],
)
def test_free_services_stay_below_220000_in_any_three_years_over_all_states(amount, prior, expected):
    assert judged(exempt(amount, *prior)).outcome is expected


def test_in_the_other_reading_each_state_has_its_own_220000():
    policy = Policy(compute_is_support_service="accept", innovation_everywhere=False)
    verdict = judged(exempt("220000", given_before("100000", state="DE"), policy=policy))
    assert (verdict.outcome, verdict.rooms[0].code) == (ALLOWED, "innovation_per_state")


def test_beyond_the_limit_half_of_stated_costs_may_be_aided():
    """Art 28(3)."""
    costs = Costs("services", Decimal(600_000))
    verdict = judged(exempt("300000", costs=costs))
    assert (verdict.outcome, "half_of_costs" in verdict.codes) == (ALLOWED, True)
    refused = judged(exempt("300000.01", costs=costs))
    assert (refused.codes, refused.largest_eur) == (("intensity_exceeded",), Decimal("300000.00"))


def test_within_the_limit_all_of_the_costs_may_be_aided_and_no_more():
    costs = Costs("services", Decimal(100_000))
    assert judged(exempt("100000", costs=costs)).codes == ("within_ceiling",)
    assert judged(exempt("100000.01", costs=costs)).largest_eur == Decimal("100000.00")


def test_a_project_above_ten_million_must_be_notified():
    costs = Costs("services", Decimal(30_000_000))
    assert judged(exempt("10000000", costs=costs)).outcome is ALLOWED
    assert judged(exempt("10000000.01", costs=costs)).codes == ("threshold_exceeded",)


@pytest.mark.parametrize(
    ("size", "expected", "code"),
    [
        ("micro", ALLOWED, "within_ceiling"),
        ("small", ALLOWED, "within_ceiling"),
        ("medium", ALLOWED, "within_ceiling"),
        ("large", REFUSED, "size_not_covered"),
        ("review", REVIEW, "size_open"),
    ],
)
def test_innovation_aid_is_for_small_and_medium_enterprises(size, expected, code):
    verdict = judged(exempt("1000", size=size))
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


@pytest.mark.parametrize(
    ("policy", "expected", "code"),
    [
        ("accept", ALLOWED, "within_ceiling"),
        ("review", REVIEW, "support_service_open"),
        ("refuse", REFUSED, "support_service_refused"),
    ],
)
def test_whether_compute_is_a_support_service_is_a_setting(policy, expected, code):
    verdict = judged(exempt("1000", policy=Policy(compute_is_support_service=policy)))
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


def test_by_default_a_person_decides_whether_compute_is_a_support_service():
    assert judged(exempt("1000", policy=Policy())).outcome is REVIEW


# ---- Article 5(2)(ga): the checklist ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected", "code"),
    [
        ({"scheme": None}, REFUSED, "scheme_missing"),
        (scheme(published_on=None), REFUSED, "scheme_not_published"),
        (scheme(discounts_published=False), REFUSED, "scheme_not_published"),
        (scheme(selection_published=False), REFUSED, "scheme_not_published"),
        (scheme(selection_published=None), REVIEW, "scheme_facts_unknown"),
        (scheme(published_on=date(2026, 10, 1)), REFUSED, "published_late"),
        (scheme(published_on=date(2026, 9, 30)), ALLOWED, "within_ceiling"),
        (scheme(published_on=date(2026, 9, 30), offered_on=date(2026, 9, 1)), REFUSED, "published_late"),
        (scheme(quantifiable=False), REFUSED, "advantage_not_quantifiable"),
        (scheme(quantifiable=None), REVIEW, "scheme_facts_unknown"),
        (scheme(records_years=9), REFUSED, "records_too_short"),
        (scheme(records_years=None), REVIEW, "scheme_facts_unknown"),
        (scheme(valid_to=date(2026, 11, 20)), REFUSED, "scheme_not_in_force"),
        (scheme(valid_to=date(2026, 11, 21)), ALLOWED, "within_ceiling"),
        (scheme(valid_from=date(2026, 11, 22)), REFUSED, "scheme_not_in_force"),
        (scheme(version="800/2008"), REVIEW, "scheme_version_unknown"),
    ],
)
def test_free_access_follows_the_checklist_point_by_point(fields, expected, code):
    verdict = judged(exempt("1000", **fields))
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


# ---- common conditions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected", "code"),
    [
        ({"recovery_order": True}, REFUSED, "recovery_order"),
        ({"recovery_order": None}, REVIEW, "recovery_unknown"),
        ({"difficulty": INSOLVENT}, REFUSED, "in_difficulty"),
        ({"difficulty": None}, REVIEW, "difficulty_unknown"),
        ({"difficulty": Difficulty(limited_liability=True)}, REVIEW, "difficulty_unknown"),
        ({"works_start_on": date(2026, 10, 1)}, REFUSED, "works_started"),
        ({"works_start_on": date(2026, 9, 1)}, REFUSED, "works_started"),
        ({"works_start_on": date(2026, 10, 2)}, ALLOWED, "within_ceiling"),
        ({"works_start_on": None}, REVIEW, "works_unknown"),
        ({"submitted_on": None}, REVIEW, "works_unknown"),
        ({"application_lacks": frozenset({"location"})}, REVIEW, "application_incomplete"),
        ({"purposes": frozenset({"export"})}, REFUSED, "purpose_excluded"),
        ({"purposes": frozenset({"primary_agriculture"})}, ALLOWED, "within_ceiling"),
        ({"owners_known": None}, REVIEW, "autonomy_unknown"),
    ],
)
def test_what_every_block_exemption_asks(fields, expected, code):
    verdict = judged(exempt("1000", **fields))
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


def test_no_declaration_of_de_minimis_aid_is_asked_for():
    assert judged(exempt("1000", declared_on=None)).outcome is ALLOWED


@pytest.mark.parametrize(("founded_on", "expected"), [(date(2023, 11, 22), ALLOWED), (date(2023, 11, 21), REFUSED)])
def test_an_sme_younger_than_three_years_may_have_lost_its_capital(founded_on, expected):
    lost = replace(HEALTHY, accumulated_result_eur=Decimal(-90_000))
    assert judged(exempt("1000", difficulty=lost, founded_on=founded_on)).outcome is expected


def test_without_any_fact_nothing_is_granted_silently():
    verdict = judged(replace(exempt("1000"), exemption=None))
    assert verdict.outcome is REFUSED
    assert {"scheme_missing", "size_open", "recovery_unknown", "difficulty_unknown", "works_unknown"} <= set(
        verdict.codes
    )


# ---- the end of the Regulation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "since", "expected", "code"),
    [
        (date(2026, 12, 31), date(2025, 1, 1), ALLOWED, "within_ceiling"),
        (date(2027, 1, 1), date(2025, 1, 1), REVIEW, "adjustment_period"),
        (date(2027, 6, 30), date(2026, 12, 31), REVIEW, "adjustment_period"),
        (date(2027, 1, 1), date(2027, 1, 1), REFUSED, "new_scheme_after_expiry"),
        (date(2027, 7, 1), date(2025, 1, 1), REFUSED, "no_regime_in_force"),
        (date(2023, 6, 30), date(2020, 1, 1), REFUSED, "no_regime_in_force"),
    ],
)
def test_after_2026_only_schemes_that_existed_go_on_for_half_a_year(on, since, expected, code):
    verdict = judged(exempt("1000", on=on, **scheme(valid_from=since)), on)
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


def test_a_new_version_that_is_entered_lets_new_schemes_start():
    old = regimes.law_for(regimes.BUILT_IN, INNOVATION, TODAY)
    new = replace(
        old, version="2026/999", valid_from=date(2027, 1, 1), valid_to=date(2033, 12, 31),
        adjustment_until=date(2034, 6, 30),
    )  # fmt: skip
    on = date(2027, 2, 1)
    laws = regimes.laws_on(on, (new,))
    fresh = judged(exempt("1000", on=on, law=laws, **scheme(valid_from=date(2027, 1, 1))), on)
    assert (fresh.outcome, fresh.law_version) == (ALLOWED, "2026/999")
    kept = judged(exempt("1000", on=on, law=laws, **scheme(version=old.version)), on)
    assert (kept.law_version, kept.codes[-1]) == (old.version, "adjustment_period")


# ---- Article 25: research and development ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "fields", "percent"),
    [
        ("fundamental", {"size": "large"}, 100),
        ("fundamental", {"size": "small"}, 100),
        ("industrial", {"size": "large"}, 50),
        ("industrial", {"size": "medium"}, 60),
        ("industrial", {"size": "small"}, 70),
        ("industrial", {"size": "micro"}, 70),
        ("experimental", {"size": "large"}, 25),
        ("experimental", {"size": "medium"}, 35),
        ("experimental", {"size": "small"}, 45),
        ("feasibility", {"size": "large"}, 50),
        ("feasibility", {"size": "medium"}, 60),
        ("feasibility", {"size": "small"}, 70),
        ("industrial", {"size": "large", "bonuses": {"collaboration"}}, 65),
        ("industrial", {"size": "large", "bonuses": {"dissemination"}}, 65),
        ("industrial", {"size": "large", "bonuses": {"licensing"}}, 65),
        ("industrial", {"size": "large", "bonuses": {"region_a"}, "region": "a"}, 65),
        ("industrial", {"size": "large", "bonuses": {"region_c"}, "region": "c"}, 55),
        ("industrial", {"size": "large", "bonuses": {"several_states"}}, 75),
        ("industrial", {"size": "large", "bonuses": {"collaboration", "dissemination"}}, 65),
        ("industrial", {"size": "large", "bonuses": {"collaboration", "several_states"}}, 75),
        ("industrial", {"size": "small", "bonuses": {"collaboration"}}, 80),
        ("industrial", {"size": "small", "bonuses": {"several_states"}}, 80),
        ("experimental", {"size": "small", "bonuses": {"several_states"}}, 70),
        ("experimental", {"size": "medium", "bonuses": {"region_c"}, "region": "c"}, 40),
    ],
)
def test_research_aid_stays_below_the_intensity_with_its_additions(category, fields, percent):
    fields = {**fields, "bonuses": frozenset(fields.get("bonuses", ()))}
    assert judged(research(f"{percent}000", category, "100000", **fields)).outcome is ALLOWED
    verdict = judged(research(f"{percent}000.01", category, "100000", **fields))
    assert (verdict.codes[0], verdict.largest_eur) == ("intensity_exceeded", Decimal(f"{percent}000.00"))


@pytest.mark.parametrize(
    ("category", "fields", "percent"),
    [
        ("industrial", {"bonuses": frozenset({"region_a"}), "region": "c"}, 50),
        ("industrial", {"bonuses": frozenset({"disabled_or_disadvantaged"})}, 50),
        ("feasibility", {"bonuses": frozenset({"collaboration"})}, 50),
        ("fundamental", {"bonuses": frozenset({"collaboration"})}, 100),
    ],
)
def test_an_addition_that_does_not_fit_is_not_counted_and_goes_to_a_person(category, fields, percent):
    one = research("1000", category, "100000", size="large", **fields)
    assert rules.intensity(one) == percent
    assert judged(one).codes[-1] == "bonus_unclear"


@pytest.mark.parametrize(
    ("category", "millions"), [("fundamental", 55), ("industrial", 35), ("experimental", 25), ("feasibility", "8.25")]
)
def test_each_kind_of_research_has_its_notification_threshold(category, millions):
    most = Decimal(millions) * 1_000_000
    assert judged(research(str(most), category, "1000000000")).outcome is ALLOWED
    assert judged(research(str(most + 1), category, "1000000000")).codes == ("threshold_exceeded",)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"category": ""}, "category_unknown"),
        ({"category": "applied"}, "category_unknown"),
        ({"costs": None}, "costs_unknown"),
    ],
)
def test_research_of_no_stated_kind_or_costs_goes_to_a_person(fields, code):
    verdict = judged(research("1000", fields.get("category", "industrial"), "100000", **{
        key: value for key, value in fields.items() if key == "costs"
    }))  # fmt: skip
    assert (verdict.outcome, code in verdict.codes) == (REVIEW, True)


def test_research_aid_is_for_every_size():
    assert judged(research("1000", "industrial", "100000", size="large")).outcome is ALLOWED


# ---- Article 22: start-ups -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "largest"),
    [
        ({}, "500000.00"),
        ({"region": "c"}, "750000.00"),
        ({"region": "a"}, "1000000.00"),
        ({"innovative": True}, "1000000.00"),
        ({"region": "c", "innovative": True}, "1500000.00"),
        ({"region": "a", "innovative": True}, "2000000.00"),
        ({"innovative": None}, "500000.00"),
    ],
)
def test_start_up_aid_depends_on_region_and_innovation(fields, largest):
    assert judged(start_up("0", **fields)).largest_eur == Decimal(largest)
    assert judged(start_up(largest, **fields)).outcome is ALLOWED
    assert judged(start_up(str(Decimal(largest) + 1), **fields)).codes == ("ceiling_exceeded",)


def test_start_up_aid_is_added_up_for_ever_and_everywhere():
    prior = aid(date(2023, 8, 1), "400000", regime=START_UP, state="DE")
    verdict = judged(start_up("0", prior))
    assert (verdict.largest_eur, verdict.rooms[0].window_from) == (Decimal("100000.00"), None)
    assert verdict.rooms[0].items[0].falls_out_on is None


@pytest.mark.parametrize(
    ("fields", "expected", "code"),
    [
        ({"unlisted": False}, REFUSED, "not_a_start_up"),
        ({"unlisted": None}, REVIEW, "start_up_unknown"),
        ({"registered_on": date(2021, 11, 20)}, REFUSED, "not_a_start_up"),
        ({"registered_on": date(2021, 11, 21)}, ALLOWED, "within_ceiling"),
        ({"registered_on": None}, REVIEW, "start_up_unknown"),
        ({"profits_distributed": True}, REFUSED, "not_a_start_up"),
        ({"profits_distributed": None}, REVIEW, "start_up_unknown"),
        ({"took_over": True}, REFUSED, "not_a_start_up"),
        ({"took_over": None}, REVIEW, "start_up_unknown"),
        ({"size": "micro"}, ALLOWED, "within_ceiling"),
        ({"size": "medium"}, REFUSED, "size_not_covered"),
        ({"difficulty": INSOLVENT}, REVIEW, "difficulty_open"),
        ({"works_start_on": date(2026, 1, 1)}, ALLOWED, "within_ceiling"),
        ({"scheme": None}, REFUSED, "scheme_missing"),
    ],
)
def test_only_young_small_unlisted_companies_are_start_ups(fields, expected, code):
    verdict = judged(start_up("1000", **fields))
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


def test_a_start_up_of_unknown_facts_goes_to_a_person():
    verdict = judged(exempt("1000", basis=START_UP, start_up=None))
    assert (verdict.outcome, verdict.codes[-1]) == (REVIEW, "start_up_unknown")


# ---- Article 31: training --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({"size": "large"}, 50),
        ({"size": "medium"}, 60),
        ({"size": "small"}, 70),
        ({"size": "large", "bonuses": frozenset({"disabled_or_disadvantaged"})}, 60),
        ({"size": "medium", "bonuses": frozenset({"disabled_or_disadvantaged"})}, 70),
        ({"size": "small", "bonuses": frozenset({"disabled_or_disadvantaged"})}, 70),
    ],
)
def test_training_aid_stays_below_70_per_cent(fields, percent):
    assert judged(training(f"{percent}00", "10000", **fields)).outcome is ALLOWED
    assert judged(training(f"{percent}00.01", "10000", **fields)).codes == ("intensity_exceeded",)


def test_training_above_three_millions_must_be_notified():
    assert judged(training("3000000", "9000000")).outcome is ALLOWED
    assert judged(training("3000000.01", "9000000")).codes == ("threshold_exceeded",)


# ---- what an award keeps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "percent"),
    [
        (exempt("1"), 100),
        (research("1", "industrial", "10", size="small"), 70),
        (training("1", "10"), 70),
        (start_up("1"), None),
        (replace(exempt("1"), basis="2023/2831"), None),
        (replace(exempt("1"), law=()), None),
    ],
)
def test_a_grants_own_intensity_is_known_for_later_cumulation(one, percent):
    assert rules.intensity(one) == percent
    assert rules.intensity(one, TODAY) == percent


def test_a_grant_beyond_the_free_amount_keeps_half_of_its_costs_as_intensity():
    one = exempt("300000", costs=Costs("services", Decimal(600_000)))
    assert (rules.intensity(one), rules.intensity(one, TODAY)) == (100, 50)


@pytest.mark.parametrize("basis", [RESEARCH, TRAINING])
def test_no_limit_over_time_holds_for_projects(basis):
    one = research("1", "industrial", "10") if basis == RESEARCH else training("1", "10")
    assert rules.headroom(one, TODAY) == ()
