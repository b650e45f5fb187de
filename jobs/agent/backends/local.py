"""Work on this very machine: each job a process group under a wrapper, its state in files.

The agent holds nothing in memory that matters: after a kill it finds its jobs by their folders, and their processes by
pid and start time.

    jobs/<key>/order.json  data/  out/  log  runs/<n>/…     removed after the job
    usage/<key>.json                                        kept: what was metered
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from jobs.agent.backends.base import (
    RESUMABLE,
    BackendError,
    Ended,
    Order,
    Phase,
    Status,
    UsageRow,
)
from jobs.agent.backends.folders import JobFolders, claims, plain_environment, training_command, training_environment
from jobs.agent.backends.processes import ProcessId, members_of_group, signal_group
from jobs.agent.backends.wrapper import ALIVE, CANCEL, CHILD, END, START
from jobs.agent.config import Config
from jobs.agent.files import read_json, write_json

CODE = Path(__file__).resolve().parents[3]
CLUSTER = "local"
# Started but not yet seen: a wrapper needs a moment until its claim stands.
_STARTING = 30.0


class LocalBackend(JobFolders):
    code: ClassVar[str] = "local"
    keeps_jobs: ClassVar[bool] = False

    def __init__(self, config: Config) -> None:
        options = config.options
        self.folder, self.store, self.receipts = config.jobs, config.store, config.work / "usage"
        self.python = str(options["python"])
        self.gpus = int(options.get("gpus", 1))
        self.devices = [str(device) for device in options.get("devices", [])]
        self.memory_bytes = int(float(options.get("memory_gb", 0)) * 1e9)
        self.threads = int(options.get("threads", 0))
        self.command = list(options.get("command", [self.python, "-m", "models_hub.training"]))
        self.environment = {str(name): str(value) for name, value in options.get("environment", {}).items()}
        self.children: list[subprocess.Popen[bytes]] = []
        for path in (self.folder, self.receipts):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    # ---- the seven verbs -----------------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        busy = sum(self._order_of(key).get("gpus", 0) for key in self._keys() if self._holds(key))
        return {
            "backend": self.code,
            "cluster": CLUSTER,
            "partitions": [{"name": "local", "gpus": self.gpus}],
            "limits": {"gpus": self.gpus, "memory_bytes": self.memory_bytes or None},
            "gpus_total": self.gpus,
            "gpus_free": max(0, self.gpus - busy),
            "egress": False,
            "versions": {"python": sys.version.split()[0], "agent_host": os.uname().sysname},
        }

    def submit(self, order: Order) -> str:
        job = self._job(order.key)
        status = self._status(order.key)
        if status.phase in (Phase.RUNNING, Phase.PENDING):
            return order.key
        if status.phase == Phase.ENDED and status.ended not in RESUMABLE:
            return order.key
        self._write_order(order.key, self._order(order, job), order.spec)
        number = status.starts + 1
        child = subprocess.Popen(
            [sys.executable, "-m", "jobs.agent.backends.wrapper", str(job), str(number)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=CODE,
            env={**plain_environment(), "PYTHONPATH": str(CODE)},
            start_new_session=True,
        )
        self.children.append(child)
        write_json(job / "launched.json", {"number": number, "at": datetime.now(UTC).isoformat()})
        return order.key

    def poll(self, keys: Sequence[str]) -> dict[str, Status]:
        self.children = [child for child in self.children if child.poll() is None]
        return {key: self._status(key) for key in keys}

    def cancel(self, key: str, grace: float) -> None:
        wish = {"grace": grace}
        if self._known(key) and read_json(self._job(key) / CANCEL) != wish:
            write_json(self._job(key) / CANCEL, wish)

    def usage(self, keys: Sequence[str]) -> list[UsageRow]:
        rows = []
        for key in keys:
            self._status(key)  # writes the receipt of a start that left none
            order = self._order_of(key)
            fresh = [self._usage_row(key, order, run) for run in self._starts(key) if (run / END).exists()]
            kept = read_json(self.receipts / f"{key}.json") or []
            # What was once written down stays as it is.
            lines = {line["started_at"]: line for line in [*(row for row in fresh if row), *kept]}
            if len(lines) > len(kept):
                write_json(self.receipts / f"{key}.json", list(lines.values()))
            rows += [_usage(line) for line in lines.values()]
        return rows

    def suspend(self, key: str) -> None:
        """Ends the training at once; it goes on from its last complete checkpoint. SIGTERM would end it for good."""
        for run in self._starts(key)[-1:]:
            wrapper = _process(read_json(run / START))
            if wrapper and wrapper.alive and not (run / END).exists():
                os.kill(wrapper.pid, signal.SIGTERM)

    def wipe(self, key: str) -> None:
        if self._known(key):
            self.usage([key])
        self._remove(key)

    # ---- files and processes -------------------------------------------------------------------------------------

    def _starts(self, key: str) -> list[Path]:
        return [one.path for one in claims(self._job(key))]

    def _holds(self, key: str) -> bool:
        """Whether it has its GPUs now, or is about to. Only looks: a receipt is written by the driver's own step."""
        starts = self._starts(key)
        if self._about_to_start(key, len(starts)):
            return True
        wrapper = _process(read_json(starts[-1] / START)) if starts else None
        return wrapper is not None and wrapper.alive and not (starts[-1] / END).exists()

    def _about_to_start(self, key: str, starts: int) -> bool:
        launched = read_json(self._job(key) / "launched.json") or {}
        if launched.get("number", 0) <= starts:
            return False
        return (datetime.now(UTC) - datetime.fromisoformat(launched["at"])).total_seconds() < _STARTING

    def _order(self, order: Order, job: Path) -> dict[str, Any]:
        held = sum((row.ended_at - row.started_at).total_seconds() for row in self.usage([order.key]))
        environment = {
            **training_environment(job, code=CODE, threads=self.threads),
            **({"CUDA_VISIBLE_DEVICES": ",".join(self._devices_for(order))} if self.devices else {}),
            **self.environment,
        }
        return {
            "command": training_command(self.command, job, store=self.store),
            "environment": environment,
            "cwd": str(job),
            "out": str(job / "out"),
            "gpus": order.gpus,
            "seconds_left": max(0.0, order.max_seconds - held),
            "memory_bytes": self._memory_for(order),
            "not_after": order.not_after.astimezone(UTC).isoformat(),
        }

    def _memory_for(self, order: Order) -> int:
        """The spec's limit is the GPU's memory, or the machine's where there is no GPU; the site's own always holds."""
        asked = int(order.spec.limits.memory_gb * 1e9) if not self.devices else 0
        limits = [limit for limit in (asked, self.memory_bytes) if limit]
        return min(limits, default=0)

    def _devices_for(self, order: Order) -> list[str]:
        taken = {
            device
            for key in self._keys()
            if key != order.key and self._holds(key)
            for device in self._order_of(key).get("environment", {}).get("CUDA_VISIBLE_DEVICES", "").split(",")
        }
        free = [device for device in self.devices if device not in taken]
        if len(free) < order.gpus:
            raise BackendError("Not enough GPUs are free.")
        return free[: order.gpus]

    def _status(self, key: str) -> Status:
        starts = self._starts(key)
        if self._about_to_start(key, len(starts)):
            return Status(key=key, phase=Phase.PENDING, native_id=key, starts=len(starts))
        if not starts:
            return Status(key=key, phase=Phase.UNKNOWN)
        began = [datetime.fromisoformat(read_json(run / START)["started_at"]) for run in starts]
        ends = [self._end_of(run) for run in starts]
        end = ends[-1]
        about: dict[str, Any] = {
            "key": key,
            "native_id": key,
            "starts": len(starts),
            "kills": sum(1 for one in ends if one and one["why"] == Ended.KILLED),
            "started_at": began[0],
        }
        if end is None:
            return Status(phase=Phase.RUNNING, **about)
        return Status(
            phase=Phase.ENDED,
            ended_at=datetime.fromisoformat(end["ended_at"]),
            ended=Ended(end["why"]),
            exit_code=end["exit_code"],
            signal=end["signal"],
            detail=end["detail"],
            **about,
        )

    def _end_of(self, run: Path) -> dict[str, Any] | None:
        """The receipt of a start's end; for a wrapper that was killed with its child, one is written in its place."""
        end = read_json(run / END)
        if end is not None:
            found: dict[str, Any] = end
            return found
        start = read_json(run / START)
        wrapper = _process(start)
        if wrapper is not None and wrapper.alive:
            return None
        end = read_json(run / END)  # it may have written it between the two looks
        if end is None:
            _end_orphans(_process(read_json(run / CHILD)))
            last = run / ALIVE if (run / ALIVE).exists() else run / START
            end = {
                "ended_at": datetime.fromtimestamp(last.stat().st_mtime, UTC).isoformat(),
                "why": Ended.KILLED,
                "exit_code": None,
                "signal": int(signal.SIGKILL),
                "cpu_seconds": 0,
                "peak_bytes": 0,
                "detail": "The wrapper was killed.",
            }
            write_json(run / END, end)
        return dict(end)

    def _usage_row(self, key: str, order: dict[str, Any], run: Path) -> dict[str, Any] | None:
        start, end = read_json(run / START), read_json(run / END)
        if end["why"] in (Ended.NOT_AFTER, Ended.CANNOT_START):
            return None
        wall = (datetime.fromisoformat(end["ended_at"]) - datetime.fromisoformat(start["started_at"])).total_seconds()
        gpus = int(order.get("gpus", 1))
        return {
            "key": key,
            "native_id": key,
            "started_at": start["started_at"],
            "ended_at": end["ended_at"] if wall >= 0 else start["started_at"],
            "gpus": gpus,
            "gpu_seconds": gpus * int(max(0.0, wall)),
            "cpu_seconds": int(end["cpu_seconds"]),
            "method": "accounting",
            "receipt_gpu_seconds": None if end.get("held_seconds") is None else gpus * int(end["held_seconds"]),
        }


def _usage(line: dict[str, Any]) -> UsageRow:
    return UsageRow(
        key=line["key"],
        cluster=CLUSTER,
        native_id=line["native_id"],
        started_at=datetime.fromisoformat(line["started_at"]),
        ended_at=datetime.fromisoformat(line["ended_at"]),
        gpus=line["gpus"],
        gpu_seconds=line["gpu_seconds"],
        cpu_seconds=line["cpu_seconds"],
        energy_joules=None,
        # What an earlier version wrote down stays what it was then.
        method=line.get("method", "receipt"),
        receipt_gpu_seconds=line.get("receipt_gpu_seconds"),
    )


def _process(start: dict[str, Any] | None) -> ProcessId | None:
    return ProcessId(pid=start["pid"], ticks=start["ticks"], boot=start["boot"]) if start else None


def _end_orphans(leader: ProcessId | None) -> None:
    """The child died with its wrapper; what the child had started is ended here."""
    if leader is not None and ProcessId.of(leader.pid) in (leader, None) and members_of_group(leader.pid):
        signal_group(leader.pid, signal.SIGKILL)
