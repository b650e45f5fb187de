"""A ZIP of a model, written while it is sent: however large the files, memory stays at one piece of one file.

Files are stored, not compressed (weights do not shrink). Each is hashed on the way; a file that is no longer what its
manifest says breaks the download off instead of being delivered as if it were whole.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PIECE = 256 * 1024


class FileChanged(Exception):
    """A stored file is not the one the manifest names."""


@dataclass(frozen=True)
class Member:
    """One file of the archive: where it goes, how to open it, and the digest it must have."""

    path: str
    open: Callable[[], Any]
    sha256: str


class _Outlet(io.RawIOBase):
    """What zipfile writes to: it cannot go back, so sizes follow the data."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def stream_zip(members: Iterable[Member], *, texts: dict[str, str], at: datetime) -> Iterator[bytes]:
    """The archive in pieces. `texts` are small files of our own; `at` dates every entry, so that it is always equal."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", compression=zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path, text in texts.items():
            archive.writestr(_info(path, at), text.encode())
            yield outlet.drain()
        for member in members:
            digest = hashlib.sha256()
            with member.open() as source, archive.open(_info(member.path, at), "w", force_zip64=True) as target:
                while piece := source.read(PIECE):
                    digest.update(piece)
                    target.write(piece)
                    yield outlet.drain()
            if digest.hexdigest() != member.sha256:
                raise FileChanged(member.path)
            yield outlet.drain()
    yield outlet.drain()


def _info(path: str, at: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, date_time=max(at.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
    info.external_attr = 0o644 << 16
    return info
