"""Opening duties in the transaction of the grant, and closing them with the register's answer."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAward, AidDuty, User
from accounts.state_aid.duties.clocks import Clock, clock_on
from accounts.state_aid.duties.rows import clocks_of
from accounts.state_aid.duties.scope import require_keeping
from accounts.state_aid.states import DutyState
from accounts.state_aid.threads import Thread, counts_as_aid, thread_of
from portal.kernel.errors import DomainError

Kind = AidDuty.Kind
OF_AN_AWARD = (Kind.NOTICE, Kind.REGISTER, Kind.PUBLICATION)


def open_duties(*, award: AidAward, on: date) -> list[AidDuty]:
    """Opens what the law wants done about an award that was just granted: tell, enter, publish.

    Call it with the GRANTED row inside the transaction of the grant; calling it twice opens nothing twice. An award
    that is no State aid opens nothing. No letter is drawn and nobody is told here: the sweep does it after the commit.
    """
    if not counts_as_aid(award):
        return []
    thread, rows = thread_of(award.award), clocks_of(award.granting_state)
    opened = []
    for kind in OF_AN_AWARD:
        clock = clock_on(kind, award.granted_on, regime=award.regime, rows=rows)
        if clock is None or (clock.threshold_eur is not None and thread.amount_eur <= clock.threshold_eur):
            continue
        duty = _open_for(thread, kind, clock, subject=str(thread.award), on=award.granted_on)
        if duty is not None:
            opened.append(duty)
    return opened


def open_correction(*, award: AidAward, on: date) -> list[AidDuty]:
    """Opens what follows when part or all of an award was taken back: correct the register, tell the beneficiary.

    Call it with the ADJUSTED, LAPSED or REVERSED row, in the transaction that wrote it. What was never entered needs no
    correction: its entry will carry what is left, and is no longer due when nothing is left.
    """
    if not counts_as_aid(award):
        return []
    thread, rows = thread_of(award.award), clocks_of(award.granting_state)
    of_award = AidDuty.objects.filter(award=award.award)
    gone = thread.amount_eur <= 0
    if gone:
        _cancel(of_award.open().filter(kind__in=OF_AN_AWARD), note=award.event, on=on)
    wanted: list[tuple[str, str]] = []
    if of_award.filter(kind__in=(Kind.REGISTER, Kind.PUBLICATION), state=DutyState.DONE).exists():
        wanted.append((Kind.CORRECTION, str(award.award)))
    if of_award.filter(kind=Kind.NOTICE, state=DutyState.DONE).exists():
        wanted.append((Kind.NOTICE, f"{award.award}:{award.pk}"))
    opened = []
    for kind, subject in wanted:
        clock = clock_on(kind, on, regime=award.regime, rows=rows)
        duty = _open_for(thread, kind, clock, subject=subject, on=on) if clock else None
        if duty is not None:
            opened.append(duty)
    return opened


def _open_for(thread: Thread, kind: str, clock: Clock, *, subject: str, on: date) -> AidDuty | None:
    """None when the same duty was opened before."""
    first = thread.first
    same = AidDuty.objects.filter(kind=kind, granting_state=first.granting_state, subject=subject)
    if kind == Kind.CORRECTION:
        # A correction that was made does not cover a later change.
        same = same.open()
    if same.exists():
        return None
    return open_duty(
        kind=kind,
        state=first.granting_state,
        authority=first.granting_authority,
        subject=subject,
        clock=clock,
        on=on,
        thread=thread,
    )


def open_duty(
    *, kind: str, state: str, authority: str, subject: str, clock: Clock, on: date, thread: Thread | None = None
) -> AidDuty:
    """One row, in the caller's transaction. `subject` and `kind` name it once for a State while it is open."""
    duty = AidDuty.objects.create(
        kind=kind,
        granting_state=state,
        authority=authority,
        award=thread.award if thread else None,
        organisation=thread.first.organisation if thread else None,
        subject=subject,
        opened_on=on,
        due_on=clock.due_on(on, state),
    )
    audit.record(
        actor=None,
        action="aid_duty.opened",
        target=duty,
        organisation=duty.organisation,
        kind=kind,
        due_on=duty.due_on.isoformat(),
        article=clock.article,
    )
    return duty


@transaction.atomic
def close_duty(*, duty: AidDuty, reference: str, actor: User, on: date, note: str = "") -> AidDuty:
    """Records that a duty was done, with the number or address the register gave.

    Raises DomainError: reference_missing, done_before_opened, illegal_move, state_changed.
    """
    require_keeping(actor, duty.granting_state)
    reference = reference.strip()
    if not reference:
        raise DomainError(
            "reference_missing",
            _("Enter the number the register gave, or the address of the publication."),
            field="reference",
        )
    if on < duty.opened_on:
        raise DomainError(
            "done_before_opened", _("It cannot have been done before the day it fell due to be done."), field="done_on"
        )
    duty.move_to(DutyState.DONE, done_on=on, done_by=actor, reference=reference[:120], note=note)
    _recorded(duty, actor)
    return duty


@transaction.atomic
def cancel_duty(*, duty: AidDuty, reason: str, actor: User, on: date) -> AidDuty:
    """Records why a duty is no longer to be done, such as a register that another authority keeps."""
    require_keeping(actor, duty.granting_state)
    if not reason.strip():
        raise DomainError("reason_missing", _("Write down why this is no longer to be done."), field="note")
    duty.move_to(DutyState.CANCELLED, done_on=on, done_by=actor, note=reason.strip())
    _recorded(duty, actor)
    return duty


def _recorded(duty: AidDuty, actor: User | None) -> None:
    audit.record(
        actor=actor,
        action=f"aid_duty.{duty.state}",
        target=duty,
        organisation=duty.organisation,
        kind=duty.kind,
        reference=duty.reference,
    )


def _cancel(duties: Iterable[AidDuty], *, note: str, on: date) -> None:
    for duty in duties:
        duty.move_to(DutyState.CANCELLED, done_on=on, note=note)
        _recorded(duty, None)
