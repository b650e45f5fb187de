"""Making a register's file, keeping its rows, and making the same file again."""

import hashlib
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAward, AidDuty, RegisterExport, User
from accounts.state_aid.duties.scope import require_keeping
from accounts.state_aid.duties.yearly import year_of
from accounts.state_aid.registers import PROFILES, yearly
from accounts.state_aid.registers.base import Facts, Profile, Row, problems_of, row_of
from accounts.state_aid.registers.facts import facts_of
from accounts.state_aid.registers.files import FORMATS, Sheet
from accounts.state_aid.states import DutyState
from accounts.state_aid.threads import threads_of
from portal.kernel.errors import DomainError


@dataclass(frozen=True)
class Line:
    """One award as it would stand in the file, and what the register would complain about."""

    facts: Facts
    row: Row
    problems: list[str]

    @property
    def granted_on(self) -> date:
        return date.fromisoformat(self.facts["granted_on"])


def lines_for(
    *, profile: Profile, state: str, from_day: date | None, to_day: date | None, only_open: bool, pseudonyms: bool
) -> list[Line]:
    """The awards of a State that belong into that register, oldest first, in three queries.

    `only_open` leaves out what the register has answered. What was withdrawn appears only if it had been entered.
    """
    rows = AidAward.objects.filter(granting_state=state)
    rows = rows.filter(granted_on__gte=from_day) if from_day else rows
    rows = rows.filter(granted_on__lte=to_day) if to_day else rows
    duties = list(AidDuty.objects.filter(granting_state=state, award__isnull=False))
    waiting = {duty.award for duty in duties if duty.state == DutyState.OPEN and _concerns(duty, profile)}
    lines = []
    for thread in threads_of(rows):
        facts = facts_of(thread, duties, pseudonyms=pseudonyms)
        gone = thread.amount_eur <= 0 and not facts["register_reference"]
        if thread.counts_as_aid and not gone and profile.covers(facts) and (not only_open or thread.award in waiting):
            row = row_of(profile, facts)
            lines.append(Line(facts, row, problems_of(profile, row)))
    return lines


def _concerns(duty: AidDuty, profile: Profile) -> bool:
    return duty.kind in {profile.duty, AidDuty.Kind.CORRECTION}


@transaction.atomic
def make_export(
    *,
    profile_code: str,
    format_code: str,
    state: str,
    from_day: date | None,
    to_day: date | None,
    only_open: bool,
    pseudonyms: bool,
    actor: User,
) -> RegisterExport:
    """Makes the file, keeps its rows and its hash. Incomplete rows are kept in: the page shows what they lack.

    Raises DomainError: export_unknown, export_days, export_empty.
    """
    require_keeping(actor, state)
    if profile_code not in PROFILES or format_code not in FORMATS:
        raise DomainError("export_unknown", _("Choose a register and a format from the lists."))
    if from_day and to_day and from_day > to_day:
        raise DomainError("export_days", _("The first day lies after the last one."), field="to_day")
    profile = PROFILES[profile_code]
    lines = lines_for(
        profile=profile, state=state, from_day=from_day, to_day=to_day, only_open=only_open, pseudonyms=pseudonyms
    )
    if not lines:
        raise DomainError("export_empty", _("No award fits. Widen the days, or include what was entered already."))
    rows = [line.row for line in lines]
    return _keep(profile_code, format_code, state, rows, actor, from_day=from_day, to_day=to_day)


@transaction.atomic
def make_yearly_export(*, state: str, year: int, format_code: str, actor: User) -> RegisterExport:
    """The year's totals as a file. Raises DomainError: export_unknown."""
    require_keeping(actor, state)
    if format_code not in FORMATS:
        raise DomainError("export_unknown", _("Choose a format from the list."))
    rows = yearly.rows_of(year_of(state=state, year=year))
    days = {"from_day": date(year, 1, 1), "to_day": date(year, 12, 31)}
    return _keep(yearly.CODE, format_code, state, rows, actor, **days)


def _keep(
    profile: str,
    format_code: str,
    state: str,
    rows: list[Row],
    actor: User,
    *,
    from_day: date | None,
    to_day: date | None,
) -> RegisterExport:
    export = RegisterExport(
        profile=profile,
        format=format_code,
        granting_state=state,
        from_day=from_day,
        to_day=to_day,
        rows=rows,
        made_by=actor,
    )
    export.sha256 = hashlib.sha256(_drawn(export)).hexdigest()
    export.save()
    audit.record(
        actor=actor,
        action="register.exported",
        target=export,
        profile=profile,
        format=format_code,
        state=state,
        rows=len(rows),
        sha256=export.sha256,
    )
    return export


def file_of(export: RegisterExport) -> tuple[bytes, bool]:
    """The file made again from the kept rows, and whether its bytes are those of the first time."""
    content = _drawn(export)
    return content, hashlib.sha256(content).hexdigest() == export.sha256


def _drawn(export: RegisterExport) -> bytes:
    write, _media_type = FORMATS[export.format]
    about = {
        "profile": export.profile,
        "granting_state": export.granting_state,
        "from": export.from_day.isoformat() if export.from_day else "",
        "to": export.to_day.isoformat() if export.to_day else "",
    }
    columns = (
        yearly.COLUMNS
        if export.profile == yearly.CODE
        else tuple((column.code, column.kind) for column in PROFILES[export.profile].columns)
    )
    return write(Sheet(f"{export.profile} {export.granting_state}", columns, export.rows, about))


def media_type(export: RegisterExport) -> str:
    return FORMATS[export.format][1]


def filename(export: RegisterExport) -> str:
    days = "-".join(day.isoformat() for day in (export.from_day, export.to_day) if day)
    return "-".join(part for part in (export.profile, export.granting_state, days) if part) + f".{export.format}"
