"""The typeface of our papers: Inter with Latin, Greek and Cyrillic, embedded into each file."""

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).parent / "vendor" / "inter-0.4.2"
REGULAR, STRONG = "Inter", "Inter-SemiBold"
FILES = {REGULAR: "Inter_400Regular.ttf", STRONG: "Inter_600SemiBold.ttf"}
UNKNOWN = "□"
# Our layout breaks lines at a narrow no-break space; the wide one it keeps together.
SAME = {"\u202f": "\u00a0"}


@cache
def register() -> frozenset[int]:
    """Makes the faces known to the drawing library, once; gives the characters that every face can draw."""
    faces = [TTFont(name, str(FOLDER / file)) for name, file in FILES.items()]
    for face in faces:
        pdfmetrics.registerFont(face)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=STRONG, italic=REGULAR, boldItalic=STRONG)
    return frozenset.intersection(*(frozenset(face.face.charToGlyph) for face in faces))


def missing(text: str) -> frozenset[str]:
    """The characters of the text that our typeface cannot draw; a paper shows a replacement sign for each."""
    known = register()
    return frozenset(sign for sign in text if ord(sign) not in known and sign not in "\n\r\t" and sign not in SAME)


def drawable(text: str) -> str:
    """The text as it can be drawn."""
    known = register()
    return "".join(SAME.get(sign, sign if ord(sign) in known or sign == "\n" else _stand_in(sign)) for sign in text)


def _stand_in(sign: str) -> str:
    return " " if sign.isspace() else UNKNOWN
