"""Runs things at the same moment, each in a thread with its own database connection."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from portal.kernel.errors import DomainError


def together(*acts: Callable[[], Any]) -> list[Future[Any]]:
    """Starts every act at once and waits until all have ended; results and errors are in the futures."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait()
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [pool.submit(run, act) for act in acts]


def outcomes(futures: list[Future[Any]]) -> list[str]:
    """ "done" or the refusal's code for each, sorted; any other error is raised."""
    found = []
    for future in futures:
        try:
            future.result()
            found.append("done")
        except DomainError as error:
            found.append(error.code)
    return sorted(found)
