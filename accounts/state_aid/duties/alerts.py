"""Telling officers when the day of a duty comes near: once for each alert, however many workers look."""

from datetime import date
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import countries
from accounts.models import AidAward, AidDuty, User
from accounts.notices import notify
from accounts.state_aid.duties.clocks import clock_on
from accounts.state_aid.duties.rows import clocks_of
from accounts.state_aid.duties.scope import officers_of
from accounts.state_aid.duties.subjects import subject_label
from accounts.state_aid.states import DutyState


def alert_due(*, on: date) -> int:
    """Tells the officers of each open duty whose next alert day has come; says how many duties spoke.

    Running it twice at once tells nobody twice: each duty is locked, and what was said is written in the same
    transaction as the notices. A duty that missed several alerts while no worker ran speaks once, with the latest.
    Duties with nothing to say cost no query of their own, so that this may run every minute.
    """
    waiting = list(AidDuty.objects.open().filter(opened_on__lte=on))
    awards = AidAward.objects.filter(award__in=[duty.award for duty in waiting if duty.award])
    regimes = dict(awards.order_by().values_list("award", "regime"))
    rows = {state: clocks_of(state) for state in {duty.granting_state for duty in waiting}}
    spoke = 0
    for duty in waiting:
        regime = regimes.get(duty.award, "") if duty.award else ""
        clock = clock_on(duty.kind, duty.opened_on, regime=regime, rows=rows[duty.granting_state])
        if clock is None:
            continue
        marks = clock.marks(opened_on=duty.opened_on, due_on=duty.due_on, on=on, state=duty.granting_state)
        if set(marks) - set(duty.alerted):
            spoke += _alert(duty.pk, marks, on)
    return spoke


@transaction.atomic
def _alert(pk: UUID, marks: list[str], on: date) -> bool:
    """Says what was not said yet; the row is read again under its lock."""
    duty = AidDuty.objects.select_for_update(skip_locked=True).filter(pk=pk, state=DutyState.OPEN).first()
    new = [mark for mark in marks if mark not in duty.alerted] if duty else []
    if duty is None or not new:
        return False
    AidDuty.objects.filter(pk=duty.pk).update(alerted=[*duty.alerted, *new])
    for officer in officers_of(duty.granting_state, duty.authority):
        with translation.override(officer.language):
            _tell(officer, duty, overdue=on > duty.due_on)
    return True


def _tell(officer: User, duty: AidDuty, *, overdue: bool) -> None:
    words = {
        "duty": duty.get_kind_display(),
        "subject": subject_label(duty),
        "day": date_format(duty.due_on),
        "country": countries.name(duty.granting_state),
    }
    title = _("Overdue: %(duty)s") if overdue else _("Due on %(day)s: %(duty)s")
    notify(
        user=officer,
        kind="aid_duty",
        title=title % words,
        body=_("%(subject)s, %(country)s. The last day is %(day)s.") % words,
        path=reverse("accounts:duty", args=[duty.pk]),
        email=True,
    )
