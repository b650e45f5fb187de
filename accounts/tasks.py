"""Work that waits for nobody: e-mails of notices."""

from celery import shared_task

from accounts.services import messages
from portal.kernel.clock import now


@shared_task(name="accounts.sweep")
def sweep() -> None:
    """Sends every e-mail that is still waiting. Runs periodically; running it twice sends nothing twice."""
    for notice_id in messages.unsent(at=now()):
        messages.send_notice(notice_id=notice_id, at=now())
