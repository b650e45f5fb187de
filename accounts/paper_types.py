"""Which papers we take as evidence, told by what is in the file, never by its name alone. No framework."""

import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

MOST_BYTES = 10_000_000
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TEXT_SAMPLE = 64 * 1024
# Control characters that no table in text form holds; tabs and line ends are fine.
_NOT_TEXT = frozenset(range(32)) - {9, 10, 13}


@dataclass(frozen=True)
class PaperType:
    code: str
    media_type: str
    endings: tuple[str, ...]


PDF = PaperType("pdf", "application/pdf", (".pdf",))
PNG = PaperType("png", "image/png", (".png",))
JPEG = PaperType("jpeg", "image/jpeg", (".jpg", ".jpeg"))
XLSX = PaperType("xlsx", _XLSX, (".xlsx",))
CSV = PaperType("csv", "text/csv", (".csv",))
ALL = (PDF, PNG, JPEG, XLSX, CSV)
ENDINGS = tuple(ending for one in ALL for ending in one.endings)


def recognise(file: IO[bytes], filename: str) -> PaperType | None:
    """The type that both the content and the name's ending say; None when they disagree or it is none of ours."""
    ending = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    wanted = next((one for one in ALL if ending in one.endings), None)
    if wanted is None:
        return None
    file.seek(0)
    head = file.read(_TEXT_SAMPLE)
    found = _by_content(file, head)
    file.seek(0)
    return wanted if found is wanted else None


def _by_content(file: IO[bytes], head: bytes) -> PaperType | None:
    if head.startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"PK\x03\x04"):
        return XLSX if _is_plain_workbook(file) else None
    return CSV if _is_text(head) else None


def _is_plain_workbook(file: IO[bytes]) -> bool:
    """An Excel workbook without macros. Only the list of parts is read; nothing is unpacked."""
    try:
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return {"[Content_Types].xml", "xl/workbook.xml"} <= names and not any("vbaProject" in name for name in names)


def _is_text(head: bytes) -> bool:
    if not head.strip() or _NOT_TEXT & set(head):
        return False
    # Something a browser could take for a page is no table.
    return not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
