"""The wrapper around one start of a job: claims it, starts it, holds it to its limits, and writes receipts.

It is a process of its own in a session of its own, so the agent may be killed and come back: everything anybody needs
to know afterwards stands in files. If the wrapper itself is killed, its child dies with it (PR_SET_PDEATHSIG).

    spec.json, out/       made from the order just before the training starts
    runs/<n>/start.json   written with the claim: who runs, since when
    runs/<n>/child.json   the process group of the training
    runs/<n>/alive        touched once a second
    runs/<n>/end.json     written once: when and why it ended

The claim is the atomic appearance of the folder `runs/<n>` with `start.json` inside: of two wrappers for one start,
one runs and the other leaves without having done anything.
"""

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from jobs.agent.backends.processes import ProcessId, members_of_group, resident_bytes, signal_group
from jobs.agent.files import read_json, write_atomically, write_json

ORDER, SPEC, LOG, RUNS, CANCEL = "order.json", "spec.json", "log", "runs", "CANCEL"
START, CHILD, END, ALIVE = "start.json", "child.json", "end.json", "alive"
STOP = "STOP"
# The runtime ends itself at its time limit; this is for one that does not.
OVERTIME = 60.0
# The runtime's word for "the process of an earlier start is still at work here": wait and start again.
BUSY = 75
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    job, number = Path(arguments[0]), int(arguments[1])
    order = read_json(job / ORDER)
    run = claim(job, number)
    if run is None:
        return 0
    return Watch(job, run, order).go(first=number == 1)


def claim(job: Path, number: int | str, **facts: Any) -> Path | None:
    """Takes start `number` of this job, or finds it taken. `facts` go into the receipt."""
    draft = job / RUNS / f".claim-{os.uname().nodename}-{os.getpid()}"
    draft.mkdir(parents=True, exist_ok=True)
    write_json(draft / START, {**_named(os.getpid()), "started_at": datetime.now(UTC).isoformat(), **facts})
    run = job / RUNS / str(number)
    try:
        draft.rename(run)  # fails when the folder is there: it holds the other's receipt
    except OSError:
        (draft / START).unlink()
        draft.rmdir()
        return None
    return run


class Watch:
    """One child, from its start to its receipt."""

    def __init__(self, job: Path, run: Path, order: dict[str, Any]) -> None:
        self.job, self.run, self.order = job, run, order
        self.began = boot_clock()
        self.returned: int | None = None
        self.suspended = False
        self.why = ""
        self.peak = 0
        self.wish: dict[str, Any] | None = None
        self.stop_at: float | None = None
        self.kill_at: float | None = None

    def go(self, *, first: bool) -> int:
        signal.signal(signal.SIGTERM, self._suspend)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if first and datetime.now(UTC) > datetime.fromisoformat(self.order["not_after"]):
            return self._end("not_after", None, "The latest moment for a start had passed.")
        if read_json(self.job / CANCEL) is not None:
            return self._end("cancelled", None, "Cancelled before it began.")
        try:
            Path(self.order["out"]).mkdir(exist_ok=True, mode=0o700)
            write_json(self.job / SPEC, self.order["spec"])
            child = self._start()
        except OSError as error:
            return self._end("cannot_start", None, str(error))
        write_json(self.run / CHILD, _named(child.pid))
        self._watch(child)
        return self._end("", child.returncode)

    def _start(self) -> "subprocess.Popen[bytes]":
        with (self.job / LOG).open("ab") as log:
            return subprocess.Popen(
                self.order["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd=self.order["cwd"],
                process_group=0,
                preexec_fn=_die_with_parent,
            )

    def _environment(self) -> dict[str, str]:
        return dict(self.order["environment"])

    def _watch(self, child: "subprocess.Popen[bytes]") -> None:
        started = time.monotonic()
        last_look = 0.0
        ends = _ends_of(child)
        while child.poll() is None:
            now = time.monotonic()
            if now - last_look >= 1.0:
                last_look = now
                write_atomically(self.run / ALIVE, b"")
                self._look_at_memory(child.pid)
                self._look_for_cancel(now)
            if now - started > self.order["seconds_left"] + OVERTIME:
                self._kill(child.pid, "time_limit")
            if self.suspended:
                self._kill(child.pid, "suspended")
            if self.stop_at is not None and now > self.stop_at:
                signal_group(child.pid, signal.SIGTERM)
                self.stop_at = None
            if self.kill_at is not None and now > self.kill_at:
                self._kill(child.pid, "cancelled")
            select.select(ends, [], [], 0.1)
        for end in ends:
            os.close(end)
        # Nothing of the job outlives it.
        signal_group(child.pid, signal.SIGKILL)

    def _look_at_memory(self, group: int) -> None:
        used = resident_bytes(members_of_group(group))
        self.peak = max(self.peak, used)
        if self.order["memory_bytes"] and used > self.order["memory_bytes"]:
            self._kill(group, "out_of_memory")

    def _look_for_cancel(self, now: float) -> None:
        """STOP asks the runtime to end after its step; then TERM, then KILL, each after the grace that was given."""
        wish = read_json(self.job / CANCEL)
        if wish is None or wish == self.wish:
            return
        self.wish = wish
        grace = float(wish.get("grace", 30))
        self._ask_to_stop()
        self.stop_at, self.kill_at = now + grace, now + grace * 1.5

    def _ask_to_stop(self) -> None:
        (Path(self.order["out"]) / STOP).touch()

    def _kill(self, group: int, why: str) -> None:
        self.why = self.why or why
        signal_group(group, signal.SIGKILL)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self.suspended = True

    def _end(self, why: str, returned: int | None, detail: str = "") -> int:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.returned = returned
        exit_code = returned if returned is not None and returned >= 0 else None
        number = -returned if returned is not None and returned < 0 else None
        # A child that had ended by itself before our signal reached it has ended by itself.
        reason = why or (self.why if number == signal.SIGKILL and self.why else "")
        write_json(
            self.run / END,
            {
                "ended_at": datetime.now(UTC).isoformat(),
                "held_seconds": int(boot_clock() - self.began),
                "why": reason or ("killed" if number == signal.SIGKILL or exit_code == BUSY else "exited"),
                "exit_code": exit_code,
                "signal": number,
                "cpu_seconds": int(used.ru_utime + used.ru_stime),
                "peak_bytes": self.peak,
                "detail": detail,
            },
        )
        return 0


def boot_clock() -> float:
    """Seconds since the machine started: a clock that nobody sets, so that a receipt needs no calendar."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _named(pid: int) -> dict[str, Any]:
    known = ProcessId.of(pid)
    return asdict(known) if known else {"pid": pid, "ticks": 0, "boot": ""}


def _ends_of(child: "subprocess.Popen[bytes]") -> list[int]:
    """What becomes readable as soon as the child has ended; nothing on kernels before 5.3, which have to be asked."""
    try:
        return [os.pidfd_open(child.pid)]
    except (AttributeError, OSError):
        return []


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
