"""The check of an uploaded file: one pass, constant memory, a report at the end.

Pure: it reads one file, writes at most one (the rejected rows) and knows nothing of the portal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from models_hub.datasets import fast
from models_hub.datasets.examples import Chat, Example, converter
from models_hub.datasets.halves import tally_in_halves
from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Cancelled, Refused, RowFault, note
from models_hub.datasets.rejected import RejectedRows
from models_hub.datasets.report import NEEDS_MAPPING, READY, REJECTED, Report
from models_hub.datasets.rows import read_rows
from models_hub.datasets.schema import ColumnMapping, Detection, detect
from models_hub.datasets.source import Source, inspect
from models_hub.datasets.tally import Tally
from models_hub.datasets.tokens import Tokenizer
from models_hub.wording import Text

Progress = Callable[[int], None]  # rows read so far
EVERY = 2000


def check(
    path: Path,
    *,
    kind: str | None = None,
    mapping: ColumnMapping | None = None,
    limits: Limits | None = None,
    tokenizer: Tokenizer | None = None,
    rejected_to: Path | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Report:
    """Reads the whole file and says what is in it.

    Never raises for bad data: a file that cannot be used gets a report with the verdict "rejected" and one sentence.
    Raises `Cancelled` when `cancelled()` answers true, and `OSError` when the disk fails.
    """
    limits = limits or Limits()
    source, detection, tally = None, None, None
    try:
        source = inspect(path, limits)
        detection = look(source, kind, mapping, limits)
        chosen = detection.mapping
        if chosen is None:
            return _report(NEEDS_MAPPING, kind, source, detection, None, Refused("needs_mapping"))
        with RejectedRows(rejected_to, source.header, limits) as rejected:
            tally = Tally(
                chosen.kind,
                limits,
                rejected,
                _affordable(tokenizer, source, limits),
                look_at_all=source.size <= limits.look_at_all_bytes,
            )
            if not (
                tally_in_halves(source, chosen, tally, limits, cancelled)
                or fast.tally_lines(source, chosen, tally, limits, progress, cancelled)
            ):
                tally_rows(source, chosen, tally, limits, progress, cancelled)
        _refuse_if_useless(tally, limits)
    except Refused as refusal:
        verdict = NEEDS_MAPPING if refusal.code in ("too_many_labels", "mapping_missing_column") else REJECTED
        kind = detection.mapping.kind if detection and detection.mapping else kind
        return _report(verdict, kind, source, detection, tally, refusal)
    return _report(READY, chosen.kind, source, detection, tally, None)


def look(source: Source, kind: str | None, mapping: ColumnMapping | None, limits: Limits) -> Detection:
    """Columns and their meaning from the first rows."""
    sample: list[dict[str, Any]] = []
    faults = 0
    for row in islice(read_rows(source, limits), 10 * limits.sample_rows):
        if isinstance(row.fields, RowFault):
            faults += 1
            continue
        sample.append(row.fields)
        if len(sample) >= limits.sample_rows:
            break
    if not sample and not faults:
        raise Refused("no_rows")
    if mapping is None:
        return detect(sample, kind, limits)
    found = detect(sample, mapping.kind, limits)
    if sample:
        mapping.check_columns(source.header or [column.name for column in found.columns])
    return Detection(found.columns, mapping, suggestions=found.suggestions)


def tally_rows(
    source: Source,
    mapping: ColumnMapping,
    tally: Tally,
    limits: Limits,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Any format, row by row."""
    convert = converter(mapping, limits)
    for number, row in enumerate(read_rows(source, limits), 1):
        if number % EVERY == 0:
            if progress:
                progress(number)
            if cancelled and cancelled():
                raise Cancelled
        if isinstance(row.fields, RowFault):
            tally.fault(row.line, row.fields, row.raw)
            continue
        try:
            tally.example(row.line, convert(row.fields))
        except RowFault as fault:
            tally.fault(row.line, fault, row.raw)


