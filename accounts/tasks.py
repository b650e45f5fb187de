"""Work that waits for nobody: e-mails of notices, letters about awards, and the clocks of duties."""

from celery import shared_task

from accounts import notices
from accounts.services.reassessment import ask_again
from accounts.state_aid.duties.alerts import alert_due
from accounts.state_aid.duties.yearly import open_yearly
from accounts.state_aid.letters.services import issue_open_letters
from portal.kernel.clock import now, today


@shared_task(name="accounts.sweep")
def sweep() -> None:
    """Sends every e-mail that is still waiting. Runs periodically; running it twice sends nothing twice."""
    for notice_id in notices.unsent(at=now()):
        notices.send_notice(notice_id=notice_id, at=now())


@shared_task(name="accounts.duties")
def duties() -> None:
    """Writes due letters, opens the year's report, tells officers in time, asks owners for a new size after a closing.

    Running it twice repeats nothing.
    """
    issue_open_letters(on=today())
    open_yearly(on=today())
    alert_due(on=today())
    ask_again(on=today())
