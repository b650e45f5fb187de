"""The pure rules of de minimis aid: the vectors of the fact sheet, the edges of the window, and properties."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.state_aid import regimes, rules
from accounts.state_aid.rules import Aid, Case, Origin, Outcome, check

TODAY = date(2026, 11, 21)


def aid(day: date, amount: str, *, state: str = "FI", regime: str = regimes.GENERAL) -> Aid:
    return Aid(state=state, amount_eur=Decimal(amount), granted_on=day, regime=regime)


def case(amount: str, *prior: Aid, **fields) -> Case:
    return Case(
        **{
            "undertaking": "u",
            "granting_state": "FI",
            "origin": Origin.NATIONAL_SHARE,
            "amount_eur": Decimal(amount),
            "aid": prior,
            "declared_on": TODAY,
            "nace_code": "62.10",
            **fields,
        }
    )


D1 = (aid(date(2024, 3, 15), "120000"), aid(date(2025, 6, 1), "100000"))
D3 = (aid(date(2023, 11, 20), "100000"), aid(date(2025, 1, 10), "200000"))
D4 = (aid(date(2023, 11, 21), "100000"), aid(date(2025, 1, 10), "200000"))
D6 = (aid(date(2025, 1, 1), "500000", regime=regimes.SGEI),)
D7 = (aid(date(2025, 1, 1), "50000", regime=regimes.AGRICULTURE),)


@pytest.mark.parametrize(
    ("name", "prior", "amount", "outcome", "room_after"),
    [
        ("D1", D1, "80000", Outcome.ALLOWED, "0.00"),
        ("D2", D1, "80000.01", Outcome.REFUSED, "80000.00"),
        ("D2 below a cent", D1, "80000.001", Outcome.REFUSED, "80000.00"),
        ("D3", D3, "100000", Outcome.ALLOWED, "0.00"),
        ("D4", D4, "1", Outcome.REFUSED, "0.00"),
        ("D6", D6, "300000", Outcome.ALLOWED, "0.00"),
        ("D7 too much", D7, "260000", Outcome.REFUSED, "250000.00"),
        ("D7", D7, "250000", Outcome.ALLOWED, "0.00"),
        ("D11", (), "110000", Outcome.ALLOWED, "190000.00"),
    ],
)
def test_the_fact_sheets_vectors_hold(name, prior, amount, outcome, room_after):
    verdict = check(case(amount, *prior), TODAY)
    assert (verdict.outcome, verdict.room_after_eur) == (outcome, Decimal(room_after)), name


def test_the_value_of_free_time_is_hours_times_rate_less_the_price_paid():
    """D11: 50 000 GPU-hours at 2.20 for nothing."""
    assert rules.advantage(50_000 * Decimal("2.20"), Decimal(0)) == Decimal("110000.00")
    assert rules.advantage(Decimal(10), Decimal(12)) == 0


def test_a_refusal_names_the_largest_amount_that_could_be_granted():
    verdict = check(case("80000.01", *D1), TODAY)
    assert verdict.largest_eur == Decimal("80000.00")
    assert verdict.codes == ("ceiling_exceeded",)


def test_another_states_aid_is_not_counted():
    assert check(case("300000", aid(date(2026, 1, 1), "300000", state="DE")), TODAY).outcome is Outcome.ALLOWED


def test_aid_under_the_regulation_before_still_counts():
    earlier = aid(date(2023, 12, 20), "1", regime=regimes.GENERAL_UNTIL_2023)
    assert check(case("300000", earlier), TODAY).outcome is Outcome.REFUSED


def test_aid_dated_after_the_day_counts_too():
    """A grant booked on tomorrow's date in another time zone must not hide."""
    assert check(case("1", aid(TODAY + timedelta(days=1), "300000")), TODAY).outcome is Outcome.REFUSED


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
    assert rules.falls_out_on(granted_on, 3) == out


