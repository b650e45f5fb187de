"""Working days of a State: Saturdays, Sundays and public holidays do not count (Regulation (EEC, Euratom) 1182/71)."""

from datetime import date, timedelta
from functools import lru_cache

import holidays

SATURDAY = 5


@lru_cache(maxsize=256)
def _public_holidays(state: str, year: int) -> frozenset[date]:
    """The public holidays of that year; an unknown State has none, so that only week-ends are left out."""
    try:
        return frozenset(holidays.country_holidays(state, years=year))
    except NotImplementedError:
        return frozenset()


def is_working_day(day: date, state: str) -> bool:
    """Whether offices of that State (ISO code, upper case) work on that day."""
    return day.weekday() < SATURDAY and day not in _public_holidays(state, day.year)


def add_working_days(start: date, days: int, state: str) -> date:
    """The day that lies that many working days after `start`; the first day itself does not count."""
    if days < 0:
        raise ValueError("working days are counted forward")
    day = start
    while days:
        day += timedelta(days=1)
        if is_working_day(day, state):
            days -= 1
    return day


def working_days_between(start: date, end: date, state: str) -> int:
    """How many working days lie after `start`, up to and including `end`; negative when `end` has passed."""
    if end < start:
        return -working_days_between(end, start, state)
    return sum(is_working_day(start + timedelta(days=step), state) for step in range(1, (end - start).days + 1))
