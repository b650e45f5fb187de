"""The dated parameters of de minimis aid. A change of law is a new row here, never a changed number in a rule.

Pure data; sources are the acts as published in the Official Journal.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

GENERAL = "2023/2831"
SGEI = "2023/2832"
AGRICULTURE = "1408/2013"
FISHERIES = "717/2014"
GENERAL_UNTIL_2023 = "1407/2013"
SGEI_UNTIL_2023 = "360/2012"


@dataclass(frozen=True)
class Regime:
    """One regulation between two days (both included).

    ceiling_eur       per granting State and single undertaking
    window_years      rolling, counted back from the day of the grant
    pool              regulations whose aid uses up this ceiling
    adjustment_until  aid may still be granted on the old terms, but only after a person has looked at it
    register_from     first day the central register must hold; declarations are due until it covers a whole window
    excluded_nace     divisions for which a person must confirm that activities are kept separate
    declaration_days  our own policy: a declaration older than this must be signed again
    """

    code: str
    title: str
    ceiling_eur: Decimal
    window_years: int
    pool: frozenset[str]
    valid_from: date
    valid_to: date
    adjustment_until: date
    register_from: date
    excluded_nace: frozenset[str]
    declaration_days: int
    source: str


REGIMES: tuple[Regime, ...] = (
    Regime(
        code=GENERAL,
        title="De minimis aid",
        ceiling_eur=Decimal("300000"),
        window_years=3,
        # Aid under the general regulation before this one still lies inside the window until 30 June 2027.
        pool=frozenset({GENERAL, AGRICULTURE, FISHERIES, GENERAL_UNTIL_2023}),
        valid_from=date(2024, 1, 1),
        valid_to=date(2030, 12, 31),
        adjustment_until=date(2031, 6, 30),
        register_from=date(2026, 1, 1),
        excluded_nace=frozenset({"01", "03"}),
        declaration_days=90,
        source="Commission Regulation (EU) 2023/2831, OJ L, 2023/2831, 15.12.2023",
    ),
)

# What a declaration may name. Services of general economic interest have a pool and a ceiling of their own.
DECLARABLE: tuple[str, ...] = (GENERAL, GENERAL_UNTIL_2023, AGRICULTURE, FISHERIES, SGEI, SGEI_UNTIL_2023)


def regime_on(day: date, *, code: str = GENERAL) -> Regime | None:
    """The row in force that day, its adjustment period included; None when the law has run out."""
    for regime in REGIMES:
        if regime.code == code and regime.valid_from <= day <= regime.adjustment_until:
            return regime
    return None
