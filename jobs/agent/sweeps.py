"""What is ready together goes to the scheduler together where it takes arrays; each job stays an attempt of its own.

What fits together, and from how many on it is worth it, the back-end knows.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from jobs.agent.backends.base import Backend, BackendError, Order, Phase, Status
from jobs.agent.state import Attempt
from jobs.agent.work import WorkRefused

logger = logging.getLogger(__name__)


@runtime_checkable
class TakesArrays(Protocol):
    """A back-end that can be given several orders at once. Any of them may be handed over again by itself."""

    def submit_together(self, orders: Sequence[Order]) -> list[str]:
        """Takes those that it wants together; their keys."""


def handed_over(
    attempts: Sequence[Attempt], seen: Mapping[str, Status], *, backend: Backend, order_of: Callable[[Attempt], Order]
) -> dict[str, Status]:
    """Submits what is ready of each sweep. Returns where these keys stand now; whatever is left is submitted singly."""
    if not isinstance(backend, TakesArrays):
        return {}
    keys: list[str] = []
    for group in _ready(attempts, seen):
        try:
            keys += backend.submit_together([order_of(attempt) for attempt in group])
        except (BackendError, WorkRefused, OSError) as trouble:
            logger.warning("%d jobs are handed over one by one: %s", len(group), trouble)
    return backend.poll(keys) if keys else {}


def _ready(attempts: Sequence[Attempt], seen: Mapping[str, Status]) -> list[list[Attempt]]:
    """Attempts of one sweep, or of none, that the portal leaves to us and the scheduler has never heard of."""
    groups: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        sweep = str((attempt.payload.get("sweep") or {}).get("id") or "")
        going = attempt.committed and not (attempt.cancel or attempt.dropped or attempt.closed)
        if going and seen[attempt.key].phase == Phase.UNKNOWN:
            groups[sweep].append(attempt)
    return [group for group in groups.values() if len(group) > 1]
