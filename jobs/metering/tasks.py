"""The clock's work on usage. Running it twice changes nothing."""

from celery import shared_task

from jobs.metering.witnesses import find_missing
from portal.kernel.clock import now


@shared_task(name="jobs.metering.sweep")
def sweep() -> int:
    """Looks for jobs that ran and of which no usage came."""
    return find_missing(at=now())
