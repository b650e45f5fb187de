"""Which days count: rolling windows to the day, and fiscal years of an undertaking."""

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache

DAY = timedelta(days=1)


def years_later(day: date, years: int) -> date:
    """The same calendar day that many years later; 29 February becomes 28 February where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def window_start(on: date, years: int, *, boundary_counts: bool = True) -> date:
    """The first day that still counts on `on`: the same calendar day years earlier.

    That boundary day itself counts in the careful reading of Regulation (EEC, Euratom) 1182/71.
    """
    start = years_later(on, -years)
    return start if boundary_counts else start + DAY


@lru_cache(maxsize=20_000)
def falls_out_on(granted_on: date, years: int, *, boundary_counts: bool = True) -> date:
    """The first day on which aid granted then no longer lies in the rolling window."""
    day = years_later(granted_on, years)
    while window_start(day, years, boundary_counts=boundary_counts) <= granted_on:
        day += DAY
    return day


def fiscal_year_start(on: date, fiscal_year_end: tuple[int, int]) -> date:
    """The first day of the fiscal year that holds `on`; an end on 29 February is the last day of any February."""
    end = _year_end(on.year, fiscal_year_end)
    return (end if on > end else _year_end(on.year - 1, fiscal_year_end)) + DAY


def fiscal_window_start(on: date, years: int, fiscal_year_end: tuple[int, int]) -> date:
    """The first day of the fiscal year `years` - 1 before the one that holds `on`."""
    start = fiscal_year_start(on, fiscal_year_end)
    for _ in range(years - 1):
        start = fiscal_year_start(start - DAY, fiscal_year_end)
    return start


def fiscal_falls_out_on(granted_on: date, years: int, fiscal_year_end: tuple[int, int]) -> date:
    """The first day of the first fiscal year that no longer counts the year of the grant."""
    year = granted_on.year if granted_on <= _year_end(granted_on.year, fiscal_year_end) else granted_on.year + 1
    return _year_end(year + years - 1, fiscal_year_end) + DAY


def _year_end(year: int, fiscal_year_end: tuple[int, int]) -> date:
    month, day = fiscal_year_end
    return date(year, month, min(day, monthrange(year, month)[1]))