def _affordable(tokenizer: Tokenizer | None, source: Source, limits: Limits) -> Tokenizer | None:
    """Counting exactly takes a tenth of a second a megabyte: beyond a size the estimate must do."""
    return tokenizer if tokenizer and tokenizer.exact and source.size <= limits.exact_token_bytes else None


def _refuse_if_useless(tally: Tally, limits: Limits) -> None:
    if tally.read == 0:
        raise Refused("no_rows")
    if tally.usable == 0:
        raise Refused("hopeless", rows=tally.read, reason=tally.main_reason())
    least = limits.least_rows(tally.kind)
    if tally.usable - tally.same_row.count() < least:
        raise Refused("too_few_rows", rows=tally.usable - tally.same_row.count(), least=least)
    if tally.kind == "classification" and len(tally.labels) < 2:
        raise Refused("one_label", label=next(iter(tally.labels)))


def _report(
    verdict: str,
    kind: str | None,
    source: Source | None,
    detection: Detection | None,
    tally: Tally | None,
    refusal: Refused | None,
) -> Report:
    notes = [note(code, **values) for code, values in source.notes] if source else []
    if detection and detection.guessed:
        notes.append(note("columns_guessed"))
    if tally:
        notes += tally.notes()
    return Report.without_zero_characters(
        verdict=verdict,
        kind=kind,
        code=refusal.code if refusal else "",
        sentence=refusal.text.as_dict() if refusal else None,
        format=source.format if source else "",
        encoding=source.encoding.name if source else "",
        delimiter=source.delimiter if source and source.format == "csv" else "",
        columns=[asdict(column) | {"examples": list(column.examples)} for column in detection.columns]
        if detection
        else [],
        mapping=detection.mapping.as_dict() if detection and detection.mapping else None,
        guessed=bool(detection and detection.guessed),
        suggestions=dict(detection.suggestions) if detection else {},
        rows=_rows(tally),
        problems=_problems(tally),
        notes=notes,
        labels=_labels(tally),
        tokens=_tokens(tally),
        personal=tally.personal.as_dict() if tally else {},
        preview=[_preview(example) for example in tally.previews] if tally else [],
    )


def _rows(tally: Tally | None) -> dict[str, int]:
    if tally is None:
        return {}
    repeated = tally.same_row.count()
    return {"read": tally.read, "usable": tally.usable, "rejected": tally.rejected, "repeated": repeated}


def _problems(tally: Tally | None) -> list[dict[str, Any]]:
    if tally is None:
        return []
    worst_first = sorted(tally.problems.values(), key=lambda problem: -problem.count)
    return [asdict(problem) for problem in worst_first]


def _labels(tally: Tally | None) -> list[dict[str, Any]]:
    if tally is None or not tally.labels:
        return []
    most_first = sorted(tally.labels.items(), key=lambda item: (-item[1], item[0]))
    return [{"label": label, "rows": rows, "share": rows / max(tally.usable, 1)} for label, rows in most_first]


def _tokens(tally: Tally | None) -> dict[str, Any]:
    if tally is None or not tally.usable:
        return {}
    exact = tally.tokenizer is not None
    tokens: dict[str, Any] = {
        "exact": exact,
        "tokenizer": tally.tokenizer.name if tally.tokenizer else "estimated",
        "rows": tally.total.rows,
        "all": tally.total.as_dict(),
        "truncation": tally.truncation(),
    }
    if tally.kind == "chat":
        tokens["learned"] = tally.answer.as_dict()
    return tokens


def _preview(example: Example) -> dict[str, Any]:
    if isinstance(example, Chat):
        pairs = zip(example.roles, example.contents, strict=True)
        return {"messages": [{"role": role, "content": content[:2000]} for role, content in pairs]}
    return {"text": example.text[:2000], "label": example.label}


def explain(report: Report) -> Text | None:
    """The one sentence for a person when a file is not ready."""
    return report.text
