"""The clock's work on sites."""

from celery import shared_task

from jobs.sites.services import watch_sites
from portal.kernel.clock import now

# This worker's own beginning: before it nobody listened, so nobody was silent.
LISTENING_SINCE = now()


@shared_task(name="jobs.sites.watch")
def watch() -> dict[str, int]:
    return watch_sites(at=now(), listening_since=LISTENING_SINCE)
