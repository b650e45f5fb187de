"""The run's diary: append-only JSON lines with numbers that go on after a crash.

A process that is killed while it writes leaves half a line. Readers stop at the last newline; the next writer cuts the
half line away before it appends, so that no line is ever glued to another.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO


def whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The complete events of a diary, in order; a torn last line is not one."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)


class Events:
    """Writes the diary. `elapsed` counts the run time of all processes that have written it, this one included."""

    def __init__(self, path: Path) -> None:
        self._seq = 0
        self._elapsed_before = 0.0
        self.attempt = 1
        self.peak_memory_mb = 0.0
        self.train_seconds_before = 0.0
        self.energy_before: float | None = None
        _cut_torn_line(path)
        self._take_up(path)
        self._started = time.monotonic()
        self._file: BinaryIO = path.open("ab", buffering=0)

    def _take_up(self, path: Path) -> None:
        """Read what earlier attempts left: where numbers and clocks go on."""
        training_since: float | None = None
        attempt_energy: float | None = None
        for event in whole_lines(path):
            self._seq = event["seq"]
            self._elapsed_before = event["elapsed"]
            kind = event["type"]
            if kind == "state" and event["state"] == "preparing":
                self.attempt = event["attempt"] + 1
                training_since = None
                self.energy_before = _sum(self.energy_before, attempt_energy)
                attempt_energy = None
            elif kind == "progress":
                training_since = event["elapsed"]
            elif kind in ("metrics", "checkpoint"):
                if training_since is not None:
                    self.train_seconds_before += event["elapsed"] - training_since
                    training_since = event["elapsed"]
                self.peak_memory_mb = max(self.peak_memory_mb, event.get("memory_mb") or 0)
                attempt_energy = event.get("energy_j") or attempt_energy
        self.energy_before = _sum(self.energy_before, attempt_energy)

    @property
    def elapsed(self) -> float:
        """Seconds of run time over all attempts. Monotonic: a clock set back in mid-run does not lengthen a limit."""
        return self._elapsed_before + time.monotonic() - self._started

    def write(self, type_: str, **fields: Any) -> None:
        self._seq += 1
        event = {"seq": self._seq, "t": round(time.time(), 3), "elapsed": round(self.elapsed, 3), "type": type_}
        event |= {name: _plain(value) for name, value in fields.items()}
        self._file.write(json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        os.fsync(self._file.fileno())
        with contextlib.suppress(OSError):  # nobody may be listening any more; the diary counts
            print(in_words(event), flush=True)

    def state(self, state: str, **fields: Any) -> None:
        self.write("state", state=state, **fields)

    def close(self) -> None:
        self._file.close()


def in_words(event: dict[str, Any]) -> str:
    """One line for the log that people read: time since the start, what happened, its figures."""
    kind, skip = event["type"], {"seq", "t", "elapsed", "type", "detail", "digest", "confusion"}
    figures = {name: value for name, value in event.items() if name not in skip}
    if kind == "state":
        head = str(figures.pop("state")).replace("_", " ")
    elif kind == "metrics":
        head = f"step {figures.pop('step')} of {figures.pop('steps')}"
    elif kind == "evaluation":
        head = f"evaluation {figures.pop('phase')}"
        figures = {name: value for name, value in figures["metrics"].items() if name not in skip}
    else:
        head = kind
    shown = ", ".join(f"{name} {_short(value)}" for name, value in figures.items() if value is not None)
    return f"{event['elapsed']:9.1f} s  {head}" + (f": {shown}" if shown else "")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) and not isinstance(value, bool) else str(value)


def _sum(first: float | None, second: float | None) -> float | None:
    return second if first is None else first + (second or 0)


def _plain(value: Any) -> Any:
    """JSON knows no NaN and no infinity: they become null, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            cut = file.read(end - start).rfind(b"\n")
            if cut >= 0:
                file.truncate(start + cut + 1)
                return
            end = start
        file.truncate(0)
