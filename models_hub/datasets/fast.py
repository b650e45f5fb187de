"""The fast way through JSON Lines: whole blocks decoded and counted in C, almost no Python for a single row.

A block is some dozens of lines. Where all its rows are as they should be, their texts never meet an `if` of ours. The
first row that is not sends its block (or the rows of its kind) the slow way through `rows` and `examples`, which accept
other spellings and can explain what is wrong. Both ways count the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

import msgspec

from models_hub.datasets.examples import Chat, Example, Labelled, check_roles, converter
from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Cancelled, Refused, RowFault
from models_hub.datasets.rows import JSON_ERRORS, parse_line, refuse_cut_off
from models_hub.datasets.schema import ColumnMapping
from models_hub.datasets.source import Source
from models_hub.datasets.tally import PREVIEWS, Tally

BLOCK = 1 << 18  # small enough for a processor's cache, large enough to spread the cost of a block
MESSAGES, ROLE, CONTENT = attrgetter("messages"), attrgetter("role"), attrgetter("content")


class Message(msgspec.Struct, gc=False):
    role: Literal["system", "user", "assistant"]
    content: str


class Lines:
    """Which line a block begins on, counted only when somebody asks: most files have nothing to report."""

    def __init__(self, path: Path, mark: int) -> None:
        self._path, self._offset, self._line = path, mark, 1

    def at(self, offset: int) -> int:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            while self._offset < offset:
                data = file.read(min(1 << 20, offset - self._offset))
                self._line += data.count(b"\n")
                self._offset += len(data)
        return self._line


def fits(source: Source, mapping: ColumnMapping, tally: Tally) -> bool:
    """Whether this way can be taken: JSON Lines in UTF-8, nothing to join, and tokens not to be counted exactly."""
    joined = set(mapping.columns) & {"context", "system"}
    return source.format == "jsonl" and source.encoding.name == "utf-8" and not tally.tokenizer and not joined


def tally_lines(
    source: Source,
    mapping: ColumnMapping,
    tally: Tally,
    limits: Limits,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    begin: int | None = None,
    end: int | None = None,
) -> bool:
    """Tallies the file, or its lines between two offsets that begin lines; false when this way does not fit."""
    if not fits(source, mapping, tally):
        return False
    kind = {"messages": _Messages, "labelled": _Labelled, "pairs": _Pairs}[mapping.layout]
    blocks = kind(mapping, tally, limits)
    lines = Lines(source.path, source.encoding.mark)
    offset, last = source.encoding.mark if begin is None else begin, b""
    end = source.size if end is None else end
    for turn, block in enumerate(_blocks(source.path, offset, end, limits, lines)):
        blocks.take(block, lambda start=offset: lines.at(start))  # type: ignore[misc]
        if tally.read > limits.rows:
            raise Refused("too_many_rows", limit=limits.rows)
        offset += len(block)
        last = block
        if turn % 16 == 15:
            if progress:
                progress(tally.read)
            if cancelled and cancelled():
                raise Cancelled
    if last and not last.endswith(b"\n"):
        start = last.rfind(b"\n") + 1
        refuse_cut_off(source, last[start:], lines.at(offset))
    return True


def _blocks(path: Path, begin: int, end: int, limits: Limits, lines: Lines) -> Iterator[bytes]:
    """Whole lines, about a block at a time; only the last block of a file may lack its newline."""
    rest = b""
    offset, left = begin, end - begin
    with path.open("rb", buffering=0) as file:
        file.seek(begin)
        while left > 0 and (data := file.read(min(BLOCK, left))):
            left -= len(data)
            cut = data.rfind(b"\n") + 1
            if cut:
                block = rest + data[:cut]
                rest = data[cut:]
                offset += len(block)
                yield block
            else:
                rest += data
                if len(rest) > limits.line_bytes:
                    raise Refused("line_too_long", line=lines.at(offset), megabytes=round(limits.line_bytes / 1e6, 1))
    if rest:
        yield rest


class _Blocks:
    """What the three layouts share: decoding a block, and the slow way for those that resist."""

    decode: Callable[[bytes], list[Any]]

    def __init__(self, mapping: ColumnMapping, tally: Tally, limits: Limits) -> None:
        self.tally, self.limits = tally, limits
        self.convert = converter(mapping, limits)
        self.columns = mapping.columns

    def take(self, block: bytes, first_line: Callable[[], int]) -> None:
        try:
            rows = self.decode(block)
        except JSON_ERRORS:
            self.slowly(block, first_line())
            return
        if not self.count(rows):
            self.slowly(block, first_line())
            return
        tally = self.tally
        if tally.wants_looks():
            # the line is that of a block without blank lines; good enough for a hint
            for place, texts in tally.chosen_looks(rows, self.texts):
                tally.personal.look(lambda place=place: first_line() + place, texts)  # type: ignore[misc]
        if len(tally.previews) < PREVIEWS:
            for row in rows[: PREVIEWS - len(tally.previews)]:
                tally.previews.append(self.example(row))

    def slowly(self, block: bytes, line: int) -> None:
        lines = block.split(b"\n")
        for place, raw in enumerate(lines):
            if not raw or raw.isspace():
                continue
            try:
                self.tally.example(line + place, self.convert(parse_line(raw, self.limits)))
            except RowFault as fault:
                self.tally.fault(line + place, fault, raw)

    def count(self, rows: list[Any]) -> bool:
        """Counts all rows, or none of them and answers false."""
        raise NotImplementedError

    def texts(self, row: Any) -> list[str]:
        raise NotImplementedError

    def example(self, row: Any) -> Chat | Labelled:
        raise NotImplementedError

    def columns_are_fine(self, columns: list[list[str]], sizes: list[list[int]]) -> bool:
        return all(map(all, columns)) and sum(map(max, sizes)) <= self.limits.text_chars


class _Messages(_Blocks):
    def __init__(self, mapping: ColumnMapping, tally: Tally, limits: Limits) -> None:
        super().__init__(mapping, tally, limits)
        fields = [("messages", list[Message], msgspec.field(name=mapping.columns["messages"]))]
        self.decode = msgspec.json.Decoder(msgspec.defstruct("Row", fields, gc=False)).decode_lines

    def count(self, rows: list[Any]) -> bool:
        """Conversations of the same length are counted together, message by message."""
        talks = list(map(MESSAGES, rows))
        by_length: dict[int, list[list[Message]]] = {}
        counts = list(map(len, talks))
        if counts.count(counts[0]) == len(counts):
            by_length[counts[0]] = talks
        else:
            for count, talk in zip(counts, talks, strict=True):
                by_length.setdefault(count, []).append(talk)
        ready = []
        for length, group in by_length.items():
            flat = list(chain.from_iterable(group))
            roles = list(map(ROLE, flat))
            order = tuple(roles[:length])
            if not _is_fine(order, self.limits) or roles != list(order) * len(group):
                return False
            contents = list(map(str.strip, map(CONTENT, flat)))
            columns = [contents[place::length] for place in range(length)]
            sizes = [list(map(len, column)) for column in columns]
            if not self.columns_are_fine(columns, sizes):
                return False
            ready.append((order, columns, sizes))
        for order, columns, sizes in ready:
            self.tally.chats(order, columns, sizes)
        return True

    def texts(self, row: Any) -> list[str]:
        return [message.content for message in row.messages]

    def example(self, row: Any) -> Chat:
        return Chat(tuple(message.role for message in row.messages), [text.strip() for text in self.texts(row)])


class _Pairs(_Blocks):
    ORDER = ("user", "assistant")

    def __init__(self, mapping: ColumnMapping, tally: Tally, limits: Limits) -> None:
        super().__init__(mapping, tally, limits)
        names = (("prompt", mapping.columns["prompt"]), ("completion", mapping.columns["completion"]))
        fields: list[Any] = [(field, str, msgspec.field(name=name)) for field, name in names]
        self.decode = msgspec.json.Decoder(msgspec.defstruct("Row", fields, gc=False)).decode_lines

    def count(self, rows: list[Any]) -> bool:
        columns = [list(map(str.strip, map(attrgetter(name), rows))) for name in ("prompt", "completion")]
        sizes = [list(map(len, column)) for column in columns]
        if not self.columns_are_fine(columns, sizes):
            return False
        self.tally.chats(self.ORDER, columns, sizes)
        return True

    def texts(self, row: Any) -> list[str]:
        return [row.prompt, row.completion]

    def example(self, row: Any) -> Chat:
        return Chat(self.ORDER, [text.strip() for text in self.texts(row)])


class _Labelled(_Blocks):
    def __init__(self, mapping: ColumnMapping, tally: Tally, limits: Limits) -> None:
        super().__init__(mapping, tally, limits)
        names = (("text", mapping.columns["text"]), ("label", mapping.columns["label"]))
        fields: list[Any] = [(field, str, msgspec.field(name=name)) for field, name in names]
        self.decode = msgspec.json.Decoder(msgspec.defstruct("Row", fields, gc=False)).decode_lines

    def count(self, rows: list[Any]) -> bool:
        columns = [list(map(str.strip, map(attrgetter(name), rows))) for name in ("text", "label")]
        sizes = [list(map(len, column)) for column in columns]
        if (
            not self.columns_are_fine(columns, sizes)
            or max(sizes[1]) > self.limits.label_chars
            or "\x00" in "".join(columns[1])
        ):
            return False
        self.tally.labelled(columns[0], columns[1], sizes[0])
        return True

    def texts(self, row: Any) -> list[str]:
        return [row.text]

    def example(self, row: Any) -> Labelled:
        return Labelled(row.text.strip(), row.label.strip())


_FINE: dict[tuple[str, ...], bool] = {}


def _is_fine(order: tuple[str, ...], limits: Limits) -> bool:
    """Whether roles take turns as they should; judged once for each order."""
    known = _FINE.get(order)
    if known is None:
        try:
            check_roles(order)
            known = len(order) <= limits.messages
        except RowFault:
            known = False
        if len(_FINE) < 1000:
            _FINE[order] = known
    return known


def examples(source: Source, mapping: ColumnMapping, limits: Limits) -> Iterator[Example] | None:
    """Usable rows in their order, decoded the fast way; None when it does not fit. Others are judged the slow way."""
    if source.format != "jsonl" or source.encoding.name != "utf-8" or mapping.layout != "messages":
        return None
    return _conversations(source, mapping, limits)


def _conversations(source: Source, mapping: ColumnMapping, limits: Limits) -> Iterator[Example]:
    fields = [("messages", list[Message], msgspec.field(name=mapping.columns["messages"]))]
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(msgspec.defstruct("Row", fields, gc=False)).decode
    convert = converter(mapping, limits)
    lines = Lines(source.path, source.encoding.mark)
    most = limits.text_chars
    for block in _blocks(source.path, source.encoding.mark, source.size, limits, lines):
        for line in block.split(b"\n"):
            if not line:
                continue
            try:
                messages = decode(line).messages
                roles = tuple([message.role for message in messages])
                contents = [message.content.strip() for message in messages]
            except JSON_ERRORS:
                roles, contents = (), []
            if (
                _is_fine(roles, limits)
                and all(contents)
                and "\x00" not in (text := "".join(contents))
                and len(text) <= most
            ):
                yield Chat(roles, contents)
                continue
            try:
                yield convert(parse_line(line, limits))
            except RowFault:
                continue
