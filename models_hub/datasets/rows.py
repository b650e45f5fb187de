"""Rows of any format as (line, fields), one at a time and in constant memory.

A row that cannot be read comes out as a `RowFault` in place of its fields: the reader goes on. Whatever makes the rest
of the file unreadable raises `Refused`.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from models_hub.datasets.encodings import line_batches, undecodable
from models_hub.datasets.limits import Limits
from models_hub.datasets.parquet import parquet_lines
from models_hub.datasets.problems import Refused, RowFault
from models_hub.datasets.source import Source

Fields = dict[str, Any]
JSON_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder().decode


class Row(NamedTuple):
    """`line` is the line on which the row begins, or the row's number where a format has no lines."""

    line: int
    fields: Fields | RowFault
    raw: bytes | list[str]


def read_rows(source: Source, limits: Limits) -> Iterator[Row]:
    readers = {"jsonl": _jsonl, "json": _json, "csv": _csv, "parquet": _parquet}
    for number, row in enumerate(readers[source.format](source, limits)):
        if number >= limits.rows:
            raise Refused("too_many_rows", limit=limits.rows)
        yield row


def parse_line(line: bytes, limits: Limits) -> Fields:
    """The fields of one line of JSON Lines. Raises `RowFault`, or `Refused` when it has columns without end."""
    try:
        fields = _decode(line)
    except JSON_ERRORS as error:
        raise json_fault(error) from None
    if not isinstance(fields, dict):
        raise RowFault("not_an_object")
    if len(fields) > limits.columns:
        raise Refused("too_many_columns", columns=len(fields), limit=limits.columns)
    return fields


