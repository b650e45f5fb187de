"""De minimis aid beyond the fact sheet's vectors: pools, sectors, registers, declarations, open readings."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.state_aid import regimes, rules
from accounts.state_aid.case import (
    AGRICULTURE,
    FISHERIES,
    GENERAL,
    INNOVATION,
    SGEI,
    SGEI_UNTIL_2023,
    Origin,
    Outcome,
    Policy,
)
from tests.accounts.state_aid.rules.given import TODAY, aid, case, judged

LAST_YEAR = date(2025, 5, 5)
ALLOWED, REFUSED, REVIEW = Outcome.ALLOWED, Outcome.REFUSED, Outcome.NEEDS_REVIEW
FARM = {"basis": AGRICULTURE, "nace_code": "01.11", "national_left_eur": Decimal(1_000_000)}
BOAT = {"basis": FISHERIES, "nace_code": "03.11", "national_left_eur": Decimal(1_000_000)}


def outcome(amount, *prior, on=TODAY, **fields):
    return judged(case(amount, *prior, on=on, **fields), on).outcome


def room(verdict, code):
    return next(one for one in verdict.rooms if one.code == code)


# ---- ceilings and pools ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "prior", "largest"),
    [
        ({}, (), "300000.00"),
        ({"basis": SGEI}, (), "750000.00"),
        (FARM, (), "50000.00"),
        (BOAT, (), "30000.00"),
        ({**BOAT, "state_register": True}, (), "40000.00"),
        ({"basis": SGEI}, (aid(LAST_YEAR, "300000"),), "750000.00"),
        ({"basis": SGEI}, (aid(LAST_YEAR, "300000", regime=SGEI),), "450000.00"),
        ({"basis": SGEI}, (aid(date(2023, 12, 1), "300000", regime=SGEI_UNTIL_2023),), "450000.00"),
        (FARM, (aid(LAST_YEAR, "280000"),), "20000.00"),
        (FARM, (aid(LAST_YEAR, "15000", regime=AGRICULTURE),), "35000.00"),
        ({}, (aid(LAST_YEAR, "30000", regime=FISHERIES), aid(LAST_YEAR, "50000", regime=AGRICULTURE)), "220000.00"),
        ({}, (aid(LAST_YEAR, "220000", regime=INNOVATION),), "300000.00"),
    ],
)
def test_each_act_has_its_ceiling_and_pool(fields, prior, largest):
    assert judged(case("0", *prior, **fields)).largest_eur == Decimal(largest)


def test_farming_and_fishing_together_stay_below_the_lower_ceiling():
    """Art 5(2) of 717/2014: up to the ceiling of that act."""
    prior = (aid(LAST_YEAR, "20000", regime=FISHERIES),)
    assert judged(case("0", *prior, **FARM)).largest_eur == Decimal("10000.00")
    assert judged(case("0", *prior, **FARM, state_register=True)).largest_eur == Decimal("20000.00")
    assert judged(case("0", aid(LAST_YEAR, "30000", regime=AGRICULTURE), **BOAT)).largest_eur == 0


def test_in_the_other_reading_farming_and_fishing_share_the_higher_ceiling():
    wide = Policy(sector_sum_is_lower_ceiling=False)
    prior = (aid(LAST_YEAR, "20000", regime=FISHERIES),)
    assert judged(case("0", *prior, **FARM, policy=wide)).largest_eur == Decimal("30000.00")


def test_farming_alone_keeps_its_own_ceiling():
    other_state = aid(LAST_YEAR, "20000", regime=FISHERIES, state="DE")
    too_old = aid(date(2020, 1, 1), "20000", regime=FISHERIES)
    verdict = judged(case("0", other_state, too_old, **FARM))
    assert verdict.largest_eur == Decimal("50000.00")
    assert "farming_and_fishing" not in [one.code for one in verdict.rooms]


def test_the_tightest_limit_comes_first():
    verdict = judged(case("0", aid(LAST_YEAR, "270000"), **FARM))
    assert [(one.code, one.before_eur) for one in verdict.rooms[:2]] == [("general", 30_000), ("agriculture", 50_000)]


def test_union_money_managed_centrally_is_no_state_aid():
    verdict = judged(case("300000", aid(LAST_YEAR, "50000", central_union=True)))
    assert verdict.outcome is ALLOWED
    assert verdict.rooms[0].items[0].why == "no_state_aid"


def test_reservations_count_like_grants():
    assert outcome("150000.01", aid(TODAY, "150000", reference="reserved")) is REFUSED
    assert outcome("150000", aid(TODAY, "150000", reference="reserved")) is ALLOWED


def test_every_award_says_why_it_does_or_does_not_count_and_until_when():
    prior = (
        aid(date(2020, 1, 1), "1"),
        aid(LAST_YEAR, "2", state="DE"),
        aid(LAST_YEAR, "3", regime=SGEI),
        aid(LAST_YEAR, "4", member="x"),
        aid(LAST_YEAR, "5"),
    )
    items = judged(case("0", *prior)).rooms[0].items
    assert {int(item.aid.amount_eur): (item.counted, item.why, item.falls_out_on) for item in items} == {
        1: (False, "too_old", date(2023, 1, 2)),
        2: (False, "other_state", None),
        3: (False, "other_pool", None),
        4: (False, "other_undertaking", None),
        5: (True, "", date(2028, 5, 6)),
    }


def test_a_refused_grant_takes_nothing_and_an_allowed_one_takes_all():
    assert judged(case("300000.01")).rooms[0].after_eur == Decimal("300000.00")
    assert judged(case("299999.99")).rooms[0].after_eur == Decimal("0.01")


def test_the_largest_amount_is_nothing_when_more_than_the_amount_is_wrong():
    verdict = judged(case("300001", declared_on=None))
    assert (verdict.largest_eur, verdict.rooms[0].before_eur) == (0, Decimal("300000.00"))


def test_a_refusal_tells_when_earlier_aid_falls_out():
    verdict = judged(case("1", aid(date(2024, 3, 15), "300000")))
    assert verdict.reasons[0].values["more_on"] == "2027-03-16"


# ---- windows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted_on", "on", "counts"),
    [
        (date(2023, 11, 21), TODAY, True),
        (date(2023, 11, 20), TODAY, False),
        (date(2024, 2, 29), date(2027, 2, 28), True),
        (date(2024, 2, 29), date(2027, 3, 1), False),
        (date(2025, 2, 28), date(2028, 2, 29), True),
        (date(2025, 2, 28), date(2028, 3, 1), False),
    ],
)
def test_the_boundary_day_counts_once_more(granted_on, on, counts):
    verdict = judged(case("0", aid(granted_on, "100"), on=on), on)
    assert (verdict.rooms[0].used_eur == 100) is counts


def test_in_the_other_reading_the_boundary_day_is_over():
    policy = Policy(boundary_day_counts=False)
    assert judged(case("300000", aid(date(2023, 11, 21), "300000"), policy=policy)).outcome is ALLOWED
    assert judged(case("300000", aid(date(2023, 11, 22), "300000"), policy=policy)).outcome is REFUSED


@pytest.mark.parametrize(
    ("granted_on", "end", "counts"),
    [
        (date(2024, 1, 1), (12, 31), True),
        (date(2023, 12, 31), (12, 31), False),
        (date(2024, 7, 1), (6, 30), True),
        (date(2024, 6, 30), (6, 30), False),
        (date(2023, 11, 21), (12, 31), False),
    ],
)
def test_fishing_counts_fiscal_years(granted_on, end, counts):
    verdict = judged(case("0", aid(granted_on, "100", regime=FISHERIES), **BOAT, fiscal_year_end=end))
    assert (room(verdict, "fisheries").used_eur == 100) is counts


def test_fishing_aid_falls_out_with_its_fiscal_year_there_and_to_the_day_under_the_general_ceiling():
    verdict = judged(case("0", aid(date(2025, 5, 5), "100", regime=FISHERIES), **BOAT, fiscal_year_end=(6, 30)))
    assert room(verdict, "fisheries").items[0].falls_out_on == date(2027, 7, 1)
    assert room(verdict, "general").items[0].falls_out_on == date(2028, 5, 6)


# ---- the law's own days ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("basis", "on", "expected"),
    [
        (SGEI, date(2023, 12, 31), REFUSED),
        (SGEI, date(2030, 12, 31), REVIEW),
        (SGEI, date(2031, 6, 30), REVIEW),
        (SGEI, date(2031, 7, 1), REFUSED),
        (AGRICULTURE, date(2024, 12, 15), REFUSED),
        (AGRICULTURE, date(2024, 12, 16), ALLOWED),
        (AGRICULTURE, date(2033, 7, 1), REFUSED),
        (FISHERIES, date(2029, 12, 31), ALLOWED),
        (FISHERIES, date(2030, 1, 1), REVIEW),
        (FISHERIES, date(2030, 7, 1), REFUSED),
    ],
)
def test_each_act_holds_between_its_days(basis, on, expected):
    nace = {AGRICULTURE: "01.11", FISHERIES: "03.11"}.get(basis, "62.10")
    assert outcome("1000", on=on, basis=basis, nace_code=nace, national_left_eur=Decimal(10**6)) is expected


def test_without_any_row_of_law_nothing_is_granted():
    assert judged(case("1", law=())).codes == ("no_regime_in_force",)
    assert judged(case("1", basis="unheard-of")).codes == ("no_regime_in_force",)


def test_a_row_entered_later_takes_the_place_of_the_one_it_corrects():
    general = regimes.law_for(regimes.BUILT_IN, GENERAL, TODAY)
    limit = replace(general.limits[0], ceiling_eur=Decimal(400_000))
    younger = replace(general, version="2027/1", valid_from=date(2026, 11, 1), limits=(limit,))
    assert judged(case("400000", law=regimes.laws_on(TODAY, (younger,)))).law_version == "2027/1"
    corrected = replace(general, limits=(limit,))
    laws = regimes.laws_on(TODAY, (corrected,))
    assert len(laws) == len(regimes.laws_on(TODAY))
    assert judged(case("400000", law=laws)).outcome is ALLOWED


def test_a_row_in_force_is_preferred_to_one_that_is_running_out():
    general = regimes.law_for(regimes.BUILT_IN, GENERAL, TODAY)
    next_text = replace(
        general, version="next", valid_from=date(2031, 1, 1), valid_to=date(2037, 12, 31),
        adjustment_until=date(2038, 6, 30),
    )  # fmt: skip
    on = date(2031, 3, 1)
    verdict = judged(case("1", on=on, law=regimes.laws_on(on, (next_text,)), register_eur=Decimal(0)), on)
    assert (verdict.outcome, verdict.law_version) == (ALLOWED, "next")


def test_a_threshold_is_no_basis_for_a_grant():
    assert judged(case("1", basis=regimes.ANCILLARY.code)).codes == ("no_regime_in_force",)


# ---- sectors and purposes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected", "code"),
    [
        ({"nace_code": "01.11", "activities_separated": True}, ALLOWED, "activities_separated"),
        ({"nace_code": "01.11", "activities_separated": False}, REFUSED, "activities_not_separated"),
        ({"nace_code": "03.2", "activities_separated": None}, REVIEW, "excluded_sector"),
        ({"nace_code": "62.10", "activities_separated": False}, ALLOWED, "within_ceiling"),
        ({"nace_code": ""}, ALLOWED, "within_ceiling"),
        ({"purposes": frozenset({"export"})}, REFUSED, "purpose_excluded"),
        ({"purposes": frozenset({"passed_to_producers"})}, REFUSED, "purpose_excluded"),
        ({"purposes": frozenset({"training"})}, ALLOWED, "within_ceiling"),
        ({"basis": SGEI, "purposes": frozenset({"compensated_service"})}, REFUSED, "purpose_excluded"),
        ({**FARM, "nace_code": "62.10"}, REVIEW, "sector_outside"),
        ({**BOAT, "purposes": frozenset({"vessel_purchase"})}, REFUSED, "purpose_excluded"),
        ({**FARM, "national_left_eur": None}, REVIEW, "national_cap_unknown"),
        ({**FARM, "national_left_eur": Decimal("999.99")}, REFUSED, "national_cap_exceeded"),
        ({**FARM, "national_left_eur": Decimal("1000")}, ALLOWED, "within_ceiling"),
    ],
)
def test_sectors_and_purposes(fields, expected, code):
    verdict = judged(case("1000", **fields))
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


def test_a_company_in_difficulty_may_receive_de_minimis_aid():
    assert not {"in_difficulty", "difficulty_unknown"} & set(judged(case("1000")).codes)


# ---- declaration and register ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("basis", "last_day_of_declarations"),
    [(GENERAL, date(2028, 12, 31)), (SGEI, date(2028, 12, 31)), (AGRICULTURE, date(2029, 12, 31))],
)
def test_a_declaration_is_due_until_the_register_covers_three_years(basis, last_day_of_declarations):
    on, after = last_day_of_declarations, last_day_of_declarations + timedelta(days=1)
    nace = "01.11" if basis == AGRICULTURE else "62.10"
    assert "declaration_missing" in judged(case("1", on=on, basis=basis, nace_code=nace, declared_on=None), on).codes
    verdict = judged(case("1", on=after, basis=basis, nace_code=nace, declared_on=None), after)
    assert "declaration_missing" not in verdict.codes
    assert "register_not_asked" in verdict.codes


def test_fishing_asks_for_a_declaration_always():
    on = date(2029, 6, 1)
    assert "declaration_missing" in judged(case("1", on=on, **BOAT, declared_on=None), on).codes


@pytest.mark.parametrize(("days", "missing"), [(1, False), (2, True)])
def test_a_declaration_from_the_future_is_none(days, missing):
    verdict = judged(case("1", declared_on=TODAY + timedelta(days=days)))
    assert ("declaration_missing" in verdict.codes) is missing


@pytest.mark.parametrize(
    ("register", "expected", "largest"),
    [
        (None, ALLOWED, "200000.00"),
        ("100000", ALLOWED, "200000.00"),
        ("120000", REVIEW, "180000.00"),
        ("80000", REVIEW, "200000.00"),
    ],
)
def test_the_larger_of_register_and_declaration_wins_and_a_difference_goes_to_a_person(register, expected, largest):
    shown = None if register is None else Decimal(register)
    verdict = judged(case("1000", aid(LAST_YEAR, "100000", source="declared"), register_eur=shown))
    assert (verdict.outcome, verdict.largest_eur) == (expected, Decimal(largest))


def test_what_the_register_shows_more_counts_in_the_wider_pool_too():
    verdict = judged(case("0", aid(LAST_YEAR, "270000"), **FARM, register_eur=Decimal(10_000)))
    assert (room(verdict, "agriculture").before_eur, room(verdict, "general").before_eur) == (40_000, 20_000)


# ---- whose time it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [Origin.UNION_SHARE, Origin.CEDED_TO_JU])
def test_the_unions_time_counts_where_the_policy_says_so(origin):
    policy = Policy(union_share_is_aid=True)
    assert judged(case("300001", origin=origin, policy=policy)).outcome is REFUSED
    assert judged(case("300001", origin=origin)).outcome is ALLOWED


@pytest.mark.parametrize("origin", [Origin.COMMERCIAL, Origin.NON_ECONOMIC])
def test_no_policy_makes_aid_of_what_is_none(origin):
    assert not judged(case("1", origin=origin, policy=Policy(union_share_is_aid=True))).counts_as_aid


# ---- headroom --------------------------------------------------------------------------------------------------------


def test_headroom_is_the_room_before_any_grant():
    one = case("0", aid(LAST_YEAR, "100000"), origin=Origin.UNION_SHARE)
    assert [(each.code, each.before_eur) for each in rules.headroom(one, TODAY)] == [("general", 200_000)]
    assert rules.headroom(replace(one, law=()), TODAY) == ()


def test_the_group_can_be_asked_for_alone():
    assert rules.group(case("0"), TODAY) == {"u"}
    assert rules.group(case("0", law=()), TODAY) == {"u"}
