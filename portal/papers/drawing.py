"""From a `Paper` to the bytes of a PDF: A4, embedded typeface, language and title set, no clock, no chance.

Streams are not compressed: compressors differ between machines, and the same paper must give the same bytes on all.
"""

from io import BytesIO
from typing import Any

from reportlab import Version
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, NextPageTemplate, PageTemplate

from portal.papers import fonts, frame
from portal.papers.paper import Paper
from portal.papers.parts import flow

# What made the bytes. Contents stay verifiable by `Paper.digest` when either number has moved on.
DRAWN_BY = f"papers 1, reportlab {Version}"


def draw(paper: Paper) -> bytes:
    """The PDF. The same paper gives the same bytes, today and on another machine with the same library."""
    fonts.register()
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        title=paper.title,
        author=paper.authority or paper.issuer,
        subject=paper.ident,
        creator=paper.issuer,
        producer=DRAWN_BY,
        lang=paper.language,
        invariant=1,
        pageCompression=0,
        displayDocTitle=True,
    )
    width, height = A4
    side, foot = frame.SIDE, frame.FOOT
    first = Frame(side, foot, width - 2 * side, height - foot - frame.FIRST_HEAD, 0, 0, 0, 0, id="first")
    later = Frame(side, foot, width - 2 * side, height - foot - frame.LATER_HEAD, 0, 0, 0, 0, id="later")
    document.addPageTemplates([PageTemplate(id="first", frames=[first]), PageTemplate(id="later", frames=[later])])

    def canvas(*args: Any, **kwargs: Any) -> Canvas:
        return _Counted(*args, paper=paper, **kwargs)

    story = [NextPageTemplate("later"), *flow(paper, width - 2 * side)]
    document.build(story, canvasmaker=canvas)
    return buffer.getvalue()


class _Counted(Canvas):
    """Holds the pages back until their number is known, then draws head and foot on each."""

    def __init__(self, *args: Any, paper: Paper, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paper = paper
        self._held: list[dict[str, Any]] = []
        self.setViewerPreference("DisplayDocTitle", "true")

    def showPage(self) -> None:
        self._held.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        pages = len(self._held)
        for number, state in enumerate(self._held, 1):
            self.__dict__.update(state)
            frame.head(self, self._paper, number)
            frame.foot(self, self._paper, number, pages)
            super().showPage()
        super().save()
