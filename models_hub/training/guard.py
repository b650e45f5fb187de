"""What may end a run early: a request to stop, the time limit, the memory limit."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

from models_hub.specs import Failure, Limits
from models_hub.training.events import Events
from models_hub.training.failures import JobFailed, Stopped

STOP_FILE = "STOP"


class Guard:
    def __init__(self, *, out: Path, limits: Limits, events: Events) -> None:
        self._stop_file = out / STOP_FILE
        self._limits = limits
        self._events = events
        self._signalled = False

    def listen(self) -> None:
        """From now on SIGTERM and SIGINT mean what the STOP file means: finish the step, save, end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True

    @property
    def stop_requested(self) -> bool:
        return self._signalled or self._stop_file.exists()

    @property
    def time_is_up(self) -> bool:
        return self._events.elapsed >= self._limits.max_seconds

    def check(self) -> None:
        """For work that leaves nothing to save, such as an evaluation."""
        if self.stop_requested:
            raise Stopped
        if self.time_is_up:
            raise self.too_late()

    def too_late(self) -> JobFailed:
        return JobFailed(Failure.TIME_LIMIT, f"The run reached its limit of {self._limits.max_seconds} seconds.")

    def check_memory(self, used_mb: float) -> None:
        """Ends a run that outgrew its share before the system kills it without a word. `used_mb` is 1e6 bytes."""
        if used_mb > self._limits.memory_gb * 1000:
            raise JobFailed(
                Failure.OUT_OF_MEMORY,
                f"The run needed {used_mb / 1000:.1f} GB of memory and was given {self._limits.memory_gb:g} GB.",
            )
