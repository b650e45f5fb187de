"""The only place that reads the wall clock. Services and rules take the time as an argument."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """The moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The calendar day in UTC; legal clocks convert to the granting State's day themselves."""
    return now().date()
