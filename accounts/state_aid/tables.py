"""Cells of tables that leave the portal."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: str) -> str:
    """Spreadsheets run what begins like a formula; an apostrophe keeps it text."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
