"""The ownership graph as a drawing: owners above, the company in the middle, what it holds below.

Plain data in, coordinates out; a template turns them into SVG beside an equal table. The same graph gives the same
drawing. Two layouts are made: a wide one, and one of two columns for phones, so that text never shrinks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.utils.translation import gettext as _

from accounts.models import Party
from accounts.sme.graph import Holding, Ownership, PartyKind
from portal.ui.numbers import number, percent

MARGIN = 4.0
LINE_CHARS_PER_PIXEL = 0.145
LABEL_CHAR = 6.7
NOT_COUNTED = "none"


@dataclass(frozen=True)
class Standing:
    """How a party stands to the company: linked, partner, exempt, public, none or self; the share counted, per cent."""

    code: str
    share: Decimal | None = None

    @property
    def word(self) -> str:
        words = {
            "self": _("Your company"),
            "linked": _("Linked, counts in full"),
            "partner": _("Partner"),
            "exempt": _("Exempt, not counted"),
            "public": _("Public owner"),
        }
        word = words.get(self.code, _("Not counted"))
        if self.code == "partner" and self.share is not None:
            return _("Partner, counts %(share)s") % {"share": share_text(self.share)}
        return word


@dataclass(frozen=True)
class Box:
    id: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    kind: str
    standing: Standing

    @property
    def css(self) -> str:
        return self.standing.code

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def texts(self) -> list[tuple[float, str, str]]:
        """(y, words, style) of every line inside the box."""
        found, y = [], self.y + (22 if len(self.lines) > 1 else 30)
        for line in self.lines:
            found.append((y, line, "name"))
            y += 17
        bottom = self.y + self.height
        return [*found, (bottom - 28, self.kind, "kind"), (bottom - 11, self.standing.word, "word")]


@dataclass(frozen=True)
class Edge:
    path: str
    css: str
    label: str
    x: float
    y: float
    label_width: float

    @property
    def label_x(self) -> float:
        return round(self.x - self.label_width / 2, 1)

    @property
    def label_y(self) -> float:
        return round(self.y - 10, 1)


@dataclass(frozen=True)
class Drawing:
    ident: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    title: str
    summary: str


@dataclass(frozen=True)
class Row:
    """One line of the table that says what the drawing shows."""

    owner: str
    owned: str
    share: str
    control: str
    standing: str


@dataclass(frozen=True)
class Shape:
    ident: str
    box_width: float
    box_height: float
    gap_x: float
    gap_y: float
    columns: int
    side: float  # room at the sides, so that a line can pass outside of every box


WIDE = Shape("group-wide", 196, 92, 28, 74, 5, 22)
NARROW = Shape("group-narrow", 138, 92, 14, 74, 2, 13)
LABEL_HEIGHT = 20.0


def share_text(share: Decimal) -> str:
    """Per cent with as many decimals as it needs, at most two."""
    exact = share.normalize()
    decimals = min(2, max(0, -int(exact.as_tuple().exponent)))
    return percent(share / 100, decimals)


def holding_text(one: Holding) -> str:
    """A holding in a few words: "60%", "60%, votes 40%", "0%, control"."""
    if one.capital == one.votes:
        words = [share_text(one.capital)] if one.capital else []
    else:
        words = [_("%(capital)s, votes %(votes)s")
                 % {"capital": share_text(one.capital), "votes": share_text(one.votes)}]  # fmt: skip
    if one.control:
        words.append(_("control"))
    return ", ".join(words)


def draw(ownership: Ownership, standings: Mapping[str, Standing]) -> tuple[Drawing, Drawing]:
    """The wide and the narrow drawing."""
    return _draw(ownership, standings, WIDE), _draw(ownership, standings, NARROW)


def rows(ownership: Ownership, standings: Mapping[str, Standing]) -> list[Row]:
    """Every holding in words, for the table beside the drawing."""
    names = {party.id: party.name for party in ownership.parties}
    found = []
    for one in ownership.holdings:
        other = one.owned if one.owner == ownership.subject else one.owner
        found.append(
            Row(
                names[one.owner],
                names[one.owned],
                holding_text(Holding(one.owner, one.owned, one.capital, one.votes)) or "–",
                ", ".join(str(CONTROL_WORDS[ground]()) for ground in sorted(one.control)),
                standings.get(other, Standing(NOT_COUNTED)).word,
            )
        )
    return found


CONTROL_WORDS = {
    "majority_of_votes": lambda: _("majority of the votes"),
    "appoints_board": lambda: _("appoints the board"),
    "dominant_influence": lambda: _("dominant influence by contract or articles"),
    "voting_agreement": lambda: _("majority by an agreement with others"),
}


def layers(ownership: Ownership) -> list[list[str]]:
    """Parties by rows from the highest owner to the lowest daughter; whoever is tied to nobody stands at the bottom."""
    level = {ownership.subject: 0}
    waiting = [ownership.subject]
    while waiting:
        here = waiting.pop(0)
        for one in ownership.holdings:
            for end, other, step in ((one.owned, one.owner, -1), (one.owner, one.owned, 1)):
                if end == here and other not in level:
                    level[other] = level[here] + step
                    waiting.append(other)
    lowest = max(level.values())
    found: dict[int, list[str]] = defaultdict(list)
    for party in ownership.parties:
        found[level.get(party.id, lowest + 1)].append(party.id)
    return _untangled([found[at] for at in sorted(found)], ownership)


def _untangled(rows_of: list[list[str]], ownership: Ownership) -> list[list[str]]:
    """Each row ordered by the mean place of its neighbours: fewer lines cross. Two sweeps settle small graphs."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for one in ownership.holdings:
        neighbours[one.owner].append(one.owned)
        neighbours[one.owned].append(one.owner)
    for _sweep in range(2):
        place = {ident: at - (len(row) - 1) / 2 for row in rows_of for at, ident in enumerate(row)}
        for row in rows_of:
            before = {ident: place[ident] for ident in row}
            means = {
                ident: sum(place[other] for other in neighbours[ident]) / len(neighbours[ident])
                if neighbours[ident]
                else before[ident]
                for ident in row
            }
            row.sort(key=lambda ident: (means[ident], before[ident]))
    return rows_of


