"""What kind of file this is: judged by its content, never by its name."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models_hub.datasets.encodings import SAMPLE, Encoding, detect_encoding, utf8_chunks
from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Refused
from models_hub.datasets.synonyms import is_known_name

DELIMITERS = (",", ";", "\t", "|")
JSON_BLANKS = b" \t\r\n"

# (offset, first bytes, code of the refusal, what people call it)
MAGIC = (
    (0, b"\x1f\x8b", "archive", "gzip"),
    (0, b"BZh", "archive", "bzip2"),
    (0, b"\xfd7zXZ\x00", "archive", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "archive", "zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "archive", "7-Zip"),
    (0, b"Rar!\x1a\x07", "archive", "RAR"),
    (257, b"ustar", "archive", "tar"),
    (0, b"\xd0\xcf\x11\xe0", "spreadsheet", "Excel 97-2003"),
    (0, b"%PDF", "document", "PDF"),
    (0, b"{\\rtf", "document", "RTF"),
    (0, b"SQLite format 3\x00", "database", "SQLite"),
    (0, b"\x89PNG", "picture", "PNG"),
    (0, b"\xff\xd8\xff", "picture", "JPEG"),
    (0, b"GIF8", "picture", "GIF"),
    (0, b"RIFF", "picture", "WAV"),
    (0, b"ID3", "picture", "MP3"),
    (0, b"OggS", "picture", "Ogg"),
    (4, b"ftyp", "picture", "MP4"),
    (0, b"\x7fELF", "program", "ELF"),
    (0, b"MZ", "program", "EXE"),
    (0, b"GGUF", "program", "GGUF"),
    (0, b"\x93NUMPY", "program", "NumPy"),
    (0, b"\x80\x04\x95", "program", "pickle"),
    (0, b"ARROW1", "program", "Arrow"),
    (0, b"ORC", "program", "ORC"),
)


UTF8 = Encoding("utf-8")


@dataclass(frozen=True, slots=True)
class Source:
    """One file, understood well enough to be read row by row."""

    path: Path
    format: str  # jsonl | json | csv | parquet
    size: int
    encoding: Encoding = UTF8
    delimiter: str = ","
    has_header: bool = True
    header: tuple[str, ...] = ()
    header_line: int = 1
    notes: tuple[tuple[str, dict[str, str]], ...] = ()

    def chunks(self) -> Iterator[bytes]:
        stream = utf8_chunks(self.path, self.encoding)
        return _newlines(stream) if self.format == "csv" else stream


def inspect(path: Path, limits: Limits | None = None) -> Source:
    """Raises `Refused` for everything that is no table of text rows."""
    limits = limits or Limits()
    size = path.stat().st_size
    if size == 0:
        raise Refused("empty")
    if size > limits.file_bytes:
        raise Refused("too_large", megabytes=size // 1_000_000, limit=limits.file_bytes // 1_000_000)
    with path.open("rb") as file:
        head = file.read(4096)
        _refuse_other_things(head, path)
        if head.startswith(b"PAR1"):
            file.seek(-4, io.SEEK_END)
            if file.read() not in (b"PAR1", b"PARE") or size < 12:
                raise Refused("parquet_unreadable")
            return Source(path, "parquet", size)
    encoding = detect_encoding(path)
    sample = _sample(path, encoding)
    start = sample.lstrip(JSON_BLANKS)
    if not start:
        raise Refused("empty")
    notes: list[tuple[str, dict[str, str]]] = []
    if not encoding.certain:
        notes.append(("encoding_guessed", {"encoding": encoding.name.upper()}))
    if start[:1] == b"{":
        return Source(path, _one_a_line(start), size, encoding, notes=tuple(notes))
    if start[:1] == b"[" and start[1:].lstrip(JSON_BLANKS)[:1] in (b"{", b"]", b""):
        return Source(path, "json", size, encoding, notes=tuple(notes))
    lowered = start[:200].lower()
    if lowered.startswith((b"<?xml", b"<!doctype", b"<html", b"<")):
        raise Refused("markup")
    return _table(path, size, encoding, sample, limits, notes)


def _refuse_other_things(head: bytes, path: Path) -> None:
    for offset, magic, code, name in MAGIC:
        if head[offset : offset + len(magic)] == magic:
            # two-letter marks could open an ordinary header: a zero byte nearby settles it
            if code == "program" and len(magic) <= 4 and b"\x00" not in head:
                continue
            raise Refused(code, type=name)
    if head.startswith(b"PK\x03\x04"):
        # an office file is a packed folder whose member names stand in plain text
        inside = head + path.open("rb").read(65536)
        if b"xl/" in inside or b"opendocument.spreadsheet" in inside:
            raise Refused("spreadsheet", type="Excel" if b"xl/" in inside else "OpenDocument")
        if b"word/" in inside or b"opendocument.text" in inside:
            raise Refused("document", type="Word" if b"word/" in inside else "OpenDocument")
        raise Refused("archive", type="ZIP")


def _sample(path: Path, encoding: Encoding) -> bytes:
    return next(utf8_chunks(path, encoding, chunk=SAMPLE), b"")


def _one_a_line(start: bytes) -> str:
    """JSON Lines if the first line is a whole object, or two of the first lines are; otherwise objects span lines."""
    lines = [line.strip() for line in start.split(b"\n", 5)[:5] if line.strip()]
    whole = [_is_object(line) for line in lines]
    first = lines[0]
    return "jsonl" if whole[0] or sum(whole) > 1 or first.endswith(b"}") or len(first) > 200 else "json"


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _newlines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Line ends of old Macs (a bare carriage return) become newlines; decided on the first chunk."""
    old_mac: bool | None = None
    for chunk in chunks:
        if old_mac is None:
            old_mac = b"\r" in chunk and b"\n" not in chunk
        yield chunk.replace(b"\r", b"\n") if old_mac else chunk


