"""What stands on a paper, as frozen data with a JSON form. Knows nothing of fonts, millimetres or PDF."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text; line breaks stay. `style`: body, lead (larger) or small (smaller, grey)."""

    text: str
    style: str = "body"


@dataclass(frozen=True)
class Heading:
    """A heading inside the paper, level 1 or 2; the paper's own title is not repeated here."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Address:
    """To whom it goes, line by line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and values in two columns."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows under a head that is repeated on each page.

    numeric   numbers of columns set to the right (0 is the first)
    widths    shares of the width, one a column; all equal when empty
    total     whether the last row is a sum
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    widths: tuple[float, ...] = ()
    total: bool = False


@dataclass(frozen=True)
class Branch:
    """One node of a derivation: what, its value at the right, a remark (article, reason), what it rests on."""

    label: str
    value: str = ""
    note: str = ""
    children: tuple["Branch", ...] = ()


@dataclass(frozen=True)
class Tree:
    """A derivation; children stand indented below their parent, joined by lines."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Note:
    """A remark in a box. `tone`: info, ok, warn or bad; the words must say it too."""

    text: str
    tone: str = "info"
    title: str = ""


@dataclass(frozen=True)
class Signature:
    """Who signed and when, as text under a line."""

    name: str
    detail: str = ""


@dataclass(frozen=True)
class NewPage:
    """What follows begins on a new page, under a title of its own (a second language, an annex)."""

    title: str = ""


Part = Text | Heading | Address | Facts | Bullets | Table | Tree | Note | Signature | NewPage
KINDS: dict[str, type] = {
    kind.__name__.lower(): kind
    for kind in (Text, Heading, Address, Facts, Bullets, Table, Tree, Note, Signature, NewPage)
}


@dataclass(frozen=True)
class Words:
    """What the foot of each page says, in the paper's language. `page` holds {page} and {pages}."""

    page: str = "Page {page} of {pages}"
    document: str = "Document"
    contents: str = "SHA-256 of the contents"


@dataclass(frozen=True)
class Paper:
    """A document.

    ident      its number, on each page
    language   BCP 47, for readers' software
    issuer     whose paper it is; `authority` the body on whose behalf, at the right of the head
    dated      day and place as text; nothing here reads a clock
    """

    title: str
    ident: str
    parts: tuple[Part, ...]
    language: str = "en"
    issuer: str = "Open PaaS"
    authority: str = ""
    dated: str = ""
    subtitle: str = ""
    words: Words = field(default_factory=Words)

    @property
    def digest(self) -> str:
        """SHA-256 of everything on the paper, in its JSON form; printed at the foot."""
        canonical = json.dumps(to_json(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def to_json(paper: Paper) -> dict[str, Any]:
    """The paper as JSON values; `paper_from_json` gives an equal paper."""
    parts = [{"kind": type(part).__name__.lower(), **_plain(asdict(part))} for part in paper.parts]
    return {**_plain(asdict(paper)), "parts": parts}


def paper_from_json(data: Mapping[str, Any]) -> Paper:
    """The paper that `to_json` stored."""
    fields = dict(data)
    fields["parts"] = tuple(_part(part) for part in data["parts"])
    fields["words"] = Words(**data["words"])
    return Paper(**fields)


def _part(data: Mapping[str, Any]) -> Part:
    fields = {name: _frozen(value) for name, value in data.items() if name != "kind"}
    if data["kind"] == "tree":
        fields["branches"] = tuple(_branch(branch) for branch in data["branches"])
    part: Part = KINDS[data["kind"]](**fields)
    return part


def _branch(data: Mapping[str, Any]) -> Branch:
    children = tuple(_branch(child) for child in data["children"])
    return Branch(data["label"], data["value"], data["note"], children)


def _plain(value: Any) -> Any:
    """Tuples as lists and texts as plain strings, as JSON will give them back; lazy translations end here."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float) else str(value)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
