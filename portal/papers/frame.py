"""The head and the foot of each page."""

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from portal.papers.fonts import REGULAR, STRONG, drawable
from portal.papers.paper import Paper

SIDE, FOOT, FIRST_HEAD, LATER_HEAD = 22 * mm, 25 * mm, 39 * mm, 30 * mm
INK, GREY, LINE = HexColor("#101a33"), HexColor("#59667f"), HexColor("#dde3ed")
BRAND, ACCENT = HexColor("#1a4fb8"), HexColor("#ffcc33")
WIDTH, HEIGHT = A4


def head(canvas: Canvas, paper: Paper, page: int) -> None:
    """On the first page the portal's mark and the authority, on later ones the title alone."""
    canvas.saveState()
    if page == 1:
        _letterhead(canvas, paper)
    else:
        canvas.setFont(STRONG, 8)
        canvas.setFillColor(GREY)
        canvas.drawString(SIDE, HEIGHT - 19 * mm, _fitted(paper.title, STRONG, 8, 110 * mm))
        canvas.setFont(REGULAR, 8)
        canvas.drawRightString(WIDTH - SIDE, HEIGHT - 19 * mm, _fitted(paper.issuer, REGULAR, 8, 50 * mm))
        _rule(canvas, HEIGHT - 22.5 * mm)
    canvas.restoreState()


def _letterhead(canvas: Canvas, paper: Paper) -> None:
    top = HEIGHT - 26 * mm
    _mark(canvas, SIDE, top, 9 * mm)
    canvas.setFillColor(INK)
    canvas.setFont(STRONG, 13)
    canvas.drawString(SIDE + 12.5 * mm, top + 2.6 * mm, drawable(paper.issuer))
    lines = [line for line in (*_lines(paper.authority, 78 * mm), drawable(paper.dated)) if line]
    canvas.setFillColor(GREY)
    for number, line in enumerate(lines):
        canvas.setFont(REGULAR, 8.5)
        canvas.drawRightString(WIDTH - SIDE, top + 5.6 * mm - number * 4.2 * mm, line)
    _rule(canvas, HEIGHT - 33 * mm)


def _mark(canvas: Canvas, left: float, bottom: float, size: float) -> None:
    """The portal's mark, a stack of three layers, drawn on its own grid of 32."""
    canvas.saveState()
    canvas.translate(left, bottom)
    canvas.scale(size / 32, size / 32)
    canvas.setFillColor(BRAND)
    canvas.roundRect(0, 0, 32, 32, 8, stroke=0, fill=1)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    canvas.setLineWidth(2.1)
    canvas.setStrokeColor(HexColor("#bfcfec"))
    for level in (11.5, 16):
        line = canvas.beginPath()
        line.moveTo(8, level)
        line.lineTo(16, level - 4.5)
        line.lineTo(24, level)
        canvas.drawPath(line, stroke=1, fill=0)
    canvas.setFillColor(ACCENT)
    top = canvas.beginPath()
    top.moveTo(16, 25)
    for x, y in ((8, 20.5), (16, 16), (24, 20.5)):
        top.lineTo(x, y)
    top.close()
    canvas.drawPath(top, stroke=0, fill=1)
    canvas.restoreState()


def foot(canvas: Canvas, paper: Paper, page: int, pages: int) -> None:
    """Which document this is, what its contents hash to, and how many pages belong to it."""
    canvas.saveState()
    _rule(canvas, 21 * mm)
    canvas.setFillColor(GREY)
    canvas.setFont(REGULAR, 7)
    counted = drawable(paper.words.page.format(page=page, pages=pages))
    canvas.drawRightString(WIDTH - SIDE, 16.5 * mm, counted)
    room = WIDTH - 2 * SIDE - stringWidth(counted, REGULAR, 7) - 8 * mm
    canvas.drawString(SIDE, 16.5 * mm, _fitted(f"{paper.words.document} {paper.ident}", REGULAR, 7, room))
    canvas.setFont(REGULAR, 6)
    canvas.drawString(SIDE, 13 * mm, drawable(f"{paper.words.contents} {paper.digest}"))
    canvas.restoreState()


def _rule(canvas: Canvas, y: float) -> None:
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.6)
    canvas.line(SIDE, y, WIDTH - SIDE, y)


def _lines(text: str, width: float, size: float = 8.5) -> list[str]:
    """The text in at most two lines."""
    lines: list[str] = []
    for word in drawable(text).split():
        if lines and stringWidth(f"{lines[-1]} {word}", REGULAR, size) <= width:
            lines[-1] += f" {word}"
        elif len(lines) < 2:
            lines.append(word)
        else:
            return [lines[0], _fitted(f"{lines[1]} {word} …", REGULAR, size, width)]
    return lines


def _fitted(text: str, face: str, size: float, width: float) -> str:
    """The text, its end cut with an ellipsis when it is too long for the line."""
    text = drawable(text)
    if stringWidth(text, face, size) <= width:
        return text
    while text and stringWidth(f"{text}…", face, size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
