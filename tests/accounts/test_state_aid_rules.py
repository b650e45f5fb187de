"""The pure rules of state aid: the vectors of the fact sheet, the edges of the window, and properties."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.state_aid import amounts, regimes, rules, serial, undertakings
from accounts.state_aid.case import (
    AGRICULTURE,
    GENERAL_UNTIL_2023,
    SGEI,
    Aid,
    Case,
    Change,
    GroupEvent,
    Origin,
    Outcome,
)
from accounts.state_aid.rules import assess
from accounts.state_aid.windows import falls_out_on, window_start
from tests.accounts.state_aid.rules.given import TODAY, aid, case, link

D1 = (aid(date(2024, 3, 15), "120000"), aid(date(2025, 6, 1), "100000"))
D3 = (aid(date(2023, 11, 20), "100000"), aid(date(2025, 1, 10), "200000"))
D4 = (aid(date(2023, 11, 21), "100000"), aid(date(2025, 1, 10), "200000"))
D5 = {"aid": (aid(date(2025, 5, 5), "180000", member="A"),), "member": "B", "links": (link("A", "B"),)}
D6 = (aid(date(2025, 1, 1), "500000", regime=SGEI),)
D7 = (aid(date(2025, 1, 1), "50000", regime=AGRICULTURE),)
D8 = {
    "aid": (aid(date(2025, 1, 1), "200000", member="X"), aid(date(2024, 1, 1), "150000", member="Y")),
    "member": "X",
    "events": (GroupEvent(Change.ACQUISITION, date(2026, 1, 1), ("X", "Y"), ("X", "Y")),),
}


@pytest.mark.parametrize(
    ("name", "one", "outcome", "room_after"),
    [
        ("D1", case("80000", *D1), Outcome.ALLOWED, "0.00"),
        ("D2", case("80000.01", *D1), Outcome.REFUSED, "80000.00"),
        ("D2 below a cent", case("80000.001", *D1), Outcome.REFUSED, "80000.00"),
        ("D3", case("100000", *D3), Outcome.ALLOWED, "0.00"),
        ("D4", case("1", *D4), Outcome.REFUSED, "0.00"),
        ("D5 same State", case("150000", **D5), Outcome.REFUSED, "120000.00"),
        ("D5 another State", case("150000", **D5, granting_state="DE"), Outcome.ALLOWED, "150000.00"),
        ("D6", case("300000", *D6), Outcome.ALLOWED, "0.00"),
        ("D7 too much", case("260000", *D7), Outcome.REFUSED, "250000.00"),
        ("D7", case("250000", *D7), Outcome.ALLOWED, "0.00"),
        ("D8", case("1", **D8), Outcome.REFUSED, "0.00"),
        ("D11", case("110000"), Outcome.ALLOWED, "190000.00"),
    ],
)
def test_the_fact_sheets_vectors_hold(name, one, outcome, room_after):
    verdict = assess(one, TODAY)
    assert (verdict.outcome, verdict.rooms[0].after_eur) == (outcome, Decimal(room_after)), name


def test_earlier_aid_of_an_acquired_company_stays_lawful_above_the_ceiling():
    """D8: 350 000 stand, and only new aid is refused."""
    room = assess(case("1", **D8), TODAY).rooms[0]
    assert (room.used_eur, room.before_eur) == (Decimal("350000.00"), Decimal("0.00"))


@pytest.mark.parametrize(("member", "carried"), [("K", "180000.00"), ("L", "60000.00")])
def test_a_split_shares_aid_by_equity(member, carried):
    """D9: 240 000, three to one."""
    event = GroupEvent(
        Change.SPLIT, date(2026, 1, 1), ("S",), ("K", "L"), equity={"K": Decimal(300), "L": Decimal(100)}
    )
    one = case("0", aid(date(2025, 1, 1), "240000", member="S"), member=member, events=(event,))
    assert assess(one, TODAY).rooms[0].used_eur == Decimal(carried)
    assert undertakings.shared_out(Decimal(240_000), (Decimal(3), Decimal(1))) == (Decimal(180_000), Decimal(60_000))


def test_instalments_are_discounted_to_the_day_of_the_grant():
    """D10: 40 000 now, in one and in two years, at a base rate of 2.50 % plus 100 basis points."""
    rate = amounts.discount_rate(Decimal("0.025"))
    instalments = [(Decimal(year), Decimal(40_000)) for year in range(3)]
    assert amounts.discounted(instalments, rate) == Decimal("115987.77")


def test_the_value_of_free_time_is_hours_times_rate_less_the_price_paid():
    """D11: 50 000 GPU-hours at 2.20 for nothing."""
    assert amounts.advantage(50_000 * Decimal("2.20"), Decimal(0)) == Decimal("110000.00")
    assert amounts.advantage(Decimal(10), Decimal(12)) == 0


def test_a_refusal_names_the_largest_amount_that_could_be_granted():
    verdict = assess(case("80000.01", *D1), TODAY)
    assert verdict.largest_eur == Decimal("80000.00")
    assert verdict.codes == ("ceiling_exceeded",)


def test_another_states_aid_is_not_counted():
    assert assess(case("300000", aid(date(2026, 1, 1), "300000", state="DE")), TODAY).outcome is Outcome.ALLOWED


def test_aid_under_the_regulation_before_still_counts():
    earlier = aid(date(2023, 12, 20), "1", regime=GENERAL_UNTIL_2023)
    assert assess(case("300000", earlier), TODAY).outcome is Outcome.REFUSED


def test_aid_dated_after_the_day_counts_too():
    """A grant booked on tomorrow's date in another time zone must not hide."""
    assert assess(case("1", aid(TODAY + timedelta(days=1), "300000")), TODAY).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("granted_on", "out"),
    [
        (date(2023, 11, 21), date(2026, 11, 22)),
        (date(2024, 2, 29), date(2027, 3, 1)),
        # On 29 February 2028 the window starts on 28 February 2025, so that day still counts.
        (date(2025, 2, 28), date(2028, 3, 1)),
        (date(2024, 2, 28), date(2027, 3, 1)),
        (date(2024, 12, 31), date(2028, 1, 1)),
    ],
)
def test_aid_falls_out_the_day_after_three_years(granted_on, out):
    assert falls_out_on(granted_on, 3) == out


