"""The other numbers of the Annex as dated rows. A change of the law is a new row."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

RECOMMENDATION = "Commission Recommendation 2003/361/EC, Annex, OJ L 124, 20.5.2003, p. 36"
PORTAL = "How this portal reads the Annex; no number of the law"
FROM_THE_START = date(2005, 1, 1)


@dataclass(frozen=True)
class Threshold:
    """One number: percentages 0 to 100, amounts in EUR, spans in days."""

    key: str
    value: Decimal
    article: str
    valid_from: date = FROM_THE_START
    source: str = RECOMMENDATION


ROWS: tuple[Threshold, ...] = (
    # linked above, strictly
    Threshold("majority_of_votes", Decimal(50), "Art 3(3)"),
    # reached at the number itself
    Threshold("partner_share", Decimal(25), "Art 3(2)"),
    Threshold("public_share", Decimal(25), "Art 3(4)"),
    # exempt below, strictly
    Threshold("angels_total_eur", Decimal(1_250_000), "Art 3(2)(a)"),
    Threshold("authority_budget_eur", Decimal(10_000_000), "Art 3(2)(d)"),
    Threshold("authority_inhabitants", Decimal(5_000), "Art 3(2)(d)"),
    # closings further apart are not consecutive: a year is missing between them
    Threshold("consecutive_days", Decimal(550), "Art 4(2)", source=PORTAL),
    # figures whose period ended longer ago cannot be the latest approved ones
    Threshold("latest_figures_days", Decimal(760), "Art 4(1)", source=PORTAL),
    # which period of a related party belongs to a closing of the enterprise
    Threshold("fits_days_before", Decimal(350), "Art 6", source=PORTAL),
    Threshold("fits_days_after", Decimal(31), "Art 6", source=PORTAL),
)


@dataclass(frozen=True)
class Thresholds:
    """The numbers in force on one day, by name."""

    majority_of_votes: Decimal
    partner_share: Decimal
    public_share: Decimal
    angels_total_eur: Decimal
    authority_budget_eur: Decimal
    authority_inhabitants: Decimal
    consecutive_days: Decimal
    latest_figures_days: Decimal
    fits_days_before: Decimal
    fits_days_after: Decimal


def thresholds_on(day: date, rows: tuple[Threshold, ...] = ROWS) -> Thresholds:
    """The numbers in force that day. Raises ValueError before the first ones."""
    in_force: dict[str, Threshold] = {}
    for row in sorted(rows, key=lambda one: one.valid_from):
        if row.valid_from <= day:
            in_force[row.key] = row
    if not in_force:
        raise ValueError(f"no thresholds of the definition of an SME are known for {day}")
    return Thresholds(**{key: row.value for key, row in in_force.items()})
