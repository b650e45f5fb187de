"""Background work on requests. Running it twice changes nothing."""

from celery import shared_task

from jobs.applications.clocks import sweep_applications
from portal.kernel.clock import now


@shared_task(name="jobs.applications.sweep")
def sweep() -> None:
    sweep_applications(at=now())
