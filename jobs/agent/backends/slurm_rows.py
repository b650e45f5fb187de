"""What squeue, sacct and sinfo print, as plain rows. Times are read as seconds since the epoch (SLURM_TIME_FORMAT=%s).

sacct is asked with duplicates (-D): a requeued job has one row for each start under one id, and only the last is shown
otherwise. Its exit code is the batch script's, right in every version; the REST API of 22.05 says 0 for every job.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

# Everything else is a job that will still hold, or may hold again, what it was given.
FINAL = frozenset(
    ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
     "TIMEOUT", "REVOKED")
)  # fmt: skip
# sacct's word for an earlier start of a job that was queued anew.
PAST = frozenset({"REQUEUED"})
WAITING = frozenset({"PENDING", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT", "REQUEUED"})

QUEUE_FIELDS = (
    "JobID", "Name", "State", "Reason", "SubmitTime", "StartTime", "EndTime", "tres-alloc", "exit_code", "RestartCnt",
    "NodeList", "Cluster", "Account", "ArrayJobID", "ArrayTaskID",
)  # fmt: skip
SACCT_FIELDS = (
    "JobIDRaw", "JobName", "State", "Reason", "Submit", "Start", "End", "AllocTRES", "ExitCode", "NodeList", "Cluster",
    "ElapsedRaw", "CPUTimeRAW", "ConsumedEnergyRaw", "JobID", "Account",
)  # fmt: skip
_MARK = "\x1f"
# Slurm's own "no value" in 32 bits, and what older plug-ins say for "not measured".
_NO_ENERGY = 2**32 - 2
NOBODY = -1


@dataclass(frozen=True, kw_only=True)
class SlurmJob:
    """One start of one job, or a job that waits. Times in UTC; `elapsed`, GPU and CPU figures as allocated.

    A task of a job array is a job like any other: its id is `<array>_<task>` and its name `<name>/<task>`.
    """

    native_id: str
    name: str
    state: str
    reason: str
    submitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    elapsed: int
    gpus: int
    cpus: int
    exit_code: int
    signal: int
    nodes: str
    cluster: str
    energy_joules: int | None = None
    restarts: int = 0
    by_uid: int | None = None  # who cancelled it; NOBODY where the accounting knows that no one has
    account: str = ""

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def waiting(self) -> bool:
        return self.state in WAITING

    @property
    def ran(self) -> bool:
        """Whether this start held anything: a row of a job that was cancelled in the queue has times, but no node."""
        return bool(self.nodes) and self.started_at is not None and self.ended_at is not None

    @property
    def turned_away(self) -> bool:
        """Whether its node would not begin it: over as soon as it had a node, and slurmd, as root, has said so.

        An operator's own word is not taken for it, save where root cancels a job in the second in which it begins;
        nor is a row that does not say whose word it was.
        """
        return self.state == "CANCELLED" and self.by_uid in (NOBODY, 0) and self.ran and self.elapsed <= 1


def queue_format() -> str:
    """For squeue -O: each field followed by a mark, since names and reasons may hold blanks."""
    return ",".join(f"{name}:{_MARK}" for name in QUEUE_FIELDS)


def queue_rows(text: str) -> list[SlurmJob]:
    found = []
    for line in text.splitlines():
        cells = dict(zip(QUEUE_FIELDS, line.split(_MARK), strict=False))
        if len(cells) < len(QUEUE_FIELDS):
            continue
        started, ended = _moment(cells["StartTime"]), _moment(cells["EndTime"])
        elapsed = int((ended - started).total_seconds()) if started and ended else 0
        tres = _tres(cells["tres-alloc"])
        code, number = _exit(cells["exit_code"])
        task = cells["ArrayTaskID"]
        found.append(
            SlurmJob(
                native_id=f"{cells['ArrayJobID']}_{task}" if task.isdigit() else cells["JobID"],
                name=f"{cells['Name']}/{task}" if task.isdigit() else cells["Name"],
                state=cells["State"].split()[0], reason=cells["Reason"], submitted_at=_moment(cells["SubmitTime"]),
                started_at=started, ended_at=ended, elapsed=max(0, elapsed), gpus=gpus_in(tres),
                cpus=_number(tres.get("cpu", "")), exit_code=code, signal=number, nodes=_nodes(cells["NodeList"]),
                cluster=cells["Cluster"], restarts=_number(cells["RestartCnt"]), account=cells["Account"],
            )
        )  # fmt: skip
    return found


def sacct_rows(text: str) -> list[SlurmJob]:
    """One row a start. The lines of its steps follow it and carry the energy."""
    found: list[SlurmJob] = []
    energy: dict[int, int] = {}
    for line in text.splitlines():
        cells = dict(zip(SACCT_FIELDS, line.split("|"), strict=False))
        if len(cells) < len(SACCT_FIELDS):
            continue
        joules = _energy(cells["ConsumedEnergyRaw"])
        if "." not in cells["JobIDRaw"]:
            found += [_sacct_row(cells, task) for task in tasks_in(cells["JobID"].partition("_")[2])]
        # The largest, not the sum: each step's meter is the node's, and the batch step spans all of them.
        if joules is not None and found:
            energy[len(found) - 1] = max(joules, energy.get(len(found) - 1, 0))
    return [
        SlurmJob(**{**row.__dict__, "energy_joules": energy[number]}) if number in energy else row
        for number, row in enumerate(found)
    ]


def tasks_in(said: str) -> list[str]:
    """The tasks of an array that a line speaks of: `3`, or `[0-2,5%3]` of all that never began; else one nameless."""
    tasks: list[str] = []
    for part in said.strip("[]").partition("%")[0].split(","):
        first, _, last = part.partition("-")
        tasks += [str(one) for one in range(int(first), int(last or first) + 1)] if first.isdigit() else [""]
    return tasks


def _sacct_row(cells: dict[str, str], task: str) -> SlurmJob:
    tres = _tres(cells["AllocTRES"])
    code, number = _exit(cells["ExitCode"])
    words = cells["State"].split()
    return SlurmJob(
        native_id=f"{cells['JobID'].partition('_')[0]}_{task}" if task else cells["JobIDRaw"],
        name=f"{cells['JobName']}/{task}" if task else cells["JobName"], state=words[0], reason=cells["Reason"],
        submitted_at=_moment(cells["Submit"]), started_at=_moment(cells["Start"]), ended_at=_moment(cells["End"]),
        elapsed=_number(cells["ElapsedRaw"]), gpus=gpus_in(tres), cpus=_number(tres.get("cpu", "")),
        exit_code=code, signal=number, nodes=_nodes(cells["NodeList"]), cluster=cells["Cluster"],
        by_uid=_canceller(words),
        account=cells["Account"],
    )  # fmt: skip


def _canceller(words: list[str]) -> int | None:
    """Of `CANCELLED by 1000`, or of `CANCELLED` alone."""
    if words[0] != "CANCELLED":
        return None
    return _number(words[2]) if len(words) == 3 else NOBODY


def _exit(text: str) -> tuple[int, int]:
    """Exit code and signal: squeue of 22.05 prints the raw wait status, sacct `code:signal`."""
    if ":" in text:
        code, _, number = text.partition(":")
        return _number(code), _number(number)
    return _number(text) >> 8, _number(text) & 0x7F


def _moment(text: str) -> datetime | None:
    """Seconds since the epoch; None for Unknown, None, N/A and 0."""
    return datetime.fromtimestamp(int(text), UTC) if text.isdigit() and int(text) else None


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _nodes(text: str) -> str:
    return "" if text.startswith("None") or text in ("N/A", "(null)") else text


def _energy(text: str) -> int | None:
    """Joules; None for zero, for less, and for the numbers that stand for "not measured"."""
    return int(text) if text.isdigit() and 0 < int(text) < _NO_ENERGY else None


def _tres(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split(",") if "=" in part)


def gpus_in(tres: dict[str, str]) -> int:
    """All GPUs; where only typed ones are accounted, their sum."""
    if "gres/gpu" in tres:
        return _number(tres["gres/gpu"])
    return sum(_number(value) for name, value in tres.items() if name.startswith("gres/gpu:"))


# ---- nodes ---------------------------------------------------------------------------------------------------------

NODE_FIELDS = ("NodeList", "Partition", "StateCompact", "Gres", "GresUsed", "Time", "Version", "Available", "Reason")


# Nodes in these states take a job now, if what they have left fits.
_OPEN = frozenset({"idle", "mix", "comp"})


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node in one partition: its GPUs, and how many of them are held. `max_seconds` is None without a limit."""

    name: str
    partition: str
    state: str
    gpus: int
    used: int
    max_seconds: int | None
    version: str
    available: str = "up"  # the partition's own state: up, down, drain, inact
    reason: str = ""  # why the operator, or Slurm itself, took the node out

    @property
    def free(self) -> int:
        """GPUs that a job could have now."""
        return max(0, self.gpus - self.used) if self.state in _OPEN else 0

    @property
    def usable(self) -> bool:
        """Takes work now or once what it runs has ended. `*` says that the node does not answer."""
        return self.state in ("idle", "mix", "alloc", "plnd", "comp")


