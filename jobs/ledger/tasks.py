"""Background work on the book. Running it twice changes nothing."""

from celery import shared_task

from jobs.ledger.economic import warn_of_economic_use
from portal.kernel.clock import today


@shared_task(name="jobs.ledger.sweep")
def sweep() -> None:
    """Looks at the economic-use meters and tells people when one crosses a threshold."""
    warn_of_economic_use(on=today())
