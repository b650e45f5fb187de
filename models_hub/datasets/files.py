"""Where uploads lie: a folder for what is still coming in, the storage for what is kept."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.base import File
from django.core.files.storage import Storage, default_storage
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext as _

from portal.kernel.errors import DomainError

RESERVE_BYTES = 200 * 1024 * 1024  # what stays free whatever anybody uploads: the database lives on disks too
LEFT_BEHIND = timedelta(days=1)
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class MovableFile(File):
    """A finished local file. File storage on the same disk takes it by renaming, any other by copying."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        return str(self._path)


def incoming_folder() -> Path | None:
    """On the same disk as the storage, so that nothing is copied; None (the system's) where storage is elsewhere."""
    try:
        folder = Path(default_storage.path("incoming"))
    except NotImplementedError:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, whatever happens in it."""
    with TemporaryDirectory(dir=incoming_folder(), prefix="check-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def local_copy(stored: FieldFile, folder: Path) -> Iterator[Path]:
    """The stored file as a path: itself where storage is local, else fetched into `folder`."""
    try:
        yield Path(stored.path)
    except NotImplementedError:
        path = folder / "upload"
        with stored.open("rb") as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        yield path


def storage_full() -> DomainError:
    return DomainError(
        "storage_full",
        _("The portal's storage is full at the moment. Nothing was kept; please try again later."),
        status=507,
    )


def is_full(error: OSError) -> bool:
    return error.errno in NO_SPACE


def require_space(size: int) -> None:
    """Raises storage_full when so many bytes would leave too little."""
    folder = incoming_folder()
    if folder is not None and shutil.disk_usage(folder).free < size + RESERVE_BYTES:
        raise storage_full()


def forget_leftovers(at: datetime) -> int:
    """Deletes what a process that was killed in mid-upload or mid-check left behind; returns how many."""
    folder = incoming_folder()
    oldest = (at - LEFT_BEHIND).timestamp()
    found = [path for path in folder.iterdir() if path.stat().st_mtime < oldest] if folder else []
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def remove(stored: list[tuple[Storage, str]]) -> None:
    """After a commit: files whose rows are gone. A failure leaves a file without a row, never the reverse."""
    for storage, name in stored:
        with suppress(OSError):
            storage.delete(name)