def _draw(ownership: Ownership, standings: Mapping[str, Standing], shape: Shape) -> Drawing:
    lines: list[list[str]] = []
    for layer in layers(ownership):
        count = -(-len(layer) // shape.columns)
        size = -(-len(layer) // count)
        lines += [layer[at : at + size] for at in range(0, len(layer), size)]
    widest = max(len(line) for line in lines)
    width = widest * shape.box_width + (widest - 1) * shape.gap_x + 2 * (shape.side if len(lines) > 2 else MARGIN)
    boxes: dict[str, Box] = {}
    for at, line in enumerate(lines):
        taken = len(line) * shape.box_width + (len(line) - 1) * shape.gap_x
        for column, ident in enumerate(line):
            x = (width - taken) / 2 + column * (shape.box_width + shape.gap_x)
            y = MARGIN + at * (shape.box_height + shape.gap_y)
            boxes[ident] = _box(ownership, ident, x, y, shape, standings)
    height = len(lines) * shape.box_height + (len(lines) - 1) * shape.gap_y + 2 * MARGIN
    return Drawing(
        ident=shape.ident,
        width=round(width, 1),
        height=round(height, 1),
        boxes=tuple(boxes.values()),
        edges=tuple(_edges(ownership.holdings, boxes, standings, ownership.subject, shape)),
        title=_("Owners above, your company in the middle, what it holds below"),
        summary=_("%(parties)s parties and %(holdings)s holdings; the table below says the same.")
        % {"parties": number(len(ownership.parties)), "holdings": number(len(ownership.holdings))},
    )


def _box(ownership: Ownership, ident: str, x: float, y: float, shape: Shape, standings: Mapping[str, Standing]) -> Box:
    party = ownership.party(ident)
    standing = Standing("self") if ident == ownership.subject else standings.get(ident, Standing(NOT_COUNTED))
    kind = str(Party.Kind(party.kind.value).label)
    if party.kind is PartyKind.ENTERPRISE and party.periods:
        latest = max(party.periods, key=lambda one: one.period_end)
        kind = _("Staff %(awu)s") % {"awu": number(latest.awu, 0 if latest.awu == int(latest.awu) else 1)}
    room = int((shape.box_width - 20) * LINE_CHARS_PER_PIXEL * 0.92)
    return Box(
        id=ident,
        x=round(x, 1),
        y=round(y, 1),
        width=shape.box_width,
        height=shape.box_height,
        lines=_wrapped(party.name, room),
        kind=_shortened(kind, room + 3),
        standing=standing,
    )


def _edges(
    holdings: Iterable[Holding],
    boxes: Mapping[str, Box],
    standings: Mapping[str, Standing],
    subject: str,
    shape: Shape,
) -> Iterator[Edge]:
    known = list(holdings)
    ports = _ports(known, boxes)
    right = max(box.x + box.width for box in boxes.values()) + shape.side
    taken: list[tuple[float, float, float]] = []
    used: Counter[tuple[float, float]] = Counter()
    for at, one in enumerate(known):
        (x1, y1, down1), (x2, y2, down2) = ports[at]
        points = [(x1, y1), *_passages((x1, y1), (x2, y2), boxes, shape.side, used), (x2, y2)]
        path, middle = f"M{x1:.1f} {y1:.1f}", (x1, y1)
        for step, ((ax, ay), (bx, by)) in enumerate(pairwise(points)):
            if step % 2:  # straight through a row of boxes
                path += f" L{bx:.1f} {by:.1f}"
                continue
            bend = max(abs(by - ay) * 0.45, 26.0)
            c1, c2 = ay + (bend if down1 else -bend), by + (bend if down2 else -bend)
            path += f" C{ax:.1f} {c1:.1f} {bx:.1f} {c2:.1f} {bx:.1f} {by:.1f}"
            # The label stands in the last gap, next to whom the share is of.
            middle = ((ax + bx) / 2, (ay + 3 * c1 + 3 * c2 + by) / 8)
        label = holding_text(one)
        label_width = round(len(label) * LABEL_CHAR + 12, 1)
        x, y = _free_place(min(max(middle[0], label_width / 2), right - label_width / 2), middle[1], label_width, taken)
        yield Edge(path, _edge_css(one, standings, subject), label, round(x, 1), round(y, 1), label_width)


def _free_place(x: float, y: float, width: float, taken: list[tuple[float, float, float]]) -> tuple[float, float]:
    """The place of a label, moved up or down a little where another one stands already."""
    for shift in (0.0, -LABEL_HEIGHT - 1, LABEL_HEIGHT + 1):
        crowded = any(
            abs(x - other_x) < (width + other_width) / 2 and abs(y + shift - other_y) < LABEL_HEIGHT
            for other_x, other_y, other_width in taken
        )
        if not crowded:
            y += shift
            break
    taken.append((x, y, width))
    return x, y


def _passages(
    start: tuple[float, float],
    end: tuple[float, float],
    boxes: Mapping[str, Box],
    side: float,
    used: Counter[tuple[float, float]],
) -> list[tuple[float, float]]:
    """Where a line goes through the rows of boxes between its ends: into each row and out of it, between two boxes.

    `used` counts the lines in each passage; they run side by side.
    """
    top, bottom = min(start[1], end[1]), max(start[1], end[1])
    between: dict[float, list[Box]] = defaultdict(list)
    for box in boxes.values():
        if top < box.y and box.y + box.height < bottom:
            between[box.y].append(box)
    found = []
    for y, row in sorted(between.items(), reverse=start[1] > end[1]):
        ordered = sorted(row, key=lambda box: box.x)
        wanted = start[0] + (end[0] - start[0]) * (y - start[1]) / ((end[1] - start[1]) or 1)
        gaps = [ordered[0].x - side / 2, ordered[-1].x + ordered[-1].width + side / 2]
        gaps += [(left.x + left.width + right.x) / 2 for left, right in pairwise(ordered)]
        gap = min(gaps, key=lambda one: (abs(one - wanted), one))
        place = used[gap, y]
        used[gap, y] += 1
        x = gap + (place + 1) // 2 * (4 if place % 2 else -4)
        ends = [(x, y), (x, y + ordered[0].height)]
        found += ends if start[1] < end[1] else ends[::-1]
    return found


def _ports(
    holdings: list[Holding], boxes: Mapping[str, Box]
) -> list[tuple[tuple[float, float, bool], tuple[float, float, bool]]]:
    """Where each line leaves and arrives: spread over a box's edge in the order of the other ends."""
    sides: dict[tuple[str, bool], list[tuple[float, int, int]]] = defaultdict(list)
    for at, one in enumerate(holdings):
        owner, owned = boxes[one.owner], boxes[one.owned]
        down = owner.y < owned.y
        level = owner.y == owned.y
        sides[one.owner, level or down].append((owned.middle, at, 0))
        sides[one.owned, level or not down].append((owner.middle, at, 1))
    found: dict[tuple[int, int], tuple[float, float, bool]] = {}
    for (ident, below), ends in sides.items():
        box = boxes[ident]
        for place, (_x, at, end) in enumerate(sorted(ends), start=1):
            x = box.x + box.width * place / (len(ends) + 1)
            found[at, end] = (x, box.y + box.height if below else box.y, below)
    return [(found[at, 0], found[at, 1]) for at in range(len(holdings))]


def _edge_css(one: Holding, standings: Mapping[str, Standing], subject: str) -> str:
    if one.votes > 50 or one.control:
        return "linked"
    other = one.owned if one.owner == subject else one.owner
    return standings.get(other, Standing(NOT_COUNTED)).code if subject in (one.owner, one.owned) else "plain"


def _wrapped(name: str, room: int) -> tuple[str, ...]:
    """The name in at most two lines."""
    first, rest = "", ""
    for word in name.split():
        if not rest and len(f"{first} {word}".strip()) <= room:
            first = f"{first} {word}".strip()
        else:
            rest = f"{rest} {word}".strip()
    if not first:
        first, rest = rest[:room], rest[room:].strip()
    return (first, _shortened(rest, room)) if rest else (first,)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"
