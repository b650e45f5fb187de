"""GPU-seconds a run has held so far, by our own clock: a first witness while it runs, never what is charged."""

import time
from dataclasses import dataclass
from typing import Any

from jobs.agent.backends.base import Phase, Status
from jobs.agent.state import Attempt, State

PROVISIONAL = "provisional"
# What was not seen running for so long is not said to be.
FRESH_SECONDS = 20.0


@dataclass(frozen=True)
class Sight:
    """A run as it was last seen: GPU-seconds of its earlier starts, and since when it holds how many GPUs."""

    before: int
    gpus: int
    since: float
    seen_at: float


class Held:
    """What runs now. The beginning of a start the scheduler does not tell is written down when it is first seen."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._sights: dict[str, Sight] = {}

    def see(self, attempt: Attempt, status: Status) -> None:
        """Takes a look at an attempt; called at each step."""
        if status.phase != Phase.RUNNING or not attempt.payload:
            self._sights.pop(attempt.key, None)
            return
        since = self._since(attempt.key, status)
        earlier = sum(row["gpu_seconds"] for row in self.state.usage_of_attempt(attempt.key))
        gpus = int(attempt.payload.get("gpus", 1))
        self._sights[attempt.key] = Sight(before=earlier, gpus=gpus, since=since, seen_at=time.time())

    def words(self, attempt: Attempt) -> dict[str, Any]:
        """What goes with the attempt's report, if it was seen running just now."""
        sight = self._sights.get(attempt.key)
        if sight is None or time.time() - sight.seen_at > FRESH_SECONDS:
            return {}
        return {"held_gpu_seconds": sight.before + sight.gpus * int(max(0.0, sight.seen_at - sight.since))}

    def forget(self, key: str) -> None:
        self._sights.pop(key, None)
        self.state.unnote(f"held:{key}")

    def _since(self, key: str, status: Status) -> float:
        if status.starts <= 1 and status.started_at is not None:
            return status.started_at.timestamp()
        known = self.state.noted(f"held:{key}")
        if known is None or known["start"] != status.starts:
            known = {"start": status.starts, "since": time.time()}
            self.state.note(f"held:{key}", known)
        return float(known["since"])