def _table(
    path: Path, size: int, encoding: Encoding, sample: bytes, limits: Limits, notes: list[tuple[str, dict[str, str]]]
) -> Source:
    sample = next(_newlines(iter([sample])))
    first = sample.lstrip(b"\r\n \t").split(b"\n", 1)[0]
    most = max(first.count(mark.encode()) for mark in DELIMITERS) + 1
    if most > limits.columns:
        raise Refused("too_many_columns", columns=most, limit=limits.columns)
    text = sample.decode("utf-8", errors="replace")
    if size > len(sample) and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    delimiter = _delimiter(text)
    if delimiter is None:
        raise Refused("one_column")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        cells = next(row for row in rows if any(cell.strip() for cell in row))
    except (csv.Error, StopIteration):
        raise Refused("one_column") from None
    header_line = rows.line_num
    has_header = _looks_like_header(cells)
    names = tuple(_names(cells, notes)) if has_header else tuple(f"column {n + 1}" for n in range(len(cells)))
    if not has_header:
        notes.append(("no_header", {}))
    return Source(path, "csv", size, encoding, delimiter, has_header, names, header_line, tuple(notes))


def _delimiter(text: str) -> str | None:
    """The mark with which most lines have the same number of columns, two at least."""
    best: tuple[float, int, str] | None = None
    for mark in DELIMITERS:
        if mark not in text:
            continue
        counts: Counter[int] = Counter()
        try:
            for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark)):
                if row:
                    counts[len(row)] += 1
                if number > 500:
                    break
        except csv.Error:
            pass
        if not counts:
            continue
        columns, lines = counts.most_common(1)[0]
        if columns < 2:
            continue
        candidate = (round(lines / counts.total(), 2), columns, mark)
        if best is None or candidate[:2] > best[:2]:
            best = candidate
    return best[2] if best else None


def _looks_like_header(cells: list[str]) -> bool:
    """Known column names settle it; otherwise names are short, distinct and neither numbers nor sentences."""
    names = [cell.strip() for cell in cells]
    if any(is_known_name(name) for name in names):
        return True
    filled = [name for name in names if name]
    if len(set(filled)) < len(filled) or len(filled) < max(1, len(names) - 1):
        return False
    return all(len(name) <= 40 and not name.endswith((".", "?", "!")) and not _is_number(name) for name in filled)


def _is_number(name: str) -> bool:
    try:
        float(name.replace(",", "."))
    except ValueError:
        return False
    return True


def _names(cells: list[str], notes: list[tuple[str, dict[str, str]]]) -> Iterator[str]:
    """Column names without stray blanks, each only once, none empty."""
    seen: set[str] = set()
    if any(cell != cell.strip() for cell in cells):
        notes.append(("header_blanks", {}))
    for number, cell in enumerate(cells, 1):
        name = cell.replace("\ufeff", "").strip() or f"column {number}"
        again = 2
        unique = name
        while unique in seen:
            unique, again = f"{name} ({again})", again + 1
        if unique != name:
            notes.append(("header_duplicates", {"name": unique}))
        seen.add(unique)
        yield unique
