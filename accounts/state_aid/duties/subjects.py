"""What a duty is about: its award's regulation, and words for its subject."""

from django.utils.translation import gettext as _

from accounts.models import AidAward, AidDuty, InformationRequest
from accounts.state_aid.threads import thread_of


def regime_of(duty: AidDuty) -> str:
    """The regulation the duty's award rests on, "" for duties of a year or a request."""
    if duty.award is None:
        return ""
    regimes = AidAward.objects.filter(award=duty.award).order_by("created_at").values_list("regime", flat=True)
    return regimes.first() or ""


def subject_label(duty: AidDuty) -> str:
    """What the duty is about, in words a person knows."""
    if duty.award is not None:
        return thread_of(duty.award).entry
    if duty.kind == AidDuty.Kind.YEARLY:
        return _("Year %(year)s") % {"year": duty.subject}
    request = InformationRequest.objects.filter(pk=duty.subject).values_list("reference", flat=True).first()
    return request or duty.subject
