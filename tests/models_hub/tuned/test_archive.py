"""The ZIP that is written while it is sent."""

import io
import tracemalloc
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from models_hub.tuned.archive import PIECE, FileChanged, Member, stream_zip

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


class Zeros(io.RawIOBase):
    """A file of so many zero bytes that are nowhere in memory."""

    def __init__(self, size):
        self.left = size

    def readable(self):
        return True

    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return b"\0" * size


def member(path, content):
    return Member(path, lambda: io.BytesIO(content), sha256(content).hexdigest())


def test_the_archive_holds_every_file_as_it_was():
    data = b"".join(stream_zip([member("m/a", b"one"), member("m/b/c", b"two" * 999)], texts={"m/SUMS": "x\n"}, at=AT))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.read("m/b/c") == b"two" * 999
    assert archive.read("m/SUMS") == b"x\n"


def test_the_same_files_give_the_same_archive():
    def build():
        return b"".join(stream_zip([member("a", b"one")], texts={}, at=AT))

    assert build() == build()


def test_memory_does_not_grow_with_the_file():
    size = 200 * 1024 * 1024
    digest = sha256()
    for _ in range(size // PIECE):
        digest.update(b"\0" * PIECE)
    tracemalloc.start()
    total = sum(map(len, stream_zip([Member("big", lambda: Zeros(size), digest.hexdigest())], texts={}, at=AT)))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > size
    assert peak < 8 * 1024 * 1024


def test_a_file_that_changed_breaks_the_download_off():
    changed = Member("a", lambda: io.BytesIO(b"other"), sha256(b"one").hexdigest())
    with pytest.raises(FileChanged):
        list(stream_zip([changed], texts={}, at=AT))