def test_29_february_looks_back_to_28_february():
    assert rules.window_start(date(2028, 2, 29), 3) == date(2025, 2, 28)


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (Origin.UNION_SHARE, "union_share"),
        (Origin.CEDED_TO_JU, "ceded_to_ju"),
        (Origin.COMMERCIAL, "commercial"),
    ],
)
def test_time_that_is_no_state_resource_counts_nothing(origin, code):
    verdict = check(case("5000000", *D4, origin=origin, declared_on=None, autonomous=None), TODAY)
    assert (verdict.outcome, verdict.counts_as_aid, verdict.codes) == (Outcome.ALLOWED, False, (code,))
    assert verdict.room_after_eur == verdict.room_before_eur


@pytest.mark.parametrize(
    ("fields", "outcome", "code"),
    [
        ({"declared_on": None}, Outcome.REFUSED, "declaration_missing"),
        ({"declared_on": TODAY - timedelta(days=91)}, Outcome.REFUSED, "declaration_old"),
        ({"declared_on": TODAY - timedelta(days=90)}, Outcome.ALLOWED, "within_ceiling"),
        ({"nace_code": "01.11"}, Outcome.NEEDS_REVIEW, "excluded_sector"),
        ({"nace_code": "03"}, Outcome.NEEDS_REVIEW, "excluded_sector"),
        ({"autonomous": False}, Outcome.NEEDS_REVIEW, "not_autonomous"),
        ({"autonomous": None}, Outcome.NEEDS_REVIEW, "autonomy_unknown"),
    ],
)
def test_what_the_rules_cannot_decide_goes_to_a_person_and_what_is_missing_is_refused(fields, outcome, code):
    verdict = check(case("1000", **fields), TODAY)
    assert verdict.outcome is outcome
    assert code in verdict.codes


def test_a_refusal_weighs_more_than_a_doubt():
    assert check(case("300001", autonomous=False), TODAY).outcome is Outcome.REFUSED


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
    verdict = check(case("1000", declared_on=day), day)
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
    state=st.sampled_from(["FI", "DE"]),
    amount_eur=AMOUNTS,
    granted_on=DAYS,
    regime=st.sampled_from(regimes.DECLARABLE),
    source=st.sampled_from(["portal", "declared"]),
)
CASES = st.builds(
    Case,
    undertaking=st.just("u"),
    granting_state=st.just("FI"),
    origin=st.sampled_from(Origin),
    amount_eur=AMOUNTS,
    aid=st.lists(AIDS, max_size=6).map(tuple),
    declared_on=st.none() | DAYS,
    autonomous=st.sampled_from([True, False, None]),
    nace_code=st.sampled_from(["01.11", "62.10", ""]),
)


@given(CASES, DAYS)
def test_whatever_is_not_refused_stays_under_the_ceiling(one, day):
    verdict = check(one, day)
    if verdict.counts_as_aid and verdict.outcome is not Outcome.REFUSED:
        assert verdict.used_eur + one.amount_eur <= verdict.ceiling_eur


@given(CASES, DAYS)
def test_the_largest_amount_is_allowed_and_a_cent_more_is_not(one, day):
    if regimes.regime_on(day) is None or one.origin is not Origin.NATIONAL_SHARE:
        return
    largest = check(one, day).largest_eur
    assert "within_ceiling" in check(replace(one, amount_eur=largest), day).codes
    assert "ceiling_exceeded" in check(replace(one, amount_eur=largest + Decimal("0.01")), day).codes


@given(CASES, DAYS, AIDS)
def test_more_aid_never_leaves_more_room(one, day, further):
    assert check(replace(one, aid=(*one.aid, further)), day).largest_eur <= check(one, day).largest_eur


@given(CASES, DAYS, st.randoms())
def test_the_order_of_earlier_aid_does_not_matter(one, day, random):
    shuffled = list(one.aid)
    random.shuffle(shuffled)
    assert check(replace(one, aid=tuple(shuffled)), day).largest_eur == check(one, day).largest_eur


@given(CASES, DAYS)
def test_a_stored_case_gives_the_same_verdict_again(one, day):
    stored = rules.case_to_json(one, day)
    assert rules.case_from_json(stored) == (one, day)
    assert rules.replay(stored) == rules.verdict_to_json(check(one, day))


@given(DAYS)
def test_falling_out_is_the_first_day_the_window_no_longer_holds_the_grant(granted_on):
    out = rules.falls_out_on(granted_on, 3)
    assert rules.window_start(out, 3) > granted_on >= rules.window_start(out - timedelta(days=1), 3)
