"""Every way a job can end badly: a code for machines, an exit code, a sentence and a next step for people."""

from __future__ import annotations

from enum import StrEnum


class Failure(StrEnum):
    """The exit code is the runtime's; sentence and next step are English source texts, translated where shown."""

    INVALID_SPEC = "invalid_spec"
    BAD_DATA_ROW = "bad_data_row"
    DATA_MISMATCH = "data_mismatch"
    MODEL_MISSING = "model_missing"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    DIVERGED = "diverged"
    TIME_LIMIT = "time_limit"
    INTERNAL = "internal"

    @property
    def exit_code(self) -> int:
        return _FAILURES[self][0]

    @property
    def sentence(self) -> str:
        return _FAILURES[self][1]

    @property
    def next_step(self) -> str:
        return _FAILURES[self][2]

    @classmethod
    def from_exit_code(cls, code: int) -> Failure | None:
        """The failure a process's exit status stands for; None for success.

        A process that the system killed outright (137, or -9 as Python's subprocess says it) was, on a machine of its
        own, nearly always killed for memory: whoever killed it on purpose knows better and need not ask.
        """
        if code == 0:
            return None
        if code in (137, -9):
            return cls.OUT_OF_MEMORY
        if code == 124:  # `timeout` and several schedulers
            return cls.TIME_LIMIT
        return next((failure for failure in cls if failure.exit_code == code), cls.INTERNAL)


_FAILURES: dict[Failure, tuple[int, str, str]] = {
    Failure.INVALID_SPEC: (
        10,
        "The site could not follow the job's description.",
        "Start the job again from its settings; if it happens twice, tell the helpdesk.",
    ),
    Failure.BAD_DATA_ROW: (
        11,
        "A row of the data cannot be used for training.",
        "Correct the row named below, upload the data set again and start the job with the same settings.",
    ),
    Failure.DATA_MISMATCH: (
        12,
        "The data that reached the site is not the data of this job.",
        "Start the job again: the data is transferred afresh. Nothing was trained.",
    ),
    Failure.MODEL_MISSING: (
        13,
        "The site does not hold the base model in the expected version.",
        "Choose another site or model, or ask the site to add the model to its store.",
    ),
    Failure.OUT_OF_MEMORY: (
        14,
        "The run needed more memory than it was given.",
        "Halve the micro-batch or the maximum length, or choose QLoRA or a smaller model.",
    ),
    Failure.DISK_FULL: (
        15,
        "The site ran out of disk space for this job.",
        "Tell the site; then start the job again: it goes on from its last complete checkpoint.",
    ),
    Failure.DIVERGED: (
        16,
        "The training became unstable.",
        "Lower the learning rate to a third and start the job again.",
    ),
    Failure.TIME_LIMIT: (
        17,
        "The run reached its time limit before it was finished.",
        "Ask for more hours or choose fewer epochs; what was trained until then is kept.",
    ),
    Failure.INTERNAL: (
        19,
        "The run stopped on an error that we did not foresee.",
        "Start the job again; if it happens twice, send the helpdesk the details below.",
    ),
}
