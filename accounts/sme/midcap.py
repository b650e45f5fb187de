"""Small mid-caps: enterprises that are no SMEs and stay below a second ceiling. Two acts define them differently.

Both measure as Articles 3 to 6 of the SME definition do, so that the figures are those of a `Classification`, and a
ceiling is lost or won by two closings in a row.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.sme.ceilings import Ceiling, ceilings_on
from accounts.sme.codes import Code, node
from accounts.sme.graph import Figures, Node
from accounts.sme.periods import Size, flags, size_of_one_period
from accounts.sme.rules import Classification


@dataclass(frozen=True)
class MidCapCeiling:
    """The ceiling of one definition, in force from a day."""

    definition: str
    ceiling: Ceiling
    article: str
    valid_from: date
    source: str


RECOMMENDATION = "2025/1099"
BLOCK_EXEMPTION = "651/2014"

MID_CAP_CEILINGS: tuple[MidCapCeiling, ...] = (
    MidCapCeiling(
        definition=RECOMMENDATION,
        ceiling=Ceiling("small_mid_cap", Decimal(750), Decimal(150_000_000), Decimal(129_000_000)),
        article="Recommendation (EU) 2025/1099, Annex, point 2",
        valid_from=date(2025, 5, 28),
        source="Commission Recommendation (EU) 2025/1099, OJ L, 28.5.2025",
    ),
    MidCapCeiling(
        definition=BLOCK_EXEMPTION,
        ceiling=Ceiling("small_mid_cap", Decimal(499), Decimal(100_000_000), Decimal(86_000_000), awu_included=True),
        article="Regulation (EU) No 651/2014, Art 2(103e)",
        valid_from=date(2023, 7, 1),
        source="Commission Regulation (EU) 2023/1315, OJ L 167, 30.6.2023, p. 1",
    ),
)


def mid_cap_ceiling_on(definition: str, day: date) -> MidCapCeiling:
    """The row of a definition in force that day. Raises ValueError for another definition or an earlier day."""
    rows = [one for one in MID_CAP_CEILINGS if one.definition == definition and one.valid_from <= day]
    if not rows:
        raise ValueError(f"no ceiling of small mid-caps is known for {definition} on {day}")
    return max(rows, key=lambda one: one.valid_from)


def small_mid_cap(of: Figures | Classification, definition: str, on: date) -> bool:
    """Whether an enterprise is a small mid-cap for sure; what a person must decide is not."""
    return small_mid_cap_finding(of, definition, on).code == Code.SMALL_MID_CAP


def small_mid_cap_finding(of: Figures | Classification, definition: str, on: date) -> Node:
    """The same with its reason.

    Unclear while the size is, and for an enterprise that public bodies hold: Art 3(4) takes it out of the SMEs, but
    whether it may be a small mid-cap stands in the acts' other articles, which the portal does not judge.
    """
    row = mid_cap_ceiling_on(definition, on)
    values = {
        "definition": row.definition,
        "awu": str(row.ceiling.awu),
        "awu_included": row.ceiling.awu_included,
        "turnover_eur": str(row.ceiling.turnover_eur),
        "balance_sheet_eur": str(row.ceiling.balance_sheet_eur),
    }
    if isinstance(of, Figures):
        closings: tuple[Figures, ...] = (of,)
        size = size_of_one_period(of, ceilings_on(on).ceilings)
    else:
        closings, size = of.closings, of.size
        is_public = Code.PUBLIC_CONTROL.value in of.codes
        if size is Size.REVIEW or is_public or not closings:
            return node(Code.SMALL_MID_CAP_UNCLEAR, values, article=row.article)
    values["size"] = size.value
    stands = size is Size.LARGE and flags(closings, row.ceiling)[-1]
    return node(Code.SMALL_MID_CAP if stands else Code.NOT_SMALL_MID_CAP, values, article=row.article)
