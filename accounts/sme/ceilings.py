"""The ceilings of Article 2 as dated rows. A change of the Recommendation is a new row."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Ceiling:
    """Headcount strictly below `awu` (or at it, if included); turnover or balance sheet total at most the amount."""

    size: str
    awu: Decimal
    turnover_eur: Decimal
    balance_sheet_eur: Decimal
    awu_included: bool = False


@dataclass(frozen=True)
class CeilingSet:
    """The three ceilings, smallest first, in force from a day."""

    valid_from: date
    ceilings: tuple[Ceiling, ...]
    source: str


def _ceiling(size: str, awu: int, turnover_million: int, balance_million: int) -> Ceiling:
    million = 1_000_000
    return Ceiling(size, Decimal(awu), Decimal(turnover_million * million), Decimal(balance_million * million))


CEILING_SETS: tuple[CeilingSet, ...] = (
    CeilingSet(
        valid_from=date(2005, 1, 1),
        ceilings=(_ceiling("micro", 10, 2, 2), _ceiling("small", 50, 10, 10), _ceiling("medium", 250, 50, 43)),
        source="Commission Recommendation 2003/361/EC, Annex, Article 2, OJ L 124, 20.5.2003, p. 36",
    ),
)


def ceilings_on(day: date) -> CeilingSet:
    """The set in force that day. Raises ValueError before the first one."""
    in_force = [one for one in CEILING_SETS if one.valid_from <= day]
    if not in_force:
        raise ValueError(f"no ceilings of enterprise size are known for {day}")
    return max(in_force, key=lambda one: one.valid_from)