def test_29_february_looks_back_to_28_february():
    assert window_start(date(2028, 2, 29), 3) == date(2025, 2, 28)


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (Origin.UNION_SHARE, "union_share"),
        (Origin.CEDED_TO_JU, "ceded_to_ju"),
        (Origin.COMMERCIAL, "commercial"),
        (Origin.NON_ECONOMIC, "non_economic"),
    ],
)
def test_time_that_is_no_state_resource_counts_nothing(origin, code):
    verdict = assess(case("5000000", *D4, origin=origin, declared_on=None, owners_known=None), TODAY)
    assert (verdict.outcome, verdict.counts_as_aid, verdict.codes) == (Outcome.ALLOWED, False, (code,))
    assert (verdict.amount_eur, verdict.rooms) == (Decimal("5000000"), ())


@pytest.mark.parametrize(
    ("fields", "outcome", "code"),
    [
        ({"declared_on": None}, Outcome.REFUSED, "declaration_missing"),
        ({"declared_on": TODAY - timedelta(days=91)}, Outcome.REFUSED, "declaration_old"),
        ({"declared_on": TODAY - timedelta(days=90)}, Outcome.ALLOWED, "within_ceiling"),
        ({"nace_code": "01.11"}, Outcome.NEEDS_REVIEW, "excluded_sector"),
        ({"nace_code": "03"}, Outcome.NEEDS_REVIEW, "excluded_sector"),
        ({"owners_known": False}, Outcome.NEEDS_REVIEW, "autonomy_unknown"),
        ({"owners_known": None}, Outcome.NEEDS_REVIEW, "autonomy_unknown"),
    ],
)
def test_what_the_rules_cannot_decide_goes_to_a_person_and_what_is_missing_is_refused(fields, outcome, code):
    verdict = assess(case("1000", **fields), TODAY)
    assert verdict.outcome is outcome
    assert code in verdict.codes


