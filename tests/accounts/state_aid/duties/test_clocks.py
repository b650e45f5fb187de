"""How long the law gives, counted on calendars of States."""

from datetime import date

import pytest

from accounts.calendars import add_working_days
from accounts.state_aid.duties.clocks import BUILT_IN, Clock, Unit, clock_on, from_parameter

GRANT = date(2026, 11, 23)
NOWHERE = "XX"


def register(day: date = GRANT, regime: str = "2023/2831") -> Clock:
    clock = clock_on("register", day, regime=regime)
    assert clock is not None
    return clock


def test_twenty_working_days_without_holidays_end_four_weeks_later():
    assert register().due_on(GRANT, NOWHERE) == date(2026, 12, 21)


def test_finlands_independence_day_falls_on_a_sunday_in_2026_and_changes_nothing():
    assert register().due_on(GRANT, "FI") == date(2026, 12, 21)


def test_a_holiday_on_a_weekday_moves_the_last_day():
    # Spain keeps 8 December 2026, a Tuesday; 6 December is a Sunday.
    assert register().due_on(GRANT, "ES") == date(2026, 12, 22)


def test_christmas_and_the_holidays_of_a_state_are_left_out():
    without = register().due_on(date(2026, 12, 14), NOWHERE)
    assert without == date(2027, 1, 11)
    assert register().due_on(date(2026, 12, 14), "DE") > without


def test_the_day_of_the_grant_does_not_count():
    assert add_working_days(GRANT, 1, NOWHERE) == date(2026, 11, 24)


def test_the_notice_is_due_on_the_day_of_the_grant():
    clock = clock_on("notice", GRANT, regime="2023/2831")
    assert clock is not None
    assert clock.due_on(GRANT, "FI") == GRANT


def test_no_entry_was_due_before_the_register_began():
    assert clock_on("register", date(2025, 12, 31), regime="2023/2831") is None


def test_agriculture_joins_the_register_a_year_later():
    assert clock_on("register", date(2026, 12, 31), regime="1408/2013") is None
    assert clock_on("register", date(2027, 1, 1), regime="1408/2013") is not None


@pytest.mark.parametrize(("day", "threshold"), [(date(2023, 6, 30), 500_000), (date(2023, 7, 1), 100_000)])
def test_the_threshold_of_publication_is_that_of_the_day(day, threshold):
    clock = clock_on("publication", day, regime="651/2014-28")
    assert clock is not None
    assert clock.threshold_eur == threshold


@pytest.mark.parametrize(
    ("granted", "due"),
    [(date(2026, 11, 23), date(2027, 5, 23)), (date(2026, 8, 31), date(2027, 2, 28))],
)
def test_publication_is_due_within_six_months(granted, due):
    clock = clock_on("publication", granted, regime="651/2014-28")
    assert clock is not None
    assert clock.due_on(granted, "FI") == due


def test_the_year_is_reported_by_30_june():
    clock = clock_on("yearly", date(2026, 12, 31))
    assert clock is not None
    assert clock.due_on(date(2027, 1, 1), "FI") == date(2027, 6, 30)


def test_no_year_before_2026_is_reported():
    assert clock_on("yearly", date(2025, 12, 31)) is None


def test_alerts_fall_on_working_days_ten_fifteen_and_eighteen():
    clock, due = register(), date(2026, 12, 21)

    def marks(on: date) -> list[str]:
        return clock.marks(opened_on=GRANT, due_on=due, on=on, state=NOWHERE)

    assert marks(date(2026, 12, 4)) == []
    assert marks(date(2026, 12, 7)) == ["day 10"]
    assert marks(date(2026, 12, 14)) == ["day 10", "day 15"]
    assert marks(date(2026, 12, 17)) == ["day 10", "day 15", "day 18"]
    assert marks(date(2026, 12, 21)) == ["day 10", "day 15", "day 18"]
    assert marks(date(2026, 12, 22))[-1] == "overdue"


def test_every_row_names_its_article_and_its_source():
    assert all(row.article and row.source and row.valid_from < row.valid_to for row in BUILT_IN)


def test_a_row_that_is_entered_later_replaces_the_built_in_one():
    entered = from_parameter(
        {"kind": "register", "regimes": ["2023/2831"], "amount": 10, "unit": "working_days", "alerts": [5]},
        valid_from=date(2027, 1, 1),
        valid_to=None,
        source="A new act",
    )
    rows = (*BUILT_IN, entered)
    assert clock_on("register", date(2026, 12, 31), regime="2023/2831", rows=rows).amount == 20
    assert clock_on("register", date(2027, 1, 1), regime="2023/2831", rows=rows) is entered
    assert entered.unit is Unit.WORKING_DAYS