def node_format() -> str:
    return ",".join(f"{name}:{_MARK}" for name in NODE_FIELDS)


def node_rows(text: str, gpu_type: str = "") -> list[Node]:
    found = []
    for line in text.splitlines():
        cells = dict(zip(NODE_FIELDS, line.split(_MARK), strict=False))
        if len(cells) == len(NODE_FIELDS):
            found.append(
                Node(
                    name=cells["NodeList"], partition=cells["Partition"].rstrip("*"), state=cells["StateCompact"],
                    gpus=gres_gpus(cells["Gres"], gpu_type), used=gres_gpus(cells["GresUsed"], gpu_type),
                    max_seconds=seconds(cells["Time"]), version=cells["Version"], available=cells["Available"],
                    reason="" if cells["Reason"] == "none" else cells["Reason"],
                )
            )  # fmt: skip
    return found


# ---- reservations ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reservation:
    name: str
    starts_at: datetime
    ends_at: datetime
    partition: str
    flags: frozenset[str]
    reason: str = ""


def reservation_rows(text: str) -> list[Reservation]:
    """The lines of `scontrol --oneliner show reservation`."""
    found = []
    for line in text.splitlines():
        cells = dict(re.findall(r"(\w+)=(.*?)(?=\s+\w+=|$)", line.strip()))
        starts, ends = _moment(cells.get("StartTime", "")), _moment(cells.get("EndTime", ""))
        if starts and ends:
            found.append(
                Reservation(
                    name=cells["ReservationName"], starts_at=starts, ends_at=ends, reason=plain(cells.get("Comment")),
                    partition=plain(cells.get("PartitionName")), flags=frozenset(cells.get("Flags", "").split(",")),
                )
            )  # fmt: skip
    return found


def plain(text: str | None) -> str:
    """Slurm's own word for nothing is nothing."""
    return "" if text in (None, "(null)", "None", "N/A") else str(text)


def gres_gpus(text: str, gpu_type: str) -> int:
    """GPUs in `gpu:h100:4(S:0-1),gpu:a100:2`, of one type or of all."""
    found = re.findall(r"gpu(?::([^:(),]+))?:(\d+)(?=[(,]|$)", text)
    return sum(int(count) for kind, count in found if not gpu_type or kind == gpu_type)


def seconds(text: str) -> int | None:
    """`1-02:03:04`, `02:03:04`, `03:04`; None for infinite and what is no time."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text.strip())
    if match is None:
        return None
    days, hours, minutes, rest = (int(one or 0) for one in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
