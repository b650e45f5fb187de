"""What each State granted in a year: number, total and sectors, to be reported by 30 June (Art 6(6))."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection, transaction

from accounts import nace
from accounts.models import AidAward, AidDuty
from accounts.state_aid.duties.clocks import Clock, clock_on
from accounts.state_aid.duties.rows import clocks_of
from accounts.state_aid.duties.services import open_duty
from accounts.state_aid.threads import Thread, threads_of


@dataclass(frozen=True)
class Line:
    """One NACE division under one regulation."""

    regime: str
    division: str
    awards: int
    beneficiaries: int
    total_eur: Decimal

    @property
    def name(self) -> str:
        """The division's title, "" for a code that is no division."""
        return str(nace.DIVISIONS.get(self.division, ""))


@dataclass(frozen=True)
class Year:
    """A State's de minimis aid of one year, as its awards stand today: what was taken back is taken off."""

    state: str
    year: int
    awards: int
    beneficiaries: int
    total_eur: Decimal
    lines: tuple[Line, ...]


def year_of(*, state: str, year: int) -> Year:
    """The totals. Withdrawn awards are left out. One query."""
    threads = _granted(year, state)
    groups: dict[tuple[str, str], list[Thread]] = defaultdict(list)
    for thread in threads:
        nace = thread.first.beneficiary.get("nace_code") or thread.first.organisation.nace_code
        groups[thread.first.regime, nace.split(".")[0]].append(thread)
    lines = tuple(
        Line(regime, division, len(group), _beneficiaries(group), _total(group))
        for (regime, division), group in sorted(groups.items())
    )
    return Year(state, year, len(threads), _beneficiaries(threads), _total(threads), lines)


def years_of(state: str) -> list[int]:
    """The years in which that State granted anything, the latest first. One query."""
    days = (
        AidAward.objects.filter(granting_state=state).order_by().values_list("granted_on__year", flat=True).distinct()
    )
    return sorted(days, reverse=True)


def _granted(year: int, state: str) -> list[Thread]:
    rows = AidAward.objects.filter(granted_on__year=year, granting_state=state)
    return [one for one in threads_of(rows) if one.counts_as_aid and not one.is_exemption and one.amount_eur > 0]


def _beneficiaries(threads: list[Thread]) -> int:
    return len({thread.first.organisation_id for thread in threads})


def _total(threads: list[Thread]) -> Decimal:
    return sum((thread.amount_eur for thread in threads), Decimal(0))


def open_yearly(*, on: date) -> list[AidDuty]:
    """Opens, once, the report of the year before `on` for each State that granted de minimis aid in it."""
    year = on.year - 1
    rows = AidAward.objects.filter(granted_on__year=year).order_by("granting_state")
    opened = []
    for state in rows.values_list("granting_state", flat=True).distinct():
        clock = clock_on(AidDuty.Kind.YEARLY, date(year, 12, 31), rows=clocks_of(state))
        if clock is not None and not _is_open(state, year) and _granted(year, state):
            opened += _open_year(state, year, clock)
    return opened


def _is_open(state: str, year: int) -> bool:
    """Whether that report was ever opened, done ones included."""
    return AidDuty.objects.filter(kind=AidDuty.Kind.YEARLY, granting_state=state, subject=str(year)).exists()


@transaction.atomic
def _open_year(state: str, year: int, clock: Clock) -> list[AidDuty]:
    """Two workers at once open one row: the second waits at the lock and then finds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"yearly {state} {year}"])
    if _is_open(state, year):
        return []
    on = date(year + 1, 1, 1)
    kind = AidDuty.Kind.YEARLY
    return [open_duty(kind=kind, state=state, authority="", subject=str(year), clock=clock, on=on)]
