"""Each part of a paper as blocks that the page layout can break."""

from collections.abc import Iterator
from functools import singledispatch
from html import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, PageBreak, Paragraph, Spacer
from reportlab.platypus import Table as Grid

from portal.papers import paper as words
from portal.papers.fonts import REGULAR, STRONG, drawable
from portal.papers.frame import GREY, INK, LINE
from portal.papers.tree import rows_of

BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9.5, leading=14, textColor=INK, spaceAfter=7, splitLongWords=1)
STYLES = {
    "body": BODY,
    "lead": ParagraphStyle("lead", BODY, fontSize=11, leading=16.5, spaceAfter=9),
    "small": ParagraphStyle("small", BODY, fontSize=8, leading=11.5, textColor=GREY, spaceAfter=5),
}
TITLE = ParagraphStyle("title", BODY, fontName=STRONG, fontSize=17, leading=22.5, spaceAfter=4)
SUBTITLE = ParagraphStyle("subtitle", BODY, fontSize=10.5, leading=15, textColor=GREY, spaceAfter=4)
HEADINGS = {
    1: ParagraphStyle(
        "h1", BODY, fontName=STRONG, fontSize=11.5, leading=16, spaceBefore=10, spaceAfter=5, keepWithNext=1
    ),
    2: ParagraphStyle(
        "h2", BODY, fontName=STRONG, fontSize=9.5, leading=14, spaceBefore=6, spaceAfter=3, keepWithNext=1
    ),
}
CELL = ParagraphStyle("cell", BODY, fontSize=8.5, leading=12, spaceAfter=0)
CELL_RIGHT = ParagraphStyle("cell_right", CELL, alignment=TA_RIGHT)
COLUMN = ParagraphStyle("column", CELL, fontName=STRONG, fontSize=7.5, leading=10.5, textColor=GREY)
COLUMN_RIGHT = ParagraphStyle("column_right", COLUMN, alignment=TA_RIGHT)
STRONG_CELL = ParagraphStyle("strong_cell", CELL, fontName=STRONG)
STRONG_CELL_RIGHT = ParagraphStyle("strong_cell_right", STRONG_CELL, alignment=TA_RIGHT)
# A longer value reads better in the plain face.
SHORT = 60
NAME = ParagraphStyle("name", CELL, textColor=GREY)
TONES = {
    "info": ("#e9f0fe", "#1a4fb8"),
    "ok": ("#e3f4eb", "#0b6b43"),
    "warn": ("#fff2d6", "#b0760a"),
    "bad": ("#fdebe9", "#a61b12"),
}


