"""The register's answer, recorded back for many awards at once: a CSV of our reference and the register's number."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import AidAward, AidDuty, User
from accounts.state_aid.duties.scope import require_keeping
from accounts.state_aid.duties.services import close_duty
from accounts.state_aid.threads import threads_of
from portal.kernel.errors import DomainError

MOST_BYTES, MOST_LINES = 1_000_000, 5_000
KINDS = (AidDuty.Kind.REGISTER, AidDuty.Kind.PUBLICATION, AidDuty.Kind.CORRECTION)
COLUMNS = ("entry", "reference", "done_on")
# What our own files call these columns, so that an exported file can come back with the numbers filled in.
ALIASES = {"referencenumber": "entry", "registerreference": "reference", "register_reference": "reference"}


@dataclass(frozen=True)
class Answer:
    """One line of the file: which award, what the register called it, and when (None: today)."""

    number: int
    entry: str
    reference: str
    done_on: date | None


class WrongLines(DomainError):
    """Nothing was recorded; `lines` holds (line number, sentence) for each line to put right."""

    def __init__(self, lines: list[tuple[int, str]]) -> None:
        super().__init__("reference_lines", _("Nothing was recorded. Put these lines right and upload the file again."))
        self.lines = lines


def read_answers(data: bytes) -> list[Answer]:
    """The file's lines: UTF-8 (or Windows-1252), commas, semicolons or tabs, a head naming `entry` and `reference`.

    Raises DomainError: reference_file_large, reference_file_head, reference_file_empty; WrongLines for wrong days.
    """
    if len(data) > MOST_BYTES:
        raise DomainError("reference_file_large", _("The file is larger than 1 MB. Split it."), field="file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    head = [ALIASES.get(name, name) for name in (cell.strip().lower() for cell in next(reader, []))]
    if not {"entry", "reference"} <= set(head):
        raise DomainError(
            "reference_file_head",
            _("The first line must name the columns entry and reference; done_on may follow."),
            field="file",
        )
    rows = [(number, dict(zip(head, row, strict=False))) for number, row in enumerate(reader, 2) if any(row)]
    if not rows or len(rows) > MOST_LINES:
        raise DomainError(
            "reference_file_empty",
            _("The file must hold between one and %(most)d lines below its head.") % {"most": MOST_LINES},
            field="file",
        )
    answers, wrong = [], []
    for number, row in rows:
        said = (row.get("done_on") or "").strip()
        try:
            done_on = date.fromisoformat(said) if said else None
        except ValueError:
            wrong.append((number, _("Write the day as 2026-12-31, or leave it empty: %(day)s.") % {"day": said}))
            continue
        # An export keeps texts harmless by an apostrophe; it is no part of the value.
        entry, reference = (_bare(row.get(name, "")) for name in ("entry", "reference"))
        answers.append(Answer(number, entry, reference, done_on))
    if wrong:
        raise WrongLines(wrong)
    return answers


def _bare(cell: str | None) -> str:
    return (cell or "").strip().removeprefix("'")


@transaction.atomic
def record_references(*, answers: Iterable[Answer], kind: str, state: str, actor: User, on: date) -> int:
    """Closes the duty of each line, all or none; says how many.

    `entry` is the award as our files call it; the grant's reference alone is enough where it names one award.
    Raises WrongLines with one sentence for each line that cannot be recorded.
    """
    require_keeping(actor, state)
    answers = list(answers)
    open_duties = _open_duties(kind, state)
    names = Counter(answer.entry for answer in answers)
    wrong: list[tuple[int, str]] = []
    for answer in answers:
        found = open_duties.get(answer.entry, [])
        problem = _problem(answer, found, names[answer.entry], on)
        if problem:
            wrong.append((answer.number, problem))
            continue
        try:
            close_duty(duty=found[0], reference=answer.reference, actor=actor, on=answer.done_on or on)
        except DomainError as error:
            wrong.append((answer.number, error.sentence))
    if wrong:
        raise WrongLines(wrong)
    return len(answers)


def _open_duties(kind: str, state: str) -> dict[str, list[AidDuty]]:
    """Open duties of that kind by every name their award goes by."""
    duties = AidDuty.objects.open().filter(kind=kind, granting_state=state, award__isnull=False)
    by_award = {duty.award: duty for duty in duties}
    found: dict[str, list[AidDuty]] = defaultdict(list)
    for thread in threads_of(AidAward.objects.filter(award__in=list(by_award))):
        for name in {thread.entry, thread.first.reference}:
            found[name].append(by_award[thread.award])
    return found


def _problem(answer: Answer, found: list[AidDuty], times: int, on: date) -> str:
    said = {"entry": answer.entry}
    if not answer.entry:
        return _("Our reference is missing.")
    if times > 1:
        return _("%(entry)s stands in the file more than once.") % said
    if not found:
        return _("%(entry)s is not waiting for this: it is unknown in this State, or was recorded already.") % said
    if len(found) > 1:
        return _("%(entry)s names several awards. Use the longer reference from our file.") % said
    if answer.done_on and answer.done_on > on:
        return _("The day lies in the future.")
    return ""


__all__ = ["COLUMNS", "KINDS", "Answer", "WrongLines", "read_answers", "record_references"]
