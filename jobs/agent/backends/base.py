"""What a back-end must do: seven verbs and a broom. Every verb may be called again with the same words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from jobs.agent.config import Config
from models_hub.specs import JobSpec


class BackendError(Exception):
    """The back-end cannot do that now; the text is for the site's operator."""


class NoSuchJob(BackendError):
    """The back-end has never heard of that key."""


class Phase(StrEnum):
    UNKNOWN = "unknown"
    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


class Ended(StrEnum):
    """Why a start ended, as far as the back-end knows. What it means for the job is decided above it."""

    EXITED = "exited"
    CANCELLED = "cancelled"
    TIME_LIMIT = "time_limit"
    OUT_OF_MEMORY = "out_of_memory"
    NOT_AFTER = "not_after"
    CANNOT_START = "cannot_start"
    SUSPENDED = "suspended"
    KILLED = "killed"
    # The site's own people or rules ended it, and meant it: it is not started again.
    ENDED_BY_SITE = "ended_by_site"
    REFUSED = "refused"


# After these the same key may be submitted again, and the training goes on from its last checkpoint.
RESUMABLE = frozenset({Ended.SUSPENDED, Ended.KILLED})


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why something went wrong at the site: a row of models_hub.specs.reasons as it travels.

    Sentence and next step are the company's; `operator` is for the site's people.
    """

    code: str
    hint_code: str
    sentence: str
    next_step: str
    operator: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    """Where a key stands. `starts` counts how often it was started; the times are those of the first and last."""

    key: str
    phase: Phase
    native_id: str = ""
    starts: int = 0
    kills: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ended: Ended | None = None
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class UsageRow:
    """What one start held: the key is (cluster, native id, start)."""

    key: str
    cluster: str
    native_id: str
    started_at: datetime
    ended_at: datetime
    gpus: int
    gpu_seconds: int
    cpu_seconds: int
    energy_joules: int | None
    method: Literal["accounting", "receipt"]
    # What the wrapper's own receipt says of the same start, where `method` is accounting: a second witness.
    receipt_gpu_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an allocation may use at this site in all, in GPU-minutes: a site may hold it as a hard limit of its own."""

    allocation: str
    gpu_minutes: int


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to run: the spec, the GPUs it is given (of all its nodes), its time, its latest start, and for whom."""

    key: str
    spec: JobSpec
    gpus: int
    max_seconds: int
    not_after: datetime
    tenant: str = ""
    nodes: int = 1
    budget: Budget | None = None
    sweep: str = ""
    image: str = ""

    @property
    def gpus_per_node(self) -> int:
        """Every node gives as many."""
        return self.gpus // max(1, self.nodes)


class Backend(Protocol):
    """A scheduler, or something like one. `key` names the job everywhere, so a second submission finds the first.

    One thread calls what changes something, and waits for hand-overs side by side; `describe`, `logs` and `stage` are
    called by others at any moment, and change nothing.
    """

    code: ClassVar[str]
    # Whether what runs goes on by itself while no agent is there; then there is nothing to wait for when it ends.
    keeps_jobs: ClassVar[bool]

    def __init__(self, config: Config) -> None: ...

    def describe(self) -> dict[str, Any]:
        """Partitions, limits, versions, whether compute nodes reach out, and how many GPUs are free."""

    def submit(self, order: Order) -> str:
        """Native id. Finds the job by its key, else submits it; one that was interrupted is started again."""

    def poll(self, keys: Sequence[str]) -> dict[str, Status]:
        """Where these keys stand, in bulk; one never heard of is UNKNOWN."""

    def cancel(self, key: str, grace: float) -> None:
        """Asks the job to end and makes it end after `grace` seconds. An unknown key is success."""

    def logs(self, key: str, offset: int, most: int) -> bytes:
        """At most `most` bytes of output from that byte on."""

    def stage(self, key: str, direction: Literal["in", "out"]) -> Path:
        """The folder that inputs go to, or that results lie in; it need not be there yet."""

    def usage(self, keys: Sequence[str]) -> list[UsageRow]:
        """Every ended start of these keys."""

    def suspend(self, key: str) -> None:
        """Ends what runs so that `submit` goes on with it later; schedulers that keep jobs by themselves do nothing."""

    def wipe(self, key: str) -> None:
        """Removes the job's data at the site; raises while something is left. What was metered stays known."""