def json_fault(error: Exception) -> RowFault:
    detail = str(error)
    if isinstance(error, RecursionError):
        return RowFault("bad_json", detail="nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return RowFault("not_utf8")
    detail = detail.removeprefix("JSON is malformed: ").replace(" (byte ", " at byte ").rstrip(")")
    return RowFault("bad_json", detail=detail)


def _jsonl(source: Source, limits: Limits) -> Iterator[Row]:
    number = 0
    for batch in line_batches(source.chunks(), limit=limits.line_bytes):
        for line in batch:
            number += 1
            if not line or line.isspace():
                continue
            try:
                yield Row(number, parse_line(line, limits), line)
            except RowFault as fault:
                yield Row(number, fault, line)
        last = batch[-1] if len(batch) == 1 else None
    refuse_cut_off(source, last if number else None, number)


def refuse_cut_off(source: Source, last: bytes | None, number: int) -> None:
    """A last line without a newline that stops inside its JSON: the file was cut off on its way."""
    if last is None or not last.strip() or _ends_with_newline(source):
        return
    try:
        _decode(last)
    except JSON_ERRORS as error:
        if "truncated" in str(error) or (isinstance(error, UnicodeDecodeError) and "end of data" in error.reason):
            raise Refused("cut_off", line=number) from None


def _ends_with_newline(source: Source) -> bool:
    mark = "\n".encode(source.encoding.name)
    with source.path.open("rb") as file:
        file.seek(-min(len(mark), source.size), 2)
        return file.read() == mark


def _json(source: Source, limits: Limits) -> Iterator[Row]:
    """A list of objects, or objects one after another over several lines; held one object at a time."""
    decoder, scan = codecs.getincrementaldecoder("utf-8")("strict"), json.JSONDecoder().raw_decode
    buffer, line, in_list, done, count = "", 1, False, False, 0
    chunks = source.chunks()
    while True:
        # skip what stands between objects
        stripped = buffer.lstrip(" \t\r\n,")
        line += buffer.count("\n", 0, len(buffer) - len(stripped))
        buffer = stripped
        if not in_list and count == 0 and buffer.startswith("["):
            in_list, buffer = True, buffer[1:]
            continue
        if buffer.startswith("]"):
            done = True
            return
        if buffer and buffer[0] != "{":
            if not in_list:
                raise Refused("json_document")
            raise Refused("json_broken", line=line, detail="an object was expected")
        try:
            fields, end = scan(buffer) if buffer else (None, 0)
        except (json.JSONDecodeError, RecursionError) as error:
            fields, end = None, 0
            problem: Exception | None = error
        else:
            problem = None
        if fields is not None:
            count += 1
            if len(fields) > limits.columns:
                raise Refused("too_many_columns", columns=len(fields), limit=limits.columns)
            if count == 1 and not in_list and _is_document(fields):
                raise Refused("json_document")
            yield Row(line, fields, buffer[:end].encode(errors="replace"))
            line += buffer.count("\n", 0, end)
            buffer = buffer[end:]
            continue
        if len(buffer) > limits.line_bytes:
            raise Refused("json_document" if count == 0 and not in_list else "line_too_long", line=line,
                          megabytes=round(limits.line_bytes / 1e6, 1))  # fmt: skip
        chunk = next(chunks, None)
        if chunk is None:
            break
        # an error well inside what we hold is an error, not a lack of bytes
        if isinstance(problem, json.JSONDecodeError) and len(buffer) - problem.pos > 1 << 16:
            raise Refused("json_broken", line=line + buffer.count("\n", 0, problem.pos), detail=problem.msg)
        try:
            buffer += decoder.decode(chunk)
        except UnicodeDecodeError:
            raise Refused("undecodable", line=line, byte="?", encoding="UTF-8") from None
    if (in_list and not done) or buffer:
        if isinstance(problem, json.JSONDecodeError) and not _is_cut(problem, buffer):
            raise Refused("json_broken", line=line + buffer.count("\n", 0, problem.pos), detail=problem.msg)
        raise Refused("cut_off", line=line + buffer.count("\n"))


def _is_cut(problem: json.JSONDecodeError, buffer: str) -> bool:
    """Whether an error means that the text just stops."""
    return problem.msg.startswith("Unterminated") or problem.pos >= len(buffer.rstrip())


def _is_document(fields: Fields) -> bool:
    """One object that holds the rows in a list of its own."""
    lists = [value for value in fields.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    return any(not {"role", "from"} & set(rows[0]) for rows in lists)


def _csv(source: Source, limits: Limits) -> Iterator[Row]:
    position = [0]
    reader = csv.reader(_csv_lines(source, limits, position), delimiter=source.delimiter, strict=True)
    previous_limit = csv.field_size_limit(limits.field_chars)
    expected, names, start = len(source.header), source.header, 1
    skip_header = source.has_header
    try:
        while True:
            csv.field_size_limit(limits.field_chars)
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _csv_refusal(error, start) from None
            line, start = start, reader.line_num + 1
            if not any(cells) or (len(cells) == 1 and not cells[0].strip()):
                continue
            if skip_header:
                skip_header = False
                continue
            if len(cells) == expected:
                yield Row(line, dict(zip(names, cells, strict=True)), cells)
            elif len(cells) < expected:
                if position[0] and reader.line_num == position[0]:
                    raise Refused("cut_off", line=line)
                yield Row(line, RowFault("too_few_fields", found=len(cells), expected=expected), cells)
            elif not any(cell.strip() for cell in cells[expected:]):  # a stray separator at the end
                yield Row(line, dict(zip(names, cells[:expected], strict=True)), cells)
            else:
                yield Row(line, RowFault("too_many_fields", found=len(cells), expected=expected), cells)
    finally:
        csv.field_size_limit(previous_limit)


def _csv_lines(source: Source, limits: Limits, last_without_newline: list[int]) -> Iterator[str]:
    number = 0
    for batch in line_batches(source.chunks(), limit=limits.line_bytes):
        for line in batch:
            number += 1
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                at_end = line is batch[-1] and len(batch) == 1 and not _ends_with_newline(source)
                if at_end and "end of data" in error.reason:
                    raise Refused("cut_off", line=number) from None
                raise undecodable(error, number, "UTF-8") from None
            yield text + "\n"
        if len(batch) == 1 and not _ends_with_newline(source):
            last_without_newline[0] = number


def _csv_refusal(error: csv.Error, line: int) -> Refused:
    detail = str(error)
    if "end of data" in detail:
        return Refused("cut_off", line=line)
    return Refused("field_too_long", line=line)


def _parquet(source: Source, limits: Limits) -> Iterator[Row]:
    for number, line in enumerate(parquet_lines(source.path, limits), 1):
        try:
            yield Row(number, parse_line(line, limits), line)
        except RowFault as fault:
            yield Row(number, fault, line)
