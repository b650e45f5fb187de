"""What slurmrestd says and wants, in both of its shapes: v0.0.38 (Slurm 22.05) and the data_parser's from v0.0.40 on.

From v0.0.40 on a number is `{"set", "infinite", "number"}`, a state is a list, the environment a list, and GPUs go into
`tres_per_node`. v0.0.38 says exit code 0 of every job in the accounting, knows no `requeue: false`, and cannot warn a
job's script before its limit (tried on 22.05.8 and 24.11.5).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jobs.agent.backends.base import BackendError
from jobs.agent.backends.slurm_rows import Node, Reservation, SlurmJob, gpus_in, gres_gpus, plain, tasks_in

# Bits that say more than the state below them.
_FIRST = ("REQUEUE_HOLD", "REQUEUED", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD", "COMPLETING", "CONFIGURING")
_NO_ENERGY = 2**32 - 2
_NODE = {
    "IDLE": "idle", "MIXED": "mix", "ALLOCATED": "alloc", "DOWN": "down", "ERROR": "err", "FUTURE": "futr",
    "PLANNED": "plnd", "UNKNOWN": "unk",
}  # fmt: skip


def number(value: Any) -> int | None:
    """A number in either shape; None where it is not set, or without a limit."""
    if isinstance(value, Mapping):
        value = value.get("number") if value.get("set", True) and not value.get("infinite") else None
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def word(value: Any) -> str:
    """A state in either shape: the bit that counts, else the base."""
    if isinstance(value, list):
        return next((bit for bit in _FIRST if bit in value), str(value[0]) if value else "")
    return str(value or "")


def moment(value: Any) -> datetime | None:
    seconds = number(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def exit_of(value: Any) -> tuple[int, int]:
    """Exit code and signal: a raw wait status in v0.0.38, an object later."""
    if isinstance(value, Mapping):
        killed = value.get("signal") or {}
        return number(value.get("return_code")) or 0, number(killed.get("id", killed.get("signal_id"))) or 0
    status = number(value) or 0
    return status >> 8, status & 0x7F


# ---- answers ---------------------------------------------------------------------------------------------------------


def queue_rows(jobs: list[dict[str, Any]]) -> list[SlurmJob]:
    """The controller's records; what of an array has not begun is one record, and becomes a row for each task."""
    return [_queue_row(job, task) for job in jobs for task in _tasks(job)]


def _tasks(job: dict[str, Any]) -> list[str]:
    task = number(job.get("array_task_id"))
    if task is not None and number(job.get("array_job_id")):
        return [str(task)]
    return tasks_in(str(job.get("array_task_string") or ""))


def _queue_row(job: dict[str, Any], task: str) -> SlurmJob:
    started, ended = moment(job.get("start_time")), moment(job.get("end_time"))
    tres = dict(part.partition("=")[::2] for part in str(job.get("tres_alloc_str") or "").split(",") if "=" in part)
    code, killed = exit_of(job.get("exit_code"))
    state = word(job.get("job_state"))
    return SlurmJob(
        native_id=f"{number(job['array_job_id'])}_{task}" if task else str(job["job_id"]),
        name=f"{job['name']}/{task}" if task else str(job["name"]), state=state, reason=str(job.get("state_reason")),
        submitted_at=moment(job.get("submit_time")), started_at=started, ended_at=ended,
        elapsed=max(0, int((ended - started).total_seconds())) if started and ended else 0,
        gpus=gpus_in(tres), cpus=int(tres.get("cpu") or 0), exit_code=code, signal=killed,
        nodes=plain(job.get("nodes")), cluster=str(job.get("cluster") or ""), account=str(job.get("account") or ""),
        restarts=number(job.get("restart_cnt")) or 0,
    )  # fmt: skip


def accounting_rows(jobs: list[dict[str, Any]]) -> list[SlurmJob]:
    """One row a start; a requeued job has several."""
    return [_accounting_row(job, task) for job in jobs for task in _accounted_tasks(job)]


def _accounted_tasks(job: dict[str, Any]) -> list[str]:
    array = job.get("array") or {}
    task = number(array.get("task_id"))
    if number(array.get("job_id")) and task is not None:
        return [str(task)]
    return tasks_in(str(array.get("task") or ""))


def _accounting_row(job: dict[str, Any], task: str) -> SlurmJob:
    times, state = job["time"], job["state"]
    tres = {
        one["type"] + (f"/{one['name']}" if one.get("name") else ""): str(number(one.get("count")) or 0)
        for one in job.get("tres", {}).get("allocated") or []
    }
    started, ended = moment(times.get("start")), moment(times.get("end"))
    code, killed = exit_of(job.get("exit_code"))
    return SlurmJob(
        native_id=f"{number(job['array']['job_id'])}_{task}" if task else str(job["job_id"]),
        name=f"{job['name']}/{task}" if task else str(job["name"]), state=word(state.get("current")),
        reason=str(state.get("reason") or ""), submitted_at=moment(times.get("submission")), started_at=started,
        ended_at=ended, elapsed=number(times.get("elapsed")) or 0, gpus=gpus_in(tres), cpus=int(tres.get("cpu") or 0),
        exit_code=code, signal=killed, nodes="" if job.get("nodes") == "None assigned" else plain(job.get("nodes")),
        cluster=str(job.get("cluster") or ""), account=str(job.get("account") or ""), energy_joules=_energy(job),
    )  # fmt: skip


