"""A selection of the ledger as CSV, XLSX or JSON. JSON carries every case and verdict, so that it can be recomputed."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from xlsxwriter import Workbook

from accounts.models import AidAward
from accounts.state_aid.tables import harmless

COLUMNS = (
    "recorded_at", "award", "event", "amount_eur", "granted_on", "reference", "organisation", "legal_name",
    "vat_number", "euid", "country", "granting_state", "granting_authority", "origin", "regime", "scheme",
    "instrument", "gpu_hours", "eur_per_gpu_hour", "price_paid_eur", "assessment", "outcome", "rule_version", "reason",
)  # fmt: skip
CHUNK = 500
MOST_XLSX_ROWS = 200_000


def row_of(award: AidAward) -> dict[str, Any]:
    """One row of the ledger as plain values; amounts are strings with two decimals."""
    organisation, judged = award.organisation, award.assessment
    return {
        "recorded_at": award.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "award": str(award.award),
        "event": award.event,
        "amount_eur": str(award.amount_eur),
        "granted_on": award.granted_on.isoformat(),
        "reference": award.reference,
        "organisation": str(organisation.pk),
        "legal_name": organisation.legal_name,
        "vat_number": organisation.vat_number,
        "euid": organisation.euid,
        "country": organisation.country,
        "granting_state": award.granting_state,
        "granting_authority": award.granting_authority,
        "origin": award.origin,
        "regime": award.regime,
        "scheme": award.scheme.code if award.scheme else "",
        "instrument": award.instrument,
        **{name: award.valuation.get(name) for name in ("gpu_hours", "eur_per_gpu_hour", "price_paid_eur")},
        "assessment": str(judged.pk) if judged else "",
        "outcome": judged.outcome if judged else "",
        "rule_version": judged.rule_version if judged else "",
        "reason": award.reason,
    }


def as_csv(awards: QuerySet[AidAward]) -> Iterator[str]:
    """Line by line, with the mark by which spreadsheets know UTF-8."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    yield "\ufeff" + line.getvalue()
    for award in awards.iterator(chunk_size=CHUNK):
        line.seek(0)
        line.truncate()
        writer.writerow([_cell(value) for value in row_of(award).values()])
        yield line.getvalue()


def as_json(awards: QuerySet[AidAward]) -> Iterator[str]:
    """One JSON array; each row with the case that was judged and the verdict."""
    whole = awards.defer(None).select_related("organisation", "assessment", "scheme")
    yield "[\n"
    for number, award in enumerate(whole.iterator(chunk_size=CHUNK)):
        judged = award.assessment
        row = {**row_of(award), "beneficiary": award.beneficiary, "valuation": award.valuation}
        row |= {"case": judged.case, "verdict": judged.verdict} if judged else {}
        yield (",\n" if number else "") + json.dumps(row, ensure_ascii=False)
    yield "\n]\n"


def as_xlsx(awards: QuerySet[AidAward]) -> Iterator[bytes]:
    """A workbook with one sheet. Cells are text or numbers, never formulas."""
    buffer = io.BytesIO()
    plain = {"constant_memory": True, "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = Workbook(buffer, plain)
    book.set_properties({"created": datetime(2026, 1, 1, tzinfo=UTC)})
    sheet, head = book.add_worksheet("ledger"), book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(COLUMNS):
        sheet.write_string(0, column, name, head)
    for number, award in enumerate(awards[:MOST_XLSX_ROWS].iterator(chunk_size=CHUNK), 1):
        for column, (name, value) in enumerate(row_of(award).items()):
            if name == "amount_eur":
                sheet.write_number(number, column, float(award.amount_eur))
            else:
                sheet.write_string(number, column, _cell(value))
    book.close()
    yield buffer.getvalue()


def _cell(value: Any) -> str:
    return "" if value is None else harmless(str(value)) if not _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    """A negative amount begins like a formula and is none."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


FORMATS: dict[str, tuple[str, Callable[[QuerySet[AidAward]], Iterable[Any]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
    "json": ("application/json", as_json),
}
