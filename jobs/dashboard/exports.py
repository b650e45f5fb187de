"""Tables as CSV, row by row, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse

from accounts.models import Organisation
from jobs.dashboard.usage import JobUse, Period, settled_jobs, with_footprints
from portal.kernel.money import seconds_to_hours

# A cell that begins like this is a formula to a spreadsheet, whoever wrote it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK = 500
HEADER = (
    "job", "name", "recipe", "method", "base_model", "allocation", "site", "hardware", "state", "started_at",
    "ended_at", "settled_at", "gpu_seconds", "gpu_hours", "eur_per_gpu_hour", "value_eur", "energy_kwh",
    "energy_method", "energy_measured_kwh", "co2e_kg", "pue", "grid_g_per_kwh", "grid_source", "starts",
)  # fmt: skip


def safe_cell(value: Any) -> str:
    """Text as a spreadsheet must show it: what would start a formula gets an apostrophe before it. Numbers stay."""
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The table line by line, with the mark by which spreadsheets know UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])


def usage_rows(organisation: Organisation, period: Period) -> Iterator[tuple[Any, ...]]:
    for use in _uses(organisation, period):
        job, footprint = use.job, use.footprint
        grids = footprint.grids if footprint else ()
        yield (
            job.reference, job.name, job.recipe, job.method, job.base_model.slug, job.allocation.reference,
            job.site.slug, job.partition.name, job.state, _moment(job.started_at), _moment(job.ended_at),
            _moment(job.settled_at), use.used, seconds_to_hours(use.used), job.allocation.eur_per_gpu_hour, use.value,
            None if footprint is None else round(footprint.kwh, 4), footprint and str(footprint.method),
            round(footprint.measured_kwh, 4) if footprint and footprint.measured_kwh else None,
            None if footprint is None else round(footprint.co2e_kg, 4), " / ".join(f"{one.pue:g}" for one in grids),
            " / ".join(str(one.g_per_kwh) for one in grids), " / ".join(str(one.source_words) for one in grids),
            footprint.starts if footprint else 0,
        )  # fmt: skip


def _uses(organisation: Organisation, period: Period) -> Iterator[JobUse]:
    """The jobs in pieces, each with its energy; one query a piece."""
    jobs = settled_jobs(organisation, period).iterator(chunk_size=CHUNK)
    while piece := list(islice(jobs, CHUNK)):
        yield from with_footprints(piece)


def usage_csv(organisation: Organisation, period: Period) -> StreamingHttpResponse:
    """Every settled job of the period. Never whole in memory."""
    response = StreamingHttpResponse(
        csv_lines(HEADER, usage_rows(organisation, period)), content_type="text/csv; charset=utf-8"
    )
    name = f"usage-{period.first.isoformat()}-{period.last.isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _moment(value: Any) -> str | None:
    return value.isoformat(timespec="seconds") if value else None
