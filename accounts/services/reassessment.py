"""How long a signed size lasts: until the next closing of accounts is approved, and a while for signing again."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AuditEvent, SmeAssessment
from accounts.notices import notify
from accounts.selectors import owners_of
from accounts.size_in_force import last_day_in_force
from accounts.size_policy import size_policy_on
from accounts.sme.graph import Basis, Figures

ASKED = "size.asked_again"


def a_year_later(day: date) -> date:
    """The same closing of the next year; the last day of a month stays the last one."""
    last = monthrange(day.year + 1, day.month)[1]
    month_end = day.day == monthrange(day.year, day.month)[1]
    return date(day.year + 1, day.month, last if month_end else min(day.day, last))


def due_day(periods: Iterable[Figures], *, on: date) -> date:
    """When a new statement is due: the first closing after the latest approved one, and the time to approve it.

    A new company's estimate is itself of the first closing (Art 4(3)).
    """
    known = list(periods)
    approved = [one.period_end for one in known if one.basis is Basis.APPROVED]
    closing = a_year_later(max(approved)) if approved else max((one.period_end for one in known), default=on)
    return closing + timedelta(days=size_policy_on(on).approved_after_days)


def ask_again(*, on: date) -> int:
    """Tells the owners, once for each statement, that accounts have closed since. Says how many statements."""
    newer = SmeAssessment.objects.filter(organisation=OuterRef("organisation"), created_at__gt=OuterRef("created_at"))
    asked = AuditEvent.objects.filter(action=ASKED, target_id=Cast(OuterRef("pk"), CharField()))
    due = SmeAssessment.objects.filter(reassess_on__lte=on).exclude(Exists(newer)).exclude(Exists(asked))
    return sum(_ask(pk, on=on) for pk in due.values_list("pk", flat=True)[:200])


@transaction.atomic
def _ask(pk: UUID, *, on: date) -> bool:
    assessment = SmeAssessment.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk)
    found = assessment.select_related("organisation").first()
    if found is None or AuditEvent.objects.filter(action=ASKED, target_id=str(pk)).exists():
        return False
    end = last_day_in_force(found)
    for owner in owners_of(found.organisation):
        with translation.override(owner.language):
            notify(
                user=owner,
                kind="size_due",
                title=_("A year has closed: state the size of %(name)s again") % {"name": found.organisation},
                body=_("Your answers are kept; enter the new figures and sign. Until %(day)s the old statement counts.")
                % {"day": date_format(end) if end else ""},
                path=reverse("accounts:company_facts"),
                organisation=found.organisation,
                email=True,
            )
    audit.record(actor=None, action=ASKED, target=found, organisation=found.organisation, on=on.isoformat())
    return True
