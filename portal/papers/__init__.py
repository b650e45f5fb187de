"""Papers: PDF documents drawn from plain data, the same bytes each time. A room says what stands on it, never where.

    paper = Paper(title="…", ident="AID-2026-7", language="el", parts=(Text("…"), Facts((("Amount", "EUR 1,00"),))))
    pdf = draw(paper)

A `Paper` travels as JSON (`to_json`, `paper_from_json`), so a row that keeps it can be drawn again years later.
"""

from portal.papers.drawing import DRAWN_BY, draw
from portal.papers.fonts import missing
from portal.papers.paper import (
    Address,
    Branch,
    Bullets,
    Facts,
    Heading,
    NewPage,
    Note,
    Paper,
    Part,
    Signature,
    Table,
    Text,
    Tree,
    Words,
    paper_from_json,
    to_json,
)

__all__ = [
    "DRAWN_BY",
    "Address",
    "Branch",
    "Bullets",
    "Facts",
    "Heading",
    "NewPage",
    "Note",
    "Paper",
    "Part",
    "Signature",
    "Table",
    "Text",
    "Tree",
    "Words",
    "draw",
    "missing",
    "paper_from_json",
    "to_json",
]
