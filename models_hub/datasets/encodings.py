"""Which characters a file uses, and its bytes as UTF-8.

Everything behind this room sees UTF-8 only. Detection looks at a sample; decoding is strict, so that a wrong guess ends
in a sentence with a line number and never in garbled letters.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models_hub.datasets.problems import Refused

CHUNK = 1 << 20
SAMPLE = 256 * 1024
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What office programs in the EU still write, most frequent first; each is tried on a sample only.
EUROPEAN = [
    "cp1252", "cp1250", "iso8859_15", "iso8859_1", "iso8859_2", "cp1253", "iso8859_7", "cp1257", "iso8859_13",
    "cp1251", "iso8859_5", "cp1254", "cp850", "cp852", "cp437", "mac_roman",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Encoding:
    """`mark` is the length of the byte order mark; `certain` is false where the characters were guessed."""

    name: str
    mark: int = 0
    certain: bool = True


def detect_encoding(path: Path) -> Encoding:
    rest = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        for mark, name in MARKS:
            if head.startswith(mark):
                return Encoding(name, len(mark))
        wide = _wide(head)
        if wide:
            return Encoding(wide)
        if b"\x00" in head:
            raise Refused("binary", position=head.index(b"\x00") + 1)
        if head.lstrip()[:1] in (b"{", b"["):  # JSON is UTF-8 by its standard; a look at the beginning is enough
            rest = SAMPLE
        while head and head.isascii() and rest > 0:  # the first other letter of a table may come late
            head = file.read(CHUNK)
            rest -= len(head)
        # a chunk may begin or end inside a character: look at whole lines only
        sample = _whole_lines(head)
    if not sample or _is_utf8(sample):
        return Encoding("utf-8")
    return Encoding(_guess(sample), certain=False)


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of ordinary text is zero."""
    if len(head) < 8 or b"\x00" not in head:
        return None
    sample = head[: len(head) // 2 * 2][:4096]
    even, odd = sample[0::2].count(0) / (len(sample) / 2), sample[1::2].count(0) / (len(sample) / 2)
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    if even > 0.4 and odd < 0.05:
        return "utf-16-be"
    return None


def _whole_lines(chunk: bytes) -> bytes:
    first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
    return chunk if last <= first else chunk[: last + 1]


def _is_utf8(sample: bytes) -> bool:
    """UTF-8, or very nearly so: a single damaged byte is then reported with its line instead of guessed away."""
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample, final=False)
    except UnicodeDecodeError:
        text = sample.decode("utf-8", errors="replace")
        broken = text.count("\ufffd")
        letters = sum(1 for letter in text if letter > "\x7f") - broken
        return letters > 20 * broken
    return True


def _guess(sample: bytes) -> str:
    """Lines that hold other letters than ASCII decide; a library that knows letter frequencies judges them."""
    from charset_normalizer import from_bytes

    telling = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())[:64_000]
    best = from_bytes(telling, cp_isolation=EUROPEAN, threshold=0.4).best()
    if best is None:
        raise Refused("encoding_unknown")
    # what both read alike, cp1252 reads at least as well: it is latin-1 with printable signs in place of controls
    return "cp1252" if best.encoding in ("iso8859_1", "latin_1", "ascii") else best.encoding


def utf8_chunks(path: Path, encoding: Encoding, *, chunk: int = CHUNK) -> Iterator[bytes]:
    """The file's bytes as UTF-8. UTF-8 itself passes unread: whoever parses it finds damage with its line."""
    with path.open("rb") as file:
        file.seek(encoding.mark)
        if encoding.name == "utf-8":
            while data := file.read(chunk):
                yield data
            return
        decoder = codecs.getincrementaldecoder(encoding.name)("strict")
        lines = 0
        while True:
            data = file.read(chunk)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].count("\n".encode(encoding.name))
                raise undecodable(error, lines + before + 1, encoding.name.upper()) from None
            lines += text.count("\n")
            if text:
                yield text.encode()
            if not data:
                return


def undecodable(error: UnicodeDecodeError, line: int, encoding: str) -> Refused:
    byte = error.object[error.start : error.start + 1]
    return Refused("undecodable", line=line, byte=f"0x{byte.hex().upper()}", encoding=encoding)


def line_batches(chunks: Iterator[bytes], *, limit: int) -> Iterator[list[bytes]]:
    """Lists of whole lines (without their newline), about one chunk each; the last line may lack its newline.

    A line longer than `limit` is refused before it is held in memory. The last batch of a file that ends without a
    newline is that line alone, so that a reader can tell a cut-off row.
    """
    rest = b""
    number = 0
    for chunk in chunks:
        if b"\n" not in chunk:
            rest += chunk
        else:
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            number += len(lines)
            yield lines
        if len(rest) > limit:
            raise Refused("line_too_long", line=number + 1, megabytes=round(limit / 1e6, 1))
    if rest:
        yield [rest]
