"""Receiving small papers: what is larger than allowed is read and forgotten, so that people get our sentence."""

from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest


class CappedUploadHandler(TemporaryFileUploadHandler):
    """Takes files of at most `limit` bytes. After a refusal `too_large` is set and there is no file."""

    chunk_size = 1 << 18

    def __init__(self, request: HttpRequest, limit: int) -> None:
        super().__init__(request)
        self.limit = limit
        self.taken = 0
        self.too_large = False
        self.file: TemporaryUploadedFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> Any:
        self.taken += len(raw_data)
        if self.taken > self.limit:
            self.too_large = True
            raise StopUpload(connection_reset=False)
        return super().receive_data_chunk(raw_data, start)
