"""Several measures for the same eligible costs: Art 5(3) of 2023/2831, Art 8 of 651/2014."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.state_aid.case import GENERAL, RESEARCH, Costs, Outcome
from tests.accounts.state_aid.rules.given import aid, case, judged, research

LAST_YEAR = date(2025, 5, 5)
ALLOWED, REFUSED, REVIEW = Outcome.ALLOWED, Outcome.REFUSED, Outcome.NEEDS_REVIEW


def for_costs(amount: str, regime: str = RESEARCH, **fields):
    return aid(LAST_YEAR, amount, regime=regime, costs="project", **fields)


def costs(total: str = "100000", **fields) -> Costs:
    return Costs("project", Decimal(total), **{key: Decimal(value) for key, value in fields.items()})


@pytest.mark.parametrize(
    ("prior", "stated", "largest"),
    [
        ((), costs(), "300000.00"),
        ((), costs(intensity="50"), "50000.00"),
        ((for_costs("40000", intensity=Decimal(50)),), costs(), "10000.00"),
        ((for_costs("40000", intensity=Decimal(50)),), costs(intensity="60"), "20000.00"),
        ((for_costs("40000", intensity=Decimal(70)),), costs(intensity="60"), "30000.00"),
        ((for_costs("40000", GENERAL),), costs(), "260000.00"),
        ((for_costs("40000", GENERAL),), costs(intensity="50"), "10000.00"),
        ((for_costs("60000", intensity=Decimal(50)),), costs(), "0.00"),
        ((for_costs("40000", intensity=Decimal(50), member="x", state="DE"),), costs(), "10000.00"),
    ],
)
def test_de_minimis_aid_for_the_same_costs_stays_below_the_highest_intensity(prior, stated, largest):
    assert judged(case("0", *prior, costs=stated)).largest_eur == Decimal(largest)


def test_above_the_intensity_the_whole_grant_is_refused():
    prior = for_costs("40000", intensity=Decimal(50))
    assert judged(case("10000", prior, costs=costs())).outcome is ALLOWED
    verdict = judged(case("10000.01", prior, costs=costs()))
    assert verdict.codes == ("intensity_exceeded",)


def test_de_minimis_aid_that_is_tied_to_no_costs_has_no_such_limit():
    assert judged(case("300000", for_costs("40000", intensity=Decimal(50)))).outcome is ALLOWED


def test_other_costs_do_not_matter():
    other = aid(LAST_YEAR, "50000", regime=RESEARCH, costs="another", intensity=Decimal(50))
    assert judged(case("60000", other, costs=costs())).outcome is ALLOWED


def test_other_aid_of_unknown_intensity_goes_to_a_person():
    verdict = judged(case("1000", for_costs("40000"), costs=costs()))
    assert verdict.codes[-1] == "cumulation_unknown"


@pytest.mark.parametrize(
    ("prior", "rate", "expected", "code"),
    [
        ("50000", "70", ALLOWED, "within_ceiling"),
        ("50000.01", "70", REFUSED, "union_rate_exceeded"),
        ("50000", None, REVIEW, "union_rate_unknown"),
    ],
)
def test_all_public_money_stays_within_the_unions_funding_rate(prior, rate, expected, code):
    """Art 8(2): 20 000 beside Union money of 50 000 for costs of 100 000."""
    stated = costs() if rate is None else costs(union_rate=rate)
    verdict = judged(case("20000", for_costs(prior, central_union=True), costs=stated))
    assert (verdict.outcome, code in verdict.codes) == (expected, True)


def test_union_money_does_not_use_up_the_intensity():
    verdict = judged(research("25000", "experimental", "100000", for_costs("60000", central_union=True), size="large"))
    assert "intensity_exceeded" not in verdict.codes
    assert "union_rate_unknown" in verdict.codes


def test_a_block_exempted_grant_counts_earlier_de_minimis_aid_for_the_same_costs():
    """Art 8(5)."""
    prior = for_costs("10000", GENERAL)
    assert judged(research("15000", "experimental", "100000", prior, size="large")).outcome is ALLOWED
    assert judged(research("15000.01", "experimental", "100000", prior, size="large")).codes == ("intensity_exceeded",)


def test_a_higher_intensity_of_another_measure_holds_for_both():
    """Art 8(3)(b): the highest that any of them allows."""
    prior = for_costs("10000", intensity=Decimal(60))
    assert judged(research("50000", "experimental", "100000", prior, size="large")).outcome is ALLOWED
    assert judged(research("50000.01", "experimental", "100000", prior, size="large")).outcome is REFUSED


def test_what_a_caller_states_does_not_raise_the_intensity_of_an_article():
    stated = costs(intensity="100")
    assert judged(research("25000.01", "experimental", "100000", costs=stated, size="large")).outcome is REFUSED


def test_costs_of_a_third_are_rounded_down():
    assert judged(case("0", costs=costs("100", intensity="33.335"))).largest_eur == Decimal("33.33")