def _energy(job: dict[str, Any]) -> int | None:
    """Joules of the step that saw most; unknown where nothing was measured."""
    found = [
        number((step.get("statistics") or {}).get("energy", {}).get("consumed")) or 0 for step in job.get("steps") or []
    ]
    most = max(found, default=0)
    return most if 0 < most < _NO_ENERGY else None


def node_rows(nodes: list[dict[str, Any]], partitions: list[dict[str, Any]], gpu_type: str) -> list[Node]:
    """A row for each node and partition it is in, partition after partition."""
    known = {str(one["name"]): one for one in partitions}
    places = {name: place for place, name in enumerate(known)}
    rows = [
        Node(
            name=str(node["name"]), partition=name, state=_node_state(node),
            gpus=gres_gpus(str(node.get("gres") or ""), gpu_type),
            used=gres_gpus(str(node.get("gres_used") or ""), gpu_type), max_seconds=_limit(known.get(name, {})),
            version=str(node.get("slurmd_version") or node.get("version") or ""),
            available=_available(known.get(name, {})), reason=plain(node.get("reason")),
        )
        for node in nodes
        for name in node.get("partitions") or []
    ]  # fmt: skip
    return sorted(rows, key=lambda row: places.get(row.partition, len(places)))


def _node_state(node: dict[str, Any]) -> str:
    said = node.get("state")
    bits = [*(said if isinstance(said, list) else [str(said).upper()]), *(node.get("state_flags") or [])]
    base = _NODE.get(str(bits[0]).upper(), str(bits[0]).lower()) if bits else "unk"
    if "DRAIN" in bits:
        return "drain"
    if "MAINTENANCE" in bits or "RESERVED" in bits:
        return "maint" if "MAINTENANCE" in bits else "resv"
    if "COMPLETING" in bits and base == "idle":
        return "comp"
    return base + ("*" if {"NOT_RESPONDING", "NO_RESPOND"} & set(bits) else "")


def _limit(partition: Mapping[str, Any]) -> int | None:
    """Seconds; Slurm says minutes."""
    minutes = number(partition.get("max_time_limit", (partition.get("maximums") or {}).get("time")))
    return 60 * minutes if minutes and minutes > 0 else None


def _available(partition: Mapping[str, Any]) -> str:
    said = partition.get("state", (partition.get("partition") or {}).get("state"))
    return (word(said) or "up").lower()


def reservation_rows(reservations: list[dict[str, Any]]) -> list[Reservation]:
    return [
        Reservation(
            name=str(one["name"]), starts_at=starts, ends_at=ends, partition=plain(one.get("partition")),
            flags=frozenset(map(str, one.get("flags") or [])),
        )
        for one in reservations
        for starts, ends in [(moment(one.get("start_time")), moment(one.get("end_time")))]
        if starts and ends
    ]  # fmt: skip


# ---- questions -------------------------------------------------------------------------------------------------------

_TEXT = {
    "job-name": "name", "comment": "comment", "chdir": "current_working_directory", "output": "standard_output",
    "dependency": "dependency", "partition": "partition", "account": "account", "qos": "qos", "array": "array",
}  # fmt: skip
_NUMBER = {"ntasks-per-node": "tasks_per_node", "cpus-per-task": "cpus_per_task"}
PATH = "/usr/local/bin:/usr/bin:/bin"


def job_of(words: list[str], *, old: bool, now: datetime) -> dict[str, Any]:
    """The options of sbatch as slurmrestd wants them. Raises BackendError with one that cannot be said this way."""
    job: dict[str, Any] = {"environment": {"PATH": PATH} if old else [f"PATH={PATH}"]}
    for one in words:
        name, _, value = one.removeprefix("--").partition("=")
        if name in _TEXT:
            job[_TEXT[name]] = value
        elif name in _NUMBER:
            job[_NUMBER[name]] = int(value)
        else:
            job |= _special(name, value, old=old, now=now)
    job["tasks"] = job.get("tasks_per_node", 1) * (job["nodes"][0] if old else int(job["nodes"]))
    return job


def _special(name: str, value: str, *, old: bool, now: datetime) -> dict[str, Any]:
    match name:
        case "no-requeue":
            return {} if old else {"requeue": False}
        case "time":
            return {"time_limit": int(value) if old else _set(int(value))}
        case "deadline":
            minutes = int(value.removeprefix("now+").removesuffix("minutes"))
            return {"deadline": value if old else int(now.timestamp()) + 60 * minutes}
        case "open-mode":
            return {"open_mode": value if old else [value.upper()]}
        case "nodes":
            return {"nodes": [int(value), int(value)] if old else value}
        case "signal":
            if old:
                return {}
            signal, _, seconds = value.removeprefix("B:").partition("@")
            return {
                "kill_warning_signal": signal, "kill_warning_delay": _set(int(seconds)),
                "kill_warning_flags": ["BATCH_JOB"],
            }  # fmt: skip
        case "gres" | "gpus-per-node":
            count = value.removeprefix("gpu:")
            return {"gpus_per_node": count} if old else {"tres_per_node": f"gres/gpu:{count}"}
        case "mem":
            megabytes = int(value[:-1]) * (1024 if value.endswith("G") else 1)
            return {"memory_per_node": megabytes if old else _set(megabytes)}
    raise BackendError(f"slurmrestd cannot be told --{name}; leave it out of backend.slurm.extra.")


def _set(value: int) -> dict[str, Any]:
    return {"set": True, "number": value}
