"""A derivation as indented rows with lines from each node to what it rests on."""

from collections.abc import Callable, Iterator, Sequence

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph

from portal.papers.frame import LINE
from portal.papers.paper import Branch

STEP, DEEPEST, VALUE = 5.5 * mm, 12, 46 * mm
ABOVE, BELOW, ELBOW = 3.0, 4.0, 6.2
Make = Callable[[str, ParagraphStyle], Paragraph]


class Row(Flowable):
    """One node. `rails` says for each level above whether a sister follows there, so that its line goes on."""

    def __init__(
        self, label: Paragraph, value: Paragraph, note: Paragraph | None, rails: tuple[bool, ...], parent: bool
    ):
        super().__init__()
        self.label, self.value, self.note, self.rails, self.parent = label, value, note, rails, parent

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.indent = min(len(self.rails), DEEPEST) * STEP
        room = width - self.indent
        beside = min(VALUE, room * 0.45)
        self.label_room = room - beside - 4 * mm
        label = self.label.wrap(self.label_room, height)[1]
        value = self.value.wrap(beside, height)[1]
        self.value_left = width - beside
        self.text_height = max(label, value)
        self.note_height = self.note.wrap(self.label_room, height)[1] if self.note else 0
        self.width, self.height = width, ABOVE + self.text_height + self.note_height + BELOW
        return self.width, self.height

    def draw(self) -> None:
        self._lines()
        top = self.height - ABOVE
        self.label.drawOn(self.canv, self.indent, top - self.label.height)
        self.value.drawOn(self.canv, self.value_left, top - self.value.height)
        if self.note:
            self.note.drawOn(self.canv, self.indent, top - self.text_height - self.note_height)

    def _lines(self) -> None:
        canvas = self.canv
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.9)
        elbow = self.height - ABOVE - ELBOW
        for level, goes_on in enumerate(self.rails[:DEEPEST]):
            x = level * STEP + 2
            last = level == len(self.rails) - 1
            if goes_on or last:
                canvas.line(x, self.height, x, 0 if goes_on else elbow)
            if last:
                canvas.line(x, elbow, x + STEP - 5, elbow)
        if self.parent and len(self.rails) < DEEPEST:
            x = self.indent + 2
            canvas.line(x, 0, x, BELOW - 2)


def rows_of(
    branches: Sequence[Branch],
    width: float,
    *,
    make: Make,
    label: ParagraphStyle,
    value: ParagraphStyle,
    note: ParagraphStyle,
    rails: tuple[bool, ...] = (),
) -> Iterator[Row]:
    """One row for each branch, parents first."""
    for number, branch in enumerate(branches, 1):
        # The trunk has no rails; below it each level remembers whether another sister follows.
        own = (*rails, number < len(branches)) if rails or label.name == "branch" else ()
        yield Row(
            make(branch.label, label),
            make(branch.value, value),
            make(branch.note, note) if branch.note else None,
            own,
            bool(branch.children),
        )
        below = ParagraphStyle("branch", label)
        yield from rows_of(branch.children, width, make=make, label=below, value=value, note=note, rails=own)
