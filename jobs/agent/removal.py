"""A job's data leave the site, and the portal is told until it has heard it.

That the data are gone is written down in the same transaction that ends the attempt here. Killed before it, the agent
removes once more what is not there; killed after it, the word still waits to be said.
"""

import time
from datetime import UTC, datetime
from typing import Any

from jobs.agent.backends.base import Backend
from jobs.agent.config import Config
from jobs.agent.state import Attempt, State

FEATURE = "removal"
# Said again these cannot become true: the portal knows no such attempt, or not under this lease.
_HOPELESS = frozenset({"attempt_unknown", "stale_lease", "malformed"})


def keep_until(attempt: Attempt, config: Config) -> float:
    """Until when the site keeps the data: as long as it likes, and never longer than the portal has promised."""
    ended = attempt.ended_at or 0.0
    return ended + min(3600 * config.keep_hours, _promised(attempt))


def overdue(attempt: Attempt) -> bool:
    """Whether the promise is about to be broken: then nothing that can be said later holds the removal up."""
    return time.time() >= (attempt.ended_at or 0.0) + _promised(attempt)


def remove(*, backend: Backend, state: State, attempt: Attempt) -> None:
    """Removes the data and notes it. Raises BackendError while something is left."""
    backend.wipe(attempt.key)
    state.wiped(attempt.key, at=datetime.now(UTC).isoformat())


def removed_rows(state: State) -> list[dict[str, Any]]:
    """What the portal has not heard yet, for a message."""
    return state.removals_to_report()


def hear(state: State, answer: dict[str, Any]) -> None:
    """Takes note of what the portal has heard, and of what it never will."""
    heard = list(answer["acks"].get("removed", ()))
    heard += [row["key"] for row in answer["refused"] if row["kind"] == "removed" and row["code"] in _HOPELESS]
    if heard:
        state.removals_acknowledged(heard)


def _promised(attempt: Attempt) -> float:
    said = attempt.payload.get("remove_after_seconds")
    return float(said) if isinstance(said, int) and said >= 0 else float("inf")
