"""Undertakings in difficulty: Art 2(18) of Regulation 651/2014, letter by letter."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.state_aid import difficulty
from accounts.state_aid.case import Difficulty
from tests.accounts.state_aid.rules.given import HEALTHY

PARTNERS = replace(HEALTHY, limited_liability=False, capital_in_accounts_eur=Decimal(1000), capital_lost_eur=Decimal(0))
SICK_E = replace(HEALTHY, debt_to_equity=(Decimal("7.6"),) * 2, interest_cover=(Decimal("0.9"),) * 2)


def euro(**fields) -> dict:
    return {f"{key}_eur": None if value is None else Decimal(value) for key, value in fields.items()}


@pytest.mark.parametrize(
    ("figures", "is_sme", "age", "grounds"),
    [
        (HEALTHY, False, 10, ""),
        (replace(HEALTHY, **euro(accumulated_result=-50_000)), True, 10, ""),
        (replace(HEALTHY, **euro(accumulated_result="-50000.01")), True, 10, "a"),
        (replace(HEALTHY, **euro(accumulated_result="-50000.01")), True, 3, "a"),
        (replace(HEALTHY, **euro(accumulated_result="-50000.01")), True, None, "a"),
        (replace(HEALTHY, **euro(accumulated_result="-50000.01")), True, 2, ""),
        (replace(HEALTHY, **euro(accumulated_result="-50000.01")), False, 2, "a"),
        (PARTNERS, True, 10, ""),
        (replace(PARTNERS, **euro(capital_lost=500)), True, 10, ""),
        (replace(PARTNERS, **euro(capital_lost="500.01")), True, 10, "b"),
        (replace(PARTNERS, **euro(capital_lost="500.01")), True, 1, ""),
        (replace(HEALTHY, insolvency=True), True, 1, "c"),
        (replace(HEALTHY, rescue_aid_open=True), True, 1, "d"),
        (SICK_E, False, 10, "e"),
        (SICK_E, None, 10, "e"),
        (SICK_E, True, 10, ""),
        (replace(SICK_E, debt_to_equity=(Decimal("7.5"), Decimal(9))), False, 10, ""),
        (replace(SICK_E, interest_cover=(Decimal("0.9"), Decimal("1.0"))), False, 10, ""),
        (replace(SICK_E, insolvency=True), False, 10, "ce"),
    ],
)
def test_each_letter_holds_beyond_its_bound_only(figures, is_sme, age, grounds):
    assert difficulty.test(figures, is_sme, age).grounds == tuple(grounds)


@pytest.mark.parametrize(
    ("figures", "is_sme", "unknown"),
    [
        (Difficulty(limited_liability=True), True, "acd"),
        (Difficulty(limited_liability=False), True, "bcd"),
        (Difficulty(limited_liability=True), False, "acde"),
        (replace(HEALTHY, **euro(subscribed_capital=None)), True, ""),
        (replace(HEALTHY, **euro(subscribed_capital=None, accumulated_result=-1)), True, "a"),
        (replace(SICK_E, debt_to_equity=(Decimal(9),)), False, "e"),
        (replace(SICK_E, debt_to_equity=(Decimal(1),)), False, ""),
    ],
)
def test_what_is_not_stated_is_unknown_unless_it_cannot_matter(figures, is_sme, unknown):
    found = difficulty.test(figures, is_sme, 10)
    assert found.unknown == tuple(unknown)
    assert found.in_difficulty is (None if unknown else False)


def test_one_letter_that_holds_is_enough_whatever_else_is_unknown():
    assert difficulty.test(Difficulty(limited_liability=True, insolvency=True), True, 10).in_difficulty is True


def test_a_young_small_company_is_not_asked_for_its_capital():
    assert difficulty.test(Difficulty(limited_liability=True), True, 2).unknown == ("c", "d")