def test_a_refusal_weighs_more_than_a_doubt():
    assert assess(case("300001", owners_known=None), TODAY).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("day", "outcome", "code"),
    [
        (date(2023, 12, 31), Outcome.REFUSED, "no_regime_in_force"),
        (date(2024, 1, 1), Outcome.ALLOWED, "within_ceiling"),
        (date(2028, 12, 31), Outcome.ALLOWED, "within_ceiling"),
        (date(2029, 1, 1), Outcome.NEEDS_REVIEW, "register_not_asked"),
        (date(2031, 1, 1), Outcome.NEEDS_REVIEW, "adjustment_period"),
        (date(2031, 7, 1), Outcome.REFUSED, "no_regime_in_force"),
    ],
)
def test_rules_are_dated(day, outcome, code):
    verdict = assess(case("1000", on=day), day)
    assert verdict.outcome is outcome
    assert code in verdict.codes


def test_a_negative_grant_is_a_programming_error():
    with pytest.raises(ValueError, match="less than nothing"):
        case("-1")


# ---- properties ----------------------------------------------------------------------------------------------------

AMOUNTS = st.decimals(min_value=0, max_value=400_000, places=2)
DAYS = st.dates(date(2022, 1, 1), date(2028, 12, 31))
AIDS = st.builds(
    Aid,
    member=st.sampled_from(["u", "v", "w"]),
    state=st.sampled_from(["FI", "DE"]),
    amount_eur=AMOUNTS,
    granted_on=DAYS,
    regime=st.sampled_from(regimes.DECLARABLE),
    source=st.sampled_from(["portal", "declared"]),
)
CASES = st.builds(
    Case,
    member=st.just("u"),
    granting_state=st.just("FI"),
    origin=st.sampled_from(Origin),
    amount_eur=AMOUNTS,
    aid=st.lists(AIDS, max_size=6).map(tuple),
    links=st.sampled_from([(), (link("v", "u"),), (link("u", "w", date(2024, 1, 1), date(2026, 1, 1)),)]),
    declared_on=st.none() | DAYS,
    owners_known=st.sampled_from([True, None]),
    nace_code=st.sampled_from(["01.11", "62.10", ""]),
    law=st.just(regimes.BUILT_IN),
)


def _counts(one: Case, day: date) -> bool:
    return one.origin is Origin.NATIONAL_SHARE and bool(rules.headroom(one, day))


@given(CASES, DAYS)
def test_whatever_is_not_refused_stays_under_the_ceiling(one, day):
    verdict = assess(one, day)
    if verdict.counts_as_aid and verdict.outcome is not Outcome.REFUSED:
        assert all(room.used_eur + one.amount_eur <= room.ceiling_eur for room in verdict.rooms)


@given(CASES, DAYS)
def test_the_largest_amount_is_allowed_and_a_cent_more_is_not(one, day):
    declared = replace(one, declared_on=day)
    if not _counts(one, day):
        return
    largest = assess(declared, day).largest_eur
    assert "within_ceiling" in assess(replace(declared, amount_eur=largest), day).codes
    assert "ceiling_exceeded" in assess(replace(declared, amount_eur=largest + Decimal("0.01")), day).codes


@given(CASES, DAYS, AIDS)
def test_more_aid_never_leaves_more_room(one, day, further):
    if _counts(one, day):
        assert assess(replace(one, aid=(*one.aid, further)), day).largest_eur <= assess(one, day).largest_eur


@given(CASES, DAYS, st.randoms())
def test_the_order_of_earlier_aid_does_not_matter(one, day, random):
    shuffled = list(one.aid)
    random.shuffle(shuffled)
    assert assess(replace(one, aid=tuple(shuffled)), day).largest_eur == assess(one, day).largest_eur


@given(CASES, DAYS)
def test_a_stored_case_gives_the_same_verdict_again(one, day):
    stored = serial.case_to_json(one, day, rules.RULE_VERSION)
    assert serial.case_from_json(stored) == (one, day)
    assert rules.replay(stored) == serial.verdict_to_json(assess(one, day))


@given(DAYS)
def test_falling_out_is_the_first_day_the_window_no_longer_holds_the_grant(granted_on):
    out = falls_out_on(granted_on, 3)
    assert window_start(out, 3) > granted_on >= window_start(out - timedelta(days=1), 3)
