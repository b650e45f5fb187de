"""CSV, XLSX and JSON from the same rows: the same bytes each time, and no cell that a spreadsheet would run."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import xlsxwriter

from accounts.state_aid.registers.base import AMOUNT, DAY, Row

# A spreadsheet runs a cell that begins with one of these.
RUNS = ("=", "+", "-", "@", "\t", "\r")
LONG_AGO = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Sheet:
    """What a file holds: `columns` are (code, kind) pairs."""

    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Row]
    about: Mapping[str, str]


def as_csv(sheet: Sheet) -> bytes:
    """UTF-8 with a byte order mark, commas, CRLF (RFC 4180), so that every spreadsheet opens it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([code for code, _kind in sheet.columns])
    for row in sheet.rows:
        writer.writerow([harmless(row.get(code, ""), kind) for code, kind in sheet.columns])
    return ("\ufeff" + buffer.getvalue()).encode()


def as_xlsx(sheet: Sheet) -> bytes:
    """A sheet with a frozen head; texts are written as texts, so that no formula can come in."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": sheet.title, "created": datetime(2000, 1, 1)})  # noqa: DTZ001 - a fixed day
    page = book.add_worksheet("Data")
    head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EDF1F7", "text_wrap": True, "valign": "top"})
    styles = {AMOUNT: book.add_format({"num_format": "#,##0.00"}), DAY: book.add_format({"num_format": "yyyy-mm-dd"})}
    for number, (code, kind) in enumerate(sheet.columns):
        page.write_string(0, number, code, head)
        widest = max((len(row.get(code, "")) for row in sheet.rows), default=0)
        page.set_column(number, number, min(max(12, len(code) + 2, widest + 2), 48))
        for line, row in enumerate(sheet.rows, 1):
            _write(page, line, number, row.get(code, ""), kind, styles)
    page.freeze_panes(1, 0)
    if sheet.rows:
        page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
    book.close()
    return _packed_alike(buffer.getvalue())


def _write(page: object, line: int, number: int, value: str, kind: str, styles: Mapping[str, object]) -> None:
    """Amounts and days as such, so that the sheet can add and sort them; what is neither stays text."""
    try:
        if kind == AMOUNT and value:
            page.write_number(line, number, Decimal(value), styles[kind])  # type: ignore[attr-defined]
            return
        if kind == DAY and value:
            moment = datetime.combine(date.fromisoformat(value), datetime.min.time())
            page.write_datetime(line, number, moment, styles[kind])  # type: ignore[attr-defined]
            return
    except (InvalidOperation, ValueError):
        pass
    page.write_string(line, number, value)  # type: ignore[attr-defined]


def as_json(sheet: Sheet) -> bytes:
    """The rows with what they are, amounts as texts so that no digit is lost."""
    codes = [code for code, _kind in sheet.columns]
    # By columns, because the database keeps a row's values in an order of its own.
    rows = [{code: row.get(code, "") for code in codes} for row in sheet.rows]
    data = {**sheet.about, "columns": codes, "rows": rows}
    return (json.dumps(data, ensure_ascii=False, indent=2, sort_keys=False) + "\n").encode()


def harmless(cell: str, kind: str = "text") -> str:
    """An apostrophe keeps a text a text; a number may begin with its sign."""
    return f"'{cell}" if kind != AMOUNT and cell.startswith(RUNS) else cell


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of these files in their order, not compressed and without a clock: compressors differ between machines."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def _packed_alike(workbook: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return packed({name: archive.read(name) for name in archive.namelist()})


Writer = Callable[[Sheet], bytes]
FORMATS: dict[str, tuple[Writer, str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": (as_json, "application/json"),
}
