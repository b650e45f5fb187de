"""Handing jobs to the scheduler side by side: one sbatch waits for its answer most of the time, four wait together.

A step of the agent ends when all hand-overs have, so nothing is ever looked at while it is being handed over.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from jobs.agent.backends.base import Backend

logger = logging.getLogger(__name__)


class HandOver:
    """As many at once as the back-end says (`submits_at_once`); one after the other where it says nothing."""

    def __init__(self, backend: Backend) -> None:
        at_once = int(getattr(backend, "submits_at_once", 1))
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="submit") if at_once > 1 else None
        self._given: dict[str, Future[None]] = {}

    def give(self, key: str, submit: Callable[[], None]) -> None:
        if self._pool is None:
            submit()
        else:
            self._given[key] = self._pool.submit(submit)

    def wait(self) -> None:
        """Until all have been handed over. Trouble with one does not hold up the others; it is tried again."""
        for key, given in self._given.items():
            try:
                given.result()
            except Exception:
                logger.exception("Attempt %s: it could not be handed over and is tried again.", key)
        self._given.clear()
