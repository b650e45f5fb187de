"""The year's totals of a State as a file, in the columns Article 6(6) names."""

from accounts.state_aid.duties.yearly import Year
from accounts.state_aid.registers.base import AMOUNT, TEXT, Row

CODE = "yearly"
COLUMNS: tuple[tuple[str, str], ...] = (
    ("granting_state", TEXT),
    ("year", TEXT),
    ("regulation", TEXT),
    ("nace_division", TEXT),
    ("awards", TEXT),
    ("beneficiaries", TEXT),
    ("total_eur", AMOUNT),
)


def rows_of(year: Year) -> list[Row]:
    """One row for each regulation and NACE division, then the State's total."""
    lines = [(line.regime, line.division, line.awards, line.beneficiaries, line.total_eur) for line in year.lines]
    lines.append(("all", "all", year.awards, year.beneficiaries, year.total_eur))
    codes = [code for code, _kind in COLUMNS]
    return [dict(zip(codes, (year.state, str(year.year), *map(str, line)), strict=True)) for line in lines]
