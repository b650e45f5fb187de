"""The rows that could not be used, in a file that a spreadsheet opens without running anything.

A cell that begins with = + - @ or a control character would be a formula for a spreadsheet; it gets a
leading apostrophe.
"""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import RowFault

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
RAW_CHARS = 2000


def harmless(cell: str) -> str:
    """Also where blanks hide the sign: programs strip them before they look."""
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(DANGEROUS) else cell


class RejectedRows:
    """Writes `line, problem, row…` as CSV; creates the file with the first row."""

    def __init__(self, path: Path | None, header: tuple[str, ...], limits: Limits) -> None:
        self.path, self.header, self.limits = path, header, limits
        self.written = 0
        self._file: IO[str] | None = None
        self._writer: Any = None

    def add(self, line: int, fault: RowFault, raw: bytes | list[str]) -> None:
        if self.path is None or self.written >= self.limits.rejected_kept:
            return
        if self._writer is None:
            self._file = self.path.open("w", newline="", encoding="utf-8-sig")
            self._writer = csv.writer(self._file)
            self._writer.writerow(["line", "problem", *map(harmless, self.header or ("row",))])
        cells = raw if isinstance(raw, list) else [raw.decode(errors="replace")]
        self._writer.writerow([line, str(fault.text), *(harmless(cell[:RAW_CHARS]) for cell in cells)])
        self.written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
