"""From any exception to a typed failure."""

import errno

import pytest

from models_hub.specs import Failure, SpecError
from models_hub.training.failures import JobFailed, as_failure


class OutOfMemoryError(RuntimeError):
    """torch's own class has this name; torch is not here."""


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (MemoryError(), Failure.OUT_OF_MEMORY),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), Failure.OUT_OF_MEMORY),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), Failure.OUT_OF_MEMORY),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), Failure.OUT_OF_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), Failure.OUT_OF_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), Failure.DISK_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Failure.DISK_FULL),
        (OSError(errno.EFBIG, "File too large"), Failure.DISK_FULL),
        (Exception("Error while serializing: I/O error: No space left on device (os error 28)"), Failure.DISK_FULL),
        (RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"), Failure.DISK_FULL),
        (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"), Failure.DISK_FULL),
        (SpecError("train.epochs", "This field is missing."), Failure.INVALID_SPEC),
        (JobFailed(Failure.BAD_DATA_ROW, "Line 3."), Failure.BAD_DATA_ROW),
        (ZeroDivisionError("division by zero"), Failure.INTERNAL),
    ],
)
def test_an_exception_is_given_its_type(error, failure):
    assert as_failure(error).failure is failure


def test_the_cause_behind_a_wrapping_exception_counts():
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("could not save the checkpoint") from error
    except RuntimeError as error:
        assert as_failure(error).failure is Failure.DISK_FULL


def test_a_failure_speaks_to_people_and_keeps_the_detail_for_experts():
    failure = as_failure(RuntimeError("CUDA out of memory"))
    assert failure.sentence == Failure.OUT_OF_MEMORY.sentence
    assert "CUDA out of memory" in failure.detail


def test_an_unknown_error_keeps_its_traceback():
    try:
        {}["missing"]
    except KeyError as error:
        assert "KeyError: 'missing'" in as_failure(error).detail
