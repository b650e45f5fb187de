"""Enterprise size of an enterprise that stands alone: closings, the two-period rule and its properties."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.sme.ceilings import CEILING_SETS, ceilings_on
from accounts.sme.rules import (
    Basis,
    Figures,
    Size,
    classify,
    is_within,
    of_one_firm,
    size_of_one_period,
)
from accounts.sme.stored import inputs_to_json, replay

ON = date(2026, 11, 21)
MILLION = 1_000_000


def year(text: str, end: int = 2025, basis: Basis = Basis.APPROVED) -> Figures:
    """awu/turnover/balance sheet, the amounts in millions, as the fact sheet writes them."""
    awu, turnover, balance = (Decimal(part) for part in text.split("/"))
    return Figures(date(end, 12, 31), awu, turnover * MILLION, balance * MILLION, basis)


def history(*texts: str) -> list[Figures]:
    return [year(text, 2026 - len(texts) + at) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("name", "figures", "size"),
    [
        ("V1", "9.5/3.0/1.9", Size.MICRO),
        ("V2", "10.0/1.5/1.0", Size.SMALL),
        ("V3", "249.9/60/43.0", Size.MEDIUM),
        ("V3 variant", "249.9/50.01/43.01", Size.LARGE),
        ("V4", "250/5/5", Size.LARGE),
        ("one hundredth below", "9.99/3/2", Size.MICRO),
        ("both amounts above", "9/2.01/2.01", Size.SMALL),
    ],
)
def test_one_year_is_judged_by_the_ceilings(name, figures, size):
    assert classify(of_one_firm([year(figures)]), ON).size is size, name


@pytest.mark.parametrize(
    ("name", "years", "sizes"),
    [
        ("V11", ("48/9/8", "52/9.5/8", "53/9.8/8"), (Size.SMALL, Size.SMALL, Size.MEDIUM)),
        ("V12", ("48/9/8", "52/9/8", "49/9/8", "52/9/8"), (Size.SMALL,) * 4),
        ("V13", ("48/9/7", "120/20/15", "300/60/50"), (Size.SMALL, Size.SMALL, Size.MEDIUM)),
    ],
)
def test_a_ceiling_is_crossed_only_by_two_years_in_a_row(name, years, sizes):
    known = history(*years)
    for count, size in enumerate(sizes, 1):
        assert classify(of_one_firm(known[:count]), known[count - 1].period_end).size is size, (name, count)


def test_the_tree_says_where_one_year_was_not_enough():
    closings = classify(of_one_firm(history("48/9/8", "52/9.5/8")), ON).tree.children[-1].children
    assert [one.code for one in closings] == ["period", "one_year_is_not_enough"]
    assert closings[1].article == "Art 4(2)"
    assert closings[1].values["alone"] == "medium"


def test_a_new_enterprise_may_estimate():
    """V14"""
    known = classify(of_one_firm([year("8/0.2/1.1", basis=Basis.ESTIMATE)]), ON)
    assert (known.size, known.basis) == (Size.MICRO, Basis.ESTIMATE)
    assert "estimate_used" in known.codes


def test_an_estimate_counts_for_nothing_beside_approved_accounts():
    known = classify(of_one_firm([year("60/20/20", 2024), year("5/1/1", 2025, Basis.ESTIMATE)]), ON)
    assert (known.size, known.basis) == (Size.MEDIUM, Basis.APPROVED)
    assert "estimates_left_out" in known.codes


def test_linked_and_partner_enterprises_are_not_guessed():
    known = classify(replace(of_one_firm([year("5/1/1")]), incomplete=True), ON)
    assert known.size is Size.REVIEW
    assert [one.code for one in known.open_points] == ["incomplete"]


def test_no_figures_no_class():
    assert classify(of_one_firm([]), ON).codes[-1] == "no_figures"


def test_figures_of_long_ago_are_not_the_latest_ones():
    assert classify(of_one_firm([year("5/1/1", 2023)]), ON).codes[-1] == "figures_old"


def test_a_missing_year_that_would_change_the_answer_goes_to_a_person():
    known = classify(of_one_firm([year("48/9/8", 2022), year("52/9/8", 2025)]), ON)
    assert known.size is Size.REVIEW
    assert "missing_year" in known.codes


def test_a_missing_year_that_changes_nothing_is_no_obstacle():
    assert classify(of_one_firm([year("48/9/8", 2023), year("49/9/8", 2025)]), ON).size is Size.SMALL


def test_two_missing_years_may_have_changed_the_flag():
    known = classify(of_one_firm([year("48/9/8", 2022), year("49/9/8", 2025)]), ON)
    assert known.size is Size.REVIEW
    assert known.codes[-1] == "missing_year"


def test_ceilings_are_dated():
    assert ceilings_on(date(2005, 1, 1)) is CEILING_SETS[0]
    with pytest.raises(ValueError, match="no ceilings"):
        ceilings_on(date(2004, 12, 31))


AMOUNT = st.decimals(min_value=0, max_value=100 * MILLION, places=2)
ORDER = [Size.MICRO, Size.SMALL, Size.MEDIUM, Size.LARGE]
ONE = st.tuples(st.decimals(min_value=0, max_value=400, places=2), AMOUNT, AMOUNT)
YEARS = st.lists(ONE, min_size=1, max_size=6).map(
    lambda rows: [Figures(date(2026 - len(rows) + at, 12, 31), *row) for at, row in enumerate(rows)]
)


@given(YEARS, st.sampled_from([0, 1, 2]), st.decimals(min_value=0, max_value=50, places=2))
def test_a_larger_company_never_gets_a_smaller_class(years, which, more):
    one = years[-1]
    values = [one.awu, one.turnover_eur, one.balance_sheet_eur]
    values[which] += more
    larger = Figures(one.period_end, *values)
    ceilings = ceilings_on(ON).ceilings
    assert ORDER.index(size_of_one_period(larger, ceilings)) >= ORDER.index(size_of_one_period(one, ceilings))


@given(YEARS)
def test_the_class_lies_between_what_the_years_alone_would_give(years):
    alone = [ORDER.index(size_of_one_period(one, ceilings_on(ON).ceilings)) for one in years]
    size = classify(of_one_firm(years), ON).size
    assert min(alone) <= ORDER.index(size) <= max(alone)


@given(YEARS)
def test_two_equal_years_decide_alone(years):
    again = [*years, Figures(date(2026, 6, 30), years[-1].awu, years[-1].turnover_eur, years[-1].balance_sheet_eur)]
    assert classify(of_one_firm(again), ON).size is size_of_one_period(years[-1], ceilings_on(ON).ceilings)


@given(YEARS)
def test_ceilings_contain_one_another(years):
    micro, small, medium = ceilings_on(ON).ceilings
    for one in years:
        assert not is_within(one, micro) or is_within(one, small)
        assert not is_within(one, small) or is_within(one, medium)


@given(YEARS, st.booleans(), st.randoms())
def test_a_stored_declaration_is_derived_again_whatever_the_order(years, incomplete, random):
    first = classify(replace(of_one_firm(years), incomplete=incomplete), ON)
    random.shuffle(years)
    assert replay(inputs_to_json(replace(of_one_firm(years), incomplete=incomplete), ON)) == first
