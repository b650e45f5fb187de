"""Waking a worker early. The row is the message, so a broker that is down only makes the work start later."""

import logging
from typing import Any

from celery import Task
from django.db import transaction

logger = logging.getLogger(__name__)


def wake(task: Task, *ids: Any) -> None:
    """After this transaction commits, asks a worker to look at these rows now.

    A failure to reach the broker is logged and forgotten: each task has a periodic sweep that finds the same rows.
    """

    def send() -> None:
        try:
            task.apply_async(args=[str(value) for value in ids], retry=False)
        except Exception:
            logger.warning("Could not reach the broker for %s; the next sweep will do it.", task.name, exc_info=True)

    transaction.on_commit(send)
