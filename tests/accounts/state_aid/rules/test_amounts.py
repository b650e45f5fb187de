"""What aid is worth in euro, what must be published, and how much of a machine serves the economy."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.state_aid import amounts, capacity, regimes
from accounts.state_aid.case import GENERAL, INNOVATION
from tests.accounts.state_aid.rules.given import TODAY


def law(code):
    return regimes.law_for(regimes.BUILT_IN, code, TODAY)


def test_what_is_paid_at_once_is_not_discounted():
    assert amounts.discounted([(Decimal(0), Decimal("40000"))], Decimal("0.035")) == Decimal("40000.00")


@pytest.mark.parametrize(("base", "value"), [("0", "118815.80"), ("0.025", "115987.77"), ("-0.01", "120000.00")])
def test_three_yearly_instalments_at_several_base_rates(base, value):
    rate = amounts.discount_rate(Decimal(base))
    instalments = [(Decimal(year), Decimal(40_000)) for year in range(3)]
    assert amounts.discounted(instalments, rate) == Decimal(value)


def test_half_a_year_is_half_an_exponent():
    half = amounts.discounted([(Decimal("0.5"), Decimal(1000))], Decimal("0.21"))
    assert half == Decimal("909.09")


def test_years_between_two_days_are_days_over_365():
    assert amounts.years_between(date(2025, 1, 1), date(2026, 1, 1)) == 1


@pytest.mark.parametrize(("amount", "rate", "euro"), [("1955.83", "1.95583", "1000.00"), ("100", "11.5", "8.70")])
def test_another_currency_is_divided_by_its_rate_on_the_day_of_the_grant(amount, rate, euro):
    assert amounts.in_euro(Decimal(amount), Decimal(rate)) == Decimal(euro)


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        amounts.in_euro(Decimal(1), Decimal(0))
    with pytest.raises(ValueError, match="more than -1"):
        amounts.discounted([], Decimal(-1))


@pytest.mark.parametrize(
    ("code", "amount", "nace", "due"),
    [
        (INNOVATION, "100000.00", "62.10", False),
        (INNOVATION, "100000.01", "62.10", True),
        (INNOVATION, "10000.01", "01.11", True),
        (INNOVATION, "10000.00", "03.21", False),
        (GENERAL, "299999", "62.10", False),
    ],
)
def test_awards_above_the_threshold_are_published(code, amount, nace, due):
    assert amounts.publication_due(Decimal(amount), law(code), nace) is due


@pytest.mark.parametrize("code", [one.code for one in regimes.BUILT_IN if one is not regimes.ANCILLARY])
def test_every_basis_says_when_the_register_is_due_and_how_long_records_are_kept(code):
    terms = law(code).terms
    assert (terms["register_working_days"], terms["register_alert_days"], terms["records_years"]) == (
        20,
        [10, 15, 18],
        10,
    )


@pytest.mark.parametrize(
    ("economic", "whole", "share", "level"),
    [
        (0, 1000, "0", "ok"),
        (149, 1000, "0.149", "ok"),
        (150, 1000, "0.15", "warn"),
        (199, 1000, "0.199", "warn"),
        (200, 1000, "0.2", "alarm"),
        (0, 0, "0", "ok"),
        (1, 0, "1", "alarm"),
    ],
)
def test_economic_use_warns_at_15_and_alarms_at_20_per_cent(economic, whole, share, level):
    assert capacity.meter(economic, whole) == (Decimal(share), level)
