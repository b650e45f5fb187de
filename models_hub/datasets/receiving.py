"""Receiving an upload: written to disk as it comes, counted and hashed on the way, dropped once it is too much."""

from __future__ import annotations

import hashlib
import os
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from models_hub.datasets.files import RESERVE_BYTES, incoming_folder, is_full


class ReceivedFile(UploadedFile):
    """A complete upload on disk. `refusal` names why there is none; then the file is empty."""

    def __init__(self, name: str, content_type: str, charset: str | None) -> None:
        file = NamedTemporaryFile(dir=incoming_folder(), prefix="upload-", suffix=".part")  # noqa: SIM115  closed below
        super().__init__(file, name, content_type, 0, charset)
        self.digest = hashlib.sha256()
        self.refusal = ""

    @property
    def sha256(self) -> str:
        return self.digest.hexdigest()

    def temporary_file_path(self) -> str:
        return str(self.file.name)  # type: ignore[union-attr]

    def close(self) -> None:
        try:
            super().close()
        except FileNotFoundError:
            pass  # it was taken into the storage by renaming

    def give_up(self, code: str) -> None:
        self.refusal = code
        self.file.seek(0)  # type: ignore[union-attr]
        self.file.truncate()  # type: ignore[union-attr]


class DatasetUploadHandler(FileUploadHandler):
    """Takes one file of at most `limit` bytes. What comes after a refusal is read and forgotten, so that the browser
    gets our sentence and not a broken connection."""

    chunk_size = 1 << 20

    def __init__(self, request: HttpRequest, limit: int) -> None:
        super().__init__(request)
        self.limit = limit
        self.received: ReceivedFile | None = None
        self.size = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.received is not None:
            self.received.close()
        self.received = ReceivedFile(self.file_name or "data", self.content_type or "", self.charset)
        self.size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        received = self.received
        if received is None or received.refusal:
            return
        self.size += len(raw_data)
        if self.size > self.limit:
            received.give_up("too_large")
            return
        try:
            if self.size % (64 << 20) <= len(raw_data):  # now and then: do others still have room?
                self._require_room(received)
            received.file.write(raw_data)  # type: ignore[union-attr]
        except OSError as error:
            if not is_full(error):
                raise
            received.give_up("storage_full")
        received.digest.update(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile | None:
        received = self.received
        if received is None:
            return None
        try:
            received.file.flush()  # type: ignore[union-attr]
        except OSError as error:
            if not is_full(error):
                raise
            received.give_up("storage_full")
        received.size = 0 if received.refusal else self.size
        received.file.seek(0)  # type: ignore[union-attr]
        return received

    def upload_interrupted(self) -> None:
        if self.received is not None:
            self.received.close()

    def _require_room(self, received: ReceivedFile) -> None:
        room = os.statvfs(received.temporary_file_path())
        if room.f_bavail * room.f_frsize < RESERVE_BYTES:
            received.give_up("storage_full")
