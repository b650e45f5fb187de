"""How long the law gives for each duty, as dated rows. A change of law is a new row, never a changed number.

An administrator adds or replaces a row without a release by a LegalParameter with the key `duty_clock`.
"""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from accounts.calendars import add_working_days, working_days_between

KEY = "duty_clock"
ALL = date(2000, 1, 1)


class Unit(StrEnum):
    WORKING_DAYS = "working_days"
    MONTHS = "months"
    # `amount` is month * 100 + day of the year after the one reported: 630 is 30 June.
    DAY_OF_NEXT_YEAR = "day_of_next_year"


@dataclass(frozen=True)
class Clock:
    """One row.

    kind           of `AidDuty.Kind`
    regimes        codes of `accounts.state_aid.case` it holds for; empty for duties that rest on no single award
    amount, unit   the time; 0 working days is the day of the grant itself
    alerts         working days after the opening on which people are told
    alerts_before  working days before the last day on which people are told
    threshold_eur  only awards above it
    """

    kind: str
    regimes: frozenset[str]
    amount: int
    unit: Unit
    valid_from: date
    valid_to: date
    article: str
    source: str
    alerts: tuple[int, ...] = ()
    alerts_before: tuple[int, ...] = ()
    threshold_eur: Decimal | None = None

    def due_on(self, opened_on: date, state: str) -> date:
        """The last day; `opened_on` itself does not count (Regulation 1182/71, Article 3(1))."""
        if self.unit is Unit.WORKING_DAYS:
            return add_working_days(opened_on, self.amount, state)
        if self.unit is Unit.MONTHS:
            return _months_later(opened_on, self.amount)
        return date(opened_on.year, self.amount // 100, self.amount % 100)

    def marks(self, *, opened_on: date, due_on: date, on: date, state: str) -> list[str]:
        """Every alert whose day has come by `on`, in order; "overdue" once the last day has passed."""
        passed = working_days_between(opened_on, on, state)
        left = working_days_between(on, due_on, state)
        reached = [f"day {day}" for day in sorted(self.alerts) if passed >= day]
        reached += [f"{day} left" for day in sorted(self.alerts_before, reverse=True) if left <= day]
        return [*reached, "overdue"] if on > due_on else reached


def _months_later(day: date, months: int) -> date:
    """The day with the same number, or the month's last one (Regulation 1182/71, Article 3(2)(c))."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


_GENERAL = "Commission Regulation (EU) 2023/2831, OJ L, 2023/2831, 15.12.2023"
_SGEI = "Commission Regulation (EU) 2023/2832, OJ L, 2023/2832, 15.12.2023"
_AGRICULTURE = "Commission Regulation (EU) No 1408/2013 as amended by (EU) 2024/3118, OJ L, 2024/3118, 13.12.2024"
_GBER = "Commission Regulation (EU) No 651/2014 as amended by (EU) 2023/1315, OJ L 167, 30.6.2023, p. 1"
_OWN = "Own policy of the portal: the law names no days for it"
_DE_MINIMIS = frozenset({"2023/2831", "2023/2832", "1408/2013", "717/2014"})
_EXEMPTION = frozenset({"651/2014-22", "651/2014-25", "651/2014-28", "651/2014-31"})
_ALERTS = (10, 15, 18)

BUILT_IN: tuple[Clock, ...] = (
    Clock("notice", _DE_MINIMIS, 0, Unit.WORKING_DAYS, ALL, date(2032, 12, 31), "Art 7(4)", _GENERAL),
    Clock("notice", _EXEMPTION, 0, Unit.WORKING_DAYS, ALL, date(2027, 6, 30), "Art 5(2)(ga)", f"{_OWN}; {_GBER}"),
    Clock(
        "register", frozenset({"2023/2831"}), 20, Unit.WORKING_DAYS, date(2026, 1, 1), date(2031, 6, 30),
        "Art 6(1)", _GENERAL, alerts=_ALERTS,
    ),
    Clock(
        "register", frozenset({"2023/2832"}), 20, Unit.WORKING_DAYS, date(2026, 1, 1), date(2030, 12, 31),
        "Art 6(1)", _SGEI, alerts=_ALERTS,
    ),
    Clock(
        "register", frozenset({"1408/2013"}), 20, Unit.WORKING_DAYS, date(2027, 1, 1), date(2032, 12, 31),
        "Art 6(1)", _AGRICULTURE, alerts=_ALERTS,
    ),
    Clock(
        "correction", _DE_MINIMIS | _EXEMPTION, 20, Unit.WORKING_DAYS, ALL, date(2032, 12, 31),
        "Art 6(1)", f"{_OWN}; the days of the entry itself", alerts=_ALERTS,
    ),
    Clock(
        "publication", _EXEMPTION, 6, Unit.MONTHS, date(2014, 7, 1), date(2023, 6, 30),
        "Art 9(1)(c), 9(4)", "Commission Regulation (EU) No 651/2014, OJ L 187, 26.6.2014, p. 1",
        alerts_before=(40, 20, 5), threshold_eur=Decimal("500000"),
    ),
    Clock(
        "publication", _EXEMPTION, 6, Unit.MONTHS, date(2023, 7, 1), date(2027, 6, 30),
        "Art 9(1)(c), 9(4)", _GBER, alerts_before=(40, 20, 5), threshold_eur=Decimal("100000"),
    ),
    Clock(
        "yearly", frozenset(), 630, Unit.DAY_OF_NEXT_YEAR, date(2026, 1, 1), date(2031, 12, 31),
        "Art 6(6)", _GENERAL, alerts_before=(40, 20, 5),
    ),
    Clock(
        "answer", frozenset(), 20, Unit.WORKING_DAYS, date(2024, 1, 1), date(2032, 12, 31),
        "Art 6(7)", _GENERAL, alerts=_ALERTS,
    ),
)  # fmt: skip


def clock_on(kind: str, day: date, *, regime: str = "", rows: Iterable[Clock] = BUILT_IN) -> Clock | None:
    """The row for that duty on that day; the last of several counts, so that later rows replace earlier ones."""
    found = None
    for row in rows:
        fits = regime in row.regimes if row.regimes else not regime
        if row.kind == kind and fits and row.valid_from <= day <= row.valid_to:
            found = row
    return found


def from_parameter(value: Mapping[str, Any], *, valid_from: date, valid_to: date | None, source: str) -> Clock:
    """The row an administrator entered. Raises ValueError or KeyError for a value of another shape."""
    threshold = value.get("threshold_eur")
    return Clock(
        kind=value["kind"],
        regimes=frozenset(value.get("regimes", ())),
        amount=int(value["amount"]),
        unit=Unit(value["unit"]),
        valid_from=valid_from,
        valid_to=valid_to or date.max - timedelta(days=1),
        article=value.get("article", ""),
        source=source,
        alerts=tuple(int(day) for day in value.get("alerts", ())),
        alerts_before=tuple(int(day) for day in value.get("alerts_before", ())),
        threshold_eur=None if threshold is None else Decimal(threshold),
    )
