"""From an exception to a typed failure: what went wrong, in a person's words, with a next step."""

from __future__ import annotations

import errno
import traceback
from typing import Any

from models_hub.specs import Failure, SpecError


class JobFailed(Exception):
    """The run cannot go on. `sentence` replaces the failure's general sentence where more is known."""

    def __init__(
        self, failure: Failure, sentence: str | None = None, *, detail: str | None = None, **extra: Any
    ) -> None:
        super().__init__(sentence or failure.sentence)
        self.failure = failure
        self.sentence = sentence or failure.sentence
        self.detail = detail
        self.extra = extra


class Stopped(Exception):
    """Somebody asked the run to end (STOP file, SIGTERM) at a moment when there is nothing to save."""


_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_SPACE_WORDS = (
    "no space left on device",
    "disk quota exceeded",
    "file too large",
    "pytorchstreamwriter failed writing file",
    "unexpected pos",
    "inline_container.cc",
)
_NO_MEMORY_WORDS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "bad_alloc",
    "alloc failed",
    "cublas_status_alloc_failed",
)


def as_failure(error: BaseException) -> JobFailed:
    """The typed failure behind any exception, also where libraries wrap the cause or put it only into words."""
    if isinstance(error, JobFailed):
        return error
    if isinstance(error, SpecError):
        field = error.field or "spec"
        return JobFailed(Failure.INVALID_SPEC, f"The job's description is wrong at {field}: {error.sentence}")
    detail = "".join(traceback.format_exception(error))[-4000:]
    for cause in _chain(error):
        failure = _failure_of(cause)
        if failure is not None:
            return JobFailed(failure, detail=detail)
    return JobFailed(Failure.INTERNAL, detail=detail)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


def _failure_of(error: BaseException) -> Failure | None:
    words = str(error).lower()
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Failure.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return Failure.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return Failure.DISK_FULL
    if any(phrase in words for phrase in _NO_SPACE_WORDS):
        return Failure.DISK_FULL
    if any(phrase in words for phrase in _NO_MEMORY_WORDS):
        return Failure.OUT_OF_MEMORY
    return None
