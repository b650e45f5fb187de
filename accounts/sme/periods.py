"""Accounting periods: on an annual basis, the one that fits a closing, and the two-period rule (Article 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from accounts.sme.ceilings import Ceiling
from accounts.sme.graph import Basis, Figures, Party
from accounts.sme.thresholds import Thresholds

DAYS_OF_A_YEAR = 365.25


class Size(StrEnum):
    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    REVIEW = "review"


@dataclass(frozen=True)
class Judged:
    """One closing: what it alone would give, each ceiling held and each flag standing, and the class after it."""

    figures: Figures
    alone: Size
    within: tuple[bool, ...]
    standing: tuple[bool, ...]
    size: Size


def annualised(period_start: date, figures: Figures) -> Figures:
    """Figures of a period that is not twelve months long, on an annual basis (Art 4(1)).

    `figures` holds the turnover and the work units of the period itself: ten people who worked full time for six
    months are 5 units there and 10 a year. The balance sheet total is that of the closing and stays. Whole calendar
    months count as twelfths, other spans by their days in 365. Not rounded.
    """
    after = figures.period_end + timedelta(days=1)
    if period_start >= after:
        raise ValueError("a period cannot end before it began")
    if period_start.day == after.day:
        months = (after.year - period_start.year) * 12 + after.month - period_start.month
        whole, part = Decimal(12), Decimal(months)
    else:
        whole, part = Decimal(365), Decimal((after - period_start).days)
    if whole == part:
        return figures
    return replace(figures, awu=figures.awu * whole / part, turnover_eur=figures.turnover_eur * whole / part)


def usable(periods: Sequence[Figures], on: date) -> tuple[list[Figures], Basis]:
    """Approved periods in order; the latest estimate only when there are none (Art 4(3))."""
    ordered = sorted(periods, key=lambda one: one.period_end)
    # Accounts of a year that has not ended cannot have been approved.
    approved = [one for one in ordered if one.basis is Basis.APPROVED and one.period_end <= on]
    ordered = [one for one in ordered if one.basis is Basis.ESTIMATE]
    return (approved, Basis.APPROVED) if approved else (ordered[-1:], Basis.ESTIMATE)


def period_for(
    party: Party, closing: date, numbers: Thresholds, *, on: date, basis: Basis, latest: bool
) -> Figures | None:
    """A related party's figures for a closing of the enterprise.

    Of an approved closing: the party's last period that ended at most 350 days before it or 31 days after it, so that
    no year of the party serves two closings and one that is missing is seen. Of an estimate: its latest approved
    figures. A party without any approved accounts is itself new, and its estimate serves the latest closing.
    """
    known, known_basis = usable(party.periods, on)
    if not known:
        return None
    if known_basis is Basis.ESTIMATE:
        return known[-1] if latest else None
    if basis is Basis.ESTIMATE:
        is_old = (on - known[-1].period_end).days > numbers.latest_figures_days
        return None if is_old else known[-1]
    first = closing - timedelta(days=int(numbers.fits_days_before))
    last = closing + timedelta(days=int(numbers.fits_days_after))
    return next((one for one in reversed(known) if first <= one.period_end <= last), None)


def is_within(figures: Figures, ceiling: Ceiling) -> bool:
    """Staff must be below; of turnover and balance sheet total one may be above."""
    staff = figures.awu <= ceiling.awu if ceiling.awu_included else figures.awu < ceiling.awu
    return staff and (
        figures.turnover_eur <= ceiling.turnover_eur or figures.balance_sheet_eur <= ceiling.balance_sheet_eur
    )


def size_of_one_period(figures: Figures, ceilings: Sequence[Ceiling]) -> Size:
    """What the figures of one period alone would make of the enterprise (Art 2)."""
    return next((Size(one.size) for one in ceilings if is_within(figures, one)), Size.LARGE)


def flags(periods: Sequence[Figures], ceiling: Ceiling) -> list[bool]:
    """Art 4(2) for one ceiling: the first period sets the flag, two in a row against it turn it."""
    standing: list[bool] = []
    before: bool | None = None
    for one in periods:
        now = is_within(one, ceiling)
        standing.append(now if before is None or before == now else standing[-1])
        before = now
    return standing


def two_periods(periods: Sequence[Figures], ceilings: Sequence[Ceiling]) -> list[Judged]:
    """Every closing judged in turn: the class is the smallest ceiling whose flag stands."""
    by_ceiling = [flags(periods, one) for one in ceilings]
    judged = []
    for at, figures in enumerate(periods):
        standing = tuple(flag[at] for flag in by_ceiling)
        size = next((Size(one.size) for one, stands in zip(ceilings, standing, strict=True) if stands), Size.LARGE)
        within = tuple(is_within(figures, one) for one in ceilings)
        judged.append(Judged(figures, size_of_one_period(figures, ceilings), within, standing, size))
    return judged


def possible_sizes(history: Sequence[Figures | None], ceilings: Sequence[Ceiling]) -> set[Size]:
    """The classes that a history leaves possible; None is a closing of which nothing is known.

    Such a closing may have lain in any class, so every one of them is followed.
    """
    ways = [tuple(at >= first for at in range(len(ceilings))) for first in range(len(ceilings) + 1)]
    states: set[tuple[tuple[bool, ...], tuple[bool, ...]]] = set()
    for figures in history:
        after = ways if figures is None else [tuple(is_within(figures, one) for one in ceilings)]
        states = {(within, _turned(before, within, standing)) for before, standing in states for within in after} or {
            (within, within) for within in after
        }
    return {
        next((Size(one.size) for one, stands in zip(ceilings, standing, strict=True) if stands), Size.LARGE)
        for _before, standing in states
    }


def missing_between(first: date, second: date, numbers: Thresholds) -> int:
    """How many closings lie unknown between two. Three leave open whatever more of them would."""
    days = (second - first).days
    if days <= numbers.consecutive_days:
        return 0
    return min(max(round(days / DAYS_OF_A_YEAR) - 1, 1), 3)


def _turned(before: tuple[bool, ...], within: tuple[bool, ...], standing: tuple[bool, ...]) -> tuple[bool, ...]:
    """The flags after one more closing."""
    return tuple(now if then == now else stood for then, now, stood in zip(before, within, standing, strict=True))