def text(value: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph of plain text: nothing in it is markup."""
    return Paragraph(escape(drawable(value)).replace("\n", "<br/>"), style)


def flow(paper: words.Paper, width: float) -> list[Flowable]:
    """The whole paper as blocks, title first."""
    story: list[Flowable] = [text(paper.title, TITLE)]
    if paper.subtitle:
        story.append(text(paper.subtitle, SUBTITLE))
    story.append(Spacer(0, 4 * mm))
    for part in paper.parts:
        story.extend(blocks(part, width))
    return story


@singledispatch
def blocks(part: object, width: float) -> Iterator[Flowable]:
    """The blocks of one part; a new kind of part is one function here and one class in `paper`."""
    raise TypeError(f"a paper has no part {type(part).__name__}")


@blocks.register
def _(part: words.Text, width: float) -> Iterator[Flowable]:
    yield text(part.text, STYLES[part.style])


@blocks.register
def _(part: words.Heading, width: float) -> Iterator[Flowable]:
    yield text(part.text, HEADINGS[part.level])


@blocks.register
def _(part: words.Address, width: float) -> Iterator[Flowable]:
    first, *others = part.lines
    yield text(first, ParagraphStyle("addressee", BODY, fontName=STRONG, spaceAfter=0))
    yield text("\n".join(others), ParagraphStyle("address", BODY, spaceAfter=14))


@blocks.register
def _(part: words.Bullets, width: float) -> Iterator[Flowable]:
    style = ParagraphStyle("bullet", BODY, leftIndent=5 * mm, bulletIndent=1 * mm, spaceAfter=4)
    for item in part.items:
        yield Paragraph(escape(drawable(item)).replace("\n", "<br/>"), style, bulletText="•")
    yield Spacer(0, 3)


@blocks.register
def _(part: words.Facts, width: float) -> Iterator[Flowable]:
    rows = [[text(name, NAME), text(value, STRONG_CELL if len(value) <= SHORT else CELL)] for name, value in part.rows]
    yield _grid(rows, [width * 0.36, width * 0.64], [("LINEABOVE", (0, 0), (-1, 0), 0.6, LINE)])


@blocks.register
def _(part: words.Table, width: float) -> Iterator[Flowable]:
    columns = len(part.head)
    shares = part.widths or (1,) * columns
    rows = [[text(name, COLUMN_RIGHT if n in part.numeric else COLUMN) for n, name in enumerate(part.head)]]
    for number, row in enumerate(part.rows, 1):
        last = part.total and number == len(part.rows)
        left, right = (STRONG_CELL, STRONG_CELL_RIGHT) if last else (CELL, CELL_RIGHT)
        rows.append([text(cell, right if n in part.numeric else left) for n, cell in enumerate(row)])
    looks = [("LINEBELOW", (0, 0), (-1, 0), 0.9, INK), ("BACKGROUND", (0, 0), (-1, 0), HexColor("#f5f7fb"))]
    if part.total:
        looks.append(("LINEABOVE", (0, -1), (-1, -1), 0.9, INK))
    yield _grid(rows, [width * share / sum(shares) for share in shares], looks, repeat=1, pad=4)


def _grid(
    rows: list[list[Paragraph]], widths: list[float], looks: list[tuple], *, repeat: int = 0, pad: float = 0
) -> Grid:
    """A grid with fine lines between the rows; a row taller than a page breaks inside."""
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.6, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ("LEFTPADDING", (0, 0), (-1, -1), pad),
        ("RIGHTPADDING", (0, 0), (-1, -1), pad or 6),
        *looks,
    ]
    return Grid(rows, widths, repeatRows=repeat, style=style, spaceBefore=3, spaceAfter=11, splitInRow=1)


@blocks.register
def _(part: words.Tree, width: float) -> Iterator[Flowable]:
    yield from rows_of(part.branches, width, make=text, label=CELL, value=STRONG_CELL_RIGHT, note=STYLES["small"])
    yield Spacer(0, 10)


@blocks.register
def _(part: words.Note, width: float) -> Iterator[Flowable]:
    ground, edge = TONES[part.tone]
    title = [text(part.title, STRONG_CELL)] if part.title else []
    looks = [
        ("BACKGROUND", (0, 0), (-1, -1), HexColor(ground)),
        ("LINEBEFORE", (0, 0), (0, -1), 2.4, HexColor(edge)),
        ("LEFTPADDING", (0, 0), (-1, -1), 10),
        ("RIGHTPADDING", (0, 0), (-1, -1), 10),
        ("TOPPADDING", (0, 0), (-1, -1), 7),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ]
    yield Grid([[[*title, text(part.text, CELL)]]], [width], style=looks, spaceBefore=4, spaceAfter=12, splitInRow=1)


@blocks.register
def _(part: words.Signature, width: float) -> Iterator[Flowable]:
    line = Grid([[""]], [width * 0.45], [8 * mm], style=[("LINEBELOW", (0, 0), (-1, -1), 0.8, INK)], hAlign="LEFT")
    yield KeepTogether([line, Spacer(0, 3), text(part.name, STRONG_CELL), text(part.detail, STYLES["small"])])


@blocks.register
def _(part: words.NewPage, width: float) -> Iterator[Flowable]:
    yield PageBreak()
    if part.title:
        yield text(part.title, TITLE)
        yield Spacer(0, 3 * mm)
