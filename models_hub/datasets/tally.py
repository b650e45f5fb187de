"""What a check counts while rows go by. Everything here has a bound that does not depend on the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from operator import add
from typing import Any

from models_hub.datasets.examples import Chat, Example, Labelled
from models_hub.datasets.lengths import Lengths
from models_hub.datasets.limits import Limits
from models_hub.datasets.personal import PersonalData
from models_hub.datasets.problems import Problem, Refused, RowFault, note
from models_hub.datasets.rejected import RejectedRows
from models_hub.datasets.repeats import Collected, Repeats
from models_hub.datasets.tokens import CHARS_PER_TOKEN, Tokenizer
from models_hub.wording import Text

MESSAGE_TOKENS = 5  # what a chat template adds around a message, in most models
LENGTHS_SHOWN = (128, 256, 512, 1024, 2048, 4096, 8192)
PREVIEWS = 5
EXAMPLES_KEPT = 20
CONFLICTS_UP_TO = 500_000  # rows of a classification in which one text with two labels is looked for
LOOK_FIRST, LOOK_EVERY = 500, 1000  # rows of a large file in which personal data is looked for


class Tally:
    def __init__(
        self,
        kind: str,
        limits: Limits,
        rejected: RejectedRows,
        tokenizer: Tokenizer | None,
        *,
        look_at_all: bool = True,
        collect: bool = False,
    ) -> None:
        self.kind, self.limits, self.rejected_rows = kind, limits, rejected
        self.tokenizer = tokenizer
        self.read = self.usable = self.rejected = 0
        self.problems: dict[str, Problem] = {}
        kind_of_repeats = Collected if collect else Repeats
        self.same_text, self.same_row = kind_of_repeats(most=CONFLICTS_UP_TO), kind_of_repeats()
        self.labels: Counter[str] = Counter()
        scale, shift = (1.0, 0) if tokenizer else (1 / CHARS_PER_TOKEN, 4)
        self.around = round(MESSAGE_TOKENS / scale)
        self.total = Lengths(shift=shift, scale=scale)
        self.before_answer = Lengths(shift=shift, scale=scale)
        self.answer = Lengths(shift=shift, scale=scale)
        self.look_at_all = look_at_all
        self.personal = PersonalData()
        self.previews: list[Example] = []

    def fault(self, line: int, fault: RowFault, raw: bytes | list[str]) -> None:
        """One row that cannot be used; gives up when nothing can be used at all."""
        self.read += 1
        self.rejected += 1
        text = raw if isinstance(raw, bytes) else ", ".join(raw).encode()
        excerpt = text[: 4 * self.limits.excerpt_chars].decode(errors="replace")[: self.limits.excerpt_chars]
        problem = self.problems.setdefault(fault.code, Problem(fault.code))
        problem.add(line, fault, excerpt, keep=EXAMPLES_KEPT)
        self.rejected_rows.add(line, fault, raw)
        if self.usable == 0 and self.rejected >= self.limits.hopeless_after:
            raise Refused("hopeless", rows=self.rejected, reason=self.main_reason())

    def main_reason(self) -> Text:
        worst = max(self.problems.values(), key=lambda problem: problem.count)
        return Text.from_dict(worst.examples[0]["text"])

    def example(self, line: int, example: Example) -> None:
        """One row, from the slow way."""
        if isinstance(example, Chat):
            counted = [[self._size(content)] for content in example.contents]
            self.chats(example.roles, [[content] for content in example.contents], counted)
            texts: Sequence[str] = example.contents
        else:
            self.labelled([example.text], [example.label], [self._size(example.text)])
            texts = (example.text,)
        if self.wants_looks() and (self.look_at_all or line % LOOK_EVERY == 0 or line <= LOOK_FIRST):
            self.personal.look(lambda: line, texts)
        if len(self.previews) < PREVIEWS:
            self.previews.append(example)

    def _size(self, text: str) -> int:
        return self.tokenizer.count(text) if self.tokenizer else len(text)

    def chats(self, order: tuple[str, ...], columns: list[list[str]], sizes: list[list[int]]) -> None:
        """Many conversations with the same order of roles: one list a message, all equally long."""
        total, before, learned = _chat_sizes(order, sizes, self.around)
        self.same_row.add_many(map(hash, zip(*columns, strict=True)), len(total))
        self.total.add_many(total)
        self.before_answer.add_many(before)
        self.answer.add_many(learned)
        self.read += len(total)
        self.usable += len(total)

    def labelled(self, texts: list[str], labels: list[str], sizes: list[int]) -> None:
        self.labels.update(labels)
        if len(self.labels) > self.limits.labels:
            raise Refused("too_many_labels", limit=self.limits.labels)
        self.same_text.add_many(map(hash, texts), len(texts))
        self.same_row.add_many(map(hash, zip(texts, labels, strict=True)), len(texts))
        self.total.add_many(sizes)
        self.read += len(texts)
        self.usable += len(texts)

    def wants_looks(self) -> bool:
        return self.personal.checked < self.limits.personal_rows

    def chosen_looks(self, rows: list[Any], texts: Callable[[Any], list[str]]) -> Iterator[tuple[int, list[str]]]:
        """Rows of a block in which personal data is looked for: all at first, or of a small file; then a few."""
        if self.look_at_all or self.read <= LOOK_FIRST:
            return ((place, texts(row)) for place, row in enumerate(rows))
        start = -(self.read - len(rows)) % LOOK_EVERY
        return ((place, texts(rows[place])) for place in range(start, len(rows), LOOK_EVERY))

    def state(self) -> dict[str, Any]:
        """Everything counted, as plain values that travel between processes."""
        return {
            "read": self.read,
            "usable": self.usable,
            "rejected": self.rejected,
            "problems": [asdict(problem) for problem in self.problems.values()],
            "same_row": _collected(self.same_row),
            "same_text": _collected(self.same_text),
            "labels": dict(self.labels),
            "lengths": [lengths.state() for lengths in self._lengths()],
            "personal": self.personal.as_dict(),
            "previews": [tuple(example) for example in self.previews],
        }

    def add_state(self, state: dict[str, Any]) -> None:
        """Adds what was counted in later lines of the same file."""
        self.read += state["read"]
        self.usable += state["usable"]
        self.rejected += state["rejected"]
        for problem in state["problems"]:
            mine = self.problems.setdefault(problem["code"], Problem(problem["code"]))
            mine.count += problem["count"]
            mine.examples += problem["examples"][: EXAMPLES_KEPT - len(mine.examples)]
        self.same_row.add_collected(state["same_row"])
        self.same_text.add_collected(state["same_text"])
        self.labels.update(state["labels"])
        for lengths, counted in zip(self._lengths(), state["lengths"], strict=True):
            lengths.add_state(counted)
        self.personal.add(state["personal"])
        make = _chat if self.kind == "chat" else _labelled
        self.previews += [make(*example) for example in state["previews"]][: PREVIEWS - len(self.previews)]

    def _lengths(self) -> tuple[Lengths, Lengths, Lengths]:
        return self.total, self.before_answer, self.answer

    def truncation(self) -> list[dict[str, int]]:
        """At each length: rows that would be cut, and rows that would be lost because no answer remains."""
        table = []
        for length in LENGTHS_SHOWN:
            cut = self.total.above(length)
            lost = min(self.before_answer.above(length - 1), cut) if self.kind == "chat" else 0
            table.append({"length": length, "cut": cut, "lost": lost})
        return table

    def notes(self) -> list[dict[str, Any]]:
        found = []
        if self.rejected:
            found.append(note("rejected", rows=self.rejected))
        if self.rejected > self.limits.rejected_kept:
            found.append(note("rejected_shortened", rows=self.limits.rejected_kept))
        repeated = self.same_row.count()
        if repeated:
            found.append(note("duplicates", rows=repeated))
        if self.kind == "classification":
            conflicts = self.same_text.count() - repeated
            if conflicts > 0 and self.usable <= CONFLICTS_UP_TO:
                found.append(note("conflicts", rows=conflicts))
            found.extend(self._label_notes())
        if 0 < self.usable < 200:
            found.append(note("small", rows=self.usable))
        if self.personal.rows:
            found.append(note("personal_data", checked=self.personal.checked, rows=self.personal.rows))
        return found

    def _label_notes(self) -> list[dict[str, Any]]:
        least = self.limits.rows_per_label
        thin = sorted(label for label, rows in self.labels.items() if rows < least)
        notes = []
        if thin:
            notes.append(note("thin_labels", least=least, names=", ".join(thin[:5])))
        label = max(self.labels, key=self.labels.__getitem__, default="")
        share = self.labels.get(label, 0) / max(self.usable, 1)
        if len(self.labels) > 1 and share > 0.7:
            notes.append(note("imbalance", label=label, share=round(100 * share)))
        return notes


def _chat_sizes(order: tuple[str, ...], sizes: list[list[int]], around: int) -> tuple[list[int], list[int], list[int]]:
    """For each row: all characters, those before the first answer, those of the answers."""
    first = order.index("assistant")
    before = _sums([list(map((around * (first + 1)).__add__, sizes[0])), *sizes[1:first]])
    learned = _sums(sizes[first::2])
    rest = sizes[first + 1 :: 2]
    total = list(map((around * (len(order) - first - 1)).__add__, map(add, before, learned)))
    return (_sums([total, *rest]) if rest else total), before, learned


def _sums(columns: Sequence[list[int]]) -> list[int]:
    sums = columns[0]
    for column in columns[1:]:
        sums = list(map(add, sums, column))
    return sums


def _chat(roles: Sequence[str], contents: list[str]) -> Example:
    return Chat(tuple(roles), contents)


def _labelled(text: str, label: str) -> Example:
    return Labelled(text, label)


def _collected(repeats: Repeats) -> bytes:
    return repeats.as_bytes() if isinstance(repeats, Collected) else b""
