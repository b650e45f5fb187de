"""The clock's work on jobs."""

from celery import shared_task

from jobs.execution.services import clear_leftovers, sweep
from portal.kernel.clock import now


@shared_task(name="jobs.execution.sweep")
def sweep_jobs() -> dict[str, int]:
    return sweep(at=now())


@shared_task(name="jobs.execution.leftovers")
def clear_jobs() -> int:
    return clear_leftovers(at=now())
