"""Which days count, to the day: leap years, boundary days, fiscal years across calendar years."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.state_aid.windows import (
    falls_out_on,
    fiscal_falls_out_on,
    fiscal_window_start,
    fiscal_year_start,
    window_start,
    years_later,
)

DAY = timedelta(days=1)
DAYS = st.dates(date(2015, 1, 1), date(2045, 12, 31))
ENDS = st.sampled_from([(12, 31), (6, 30), (9, 30), (3, 31), (2, 28), (2, 29), (1, 31)])


@pytest.mark.parametrize(
    ("day", "years", "later"),
    [
        (date(2024, 2, 29), 3, date(2027, 2, 28)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2028, 2, 29), -3, date(2025, 2, 28)),
        (date(2026, 11, 21), -3, date(2023, 11, 21)),
    ],
)
def test_years_are_calendar_years(day, years, later):
    assert years_later(day, years) == later


def test_without_the_boundary_day_the_window_starts_a_day_later():
    assert window_start(date(2026, 11, 21), 3, boundary_counts=False) == date(2023, 11, 22)


@pytest.mark.parametrize(
    ("granted_on", "out"),
    [
        (date(2023, 11, 21), date(2026, 11, 21)),
        (date(2024, 2, 29), date(2027, 3, 1)),
        (date(2025, 2, 28), date(2028, 2, 28)),
        (date(2025, 3, 1), date(2028, 3, 1)),
    ],
)
def test_without_the_boundary_day_aid_falls_out_on_the_anniversary(granted_on, out):
    assert falls_out_on(granted_on, 3, boundary_counts=False) == out


@pytest.mark.parametrize(
    ("on", "end", "start"),
    [
        (date(2026, 11, 21), (12, 31), date(2026, 1, 1)),
        (date(2026, 11, 21), (6, 30), date(2026, 7, 1)),
        (date(2026, 6, 30), (6, 30), date(2025, 7, 1)),
        (date(2026, 7, 1), (6, 30), date(2026, 7, 1)),
        (date(2028, 2, 29), (2, 29), date(2027, 3, 1)),
        (date(2027, 2, 28), (2, 29), date(2026, 3, 1)),
        (date(2027, 3, 1), (2, 29), date(2027, 3, 1)),
    ],
)
def test_a_fiscal_year_starts_the_day_after_the_last_one_ended(on, end, start):
    assert fiscal_year_start(on, end) == start


@pytest.mark.parametrize(
    ("on", "end", "start"),
    [
        (date(2026, 11, 21), (12, 31), date(2024, 1, 1)),
        (date(2026, 11, 21), (6, 30), date(2024, 7, 1)),
        (date(2026, 6, 30), (6, 30), date(2023, 7, 1)),
        (date(2026, 1, 31), (1, 31), date(2023, 2, 1)),
        (date(2026, 2, 1), (1, 31), date(2024, 2, 1)),
    ],
)
def test_three_fiscal_years_are_the_current_one_and_the_two_before(on, end, start):
    assert fiscal_window_start(on, 3, end) == start


@given(DAYS, ENDS)
def test_aid_falls_out_of_fiscal_years_on_the_first_day_of_a_later_year(granted_on, end):
    out = fiscal_falls_out_on(granted_on, 3, end)
    assert fiscal_window_start(out - DAY, 3, end) <= granted_on < fiscal_window_start(out, 3, end)
    assert fiscal_year_start(out, end) == out


@given(DAYS, st.booleans())
def test_aid_counts_every_day_up_to_the_one_it_falls_out(granted_on, boundary):
    out = falls_out_on(granted_on, 3, boundary_counts=boundary)
    assert window_start(out - DAY, 3, boundary_counts=boundary) <= granted_on
    assert window_start(out, 3, boundary_counts=boundary) > granted_on
