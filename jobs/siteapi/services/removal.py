"""The promise that a job's data leave the site, and the site's word that they have."""

from datetime import datetime

from django.utils.translation import gettext as _

from jobs.execution.reports import ReportRefused
from jobs.execution.rules import CLOCK_SKEW
from jobs.models import Attempt
from jobs.states import JOB_FINAL

FEATURE = "removal"


def observe_removal(*, attempt: Attempt, removed_at: datetime, at: datetime) -> None:
    """Keeps the first word that the data are gone. Said again, it changes nothing."""
    if attempt.state not in JOB_FINAL:
        raise ReportRefused("attempt_open", _("This attempt has not ended; its data are still needed."))
    moment = removed_at if attempt.created_at <= removed_at <= at + CLOCK_SKEW else at
    Attempt.objects.filter(pk=attempt.pk, removed_at__isnull=True).update(removed_at=min(moment, at))
