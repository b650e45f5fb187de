"""The things that need a person: what happened, and the one place to go. Each rule adds its own entries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.permissions import may
from accounts.roles import Action
from jobs.dashboard.board import Board, Hours
from portal.ui.numbers import hours as gpu_hours

ENDS_SOON = timedelta(days=14)
# Inform, warn, block: the shares of an allocation that are used or set aside.
INFORM, WARN, BLOCK = 75, 90, 100


@dataclass(frozen=True)
class Task:
    url: str
    title: str
    note: str = ""
    tag: str = ""
    tone: str = ""
    icon: str = "clock"


def tasks_of(board: Board, *, user: User, organisation: Organisation, on: date) -> list[Task]:
    """What needs this person now, the most urgent first."""
    found: list[Task] = []
    for rule in RULES:
        found += rule(board, user, organisation, on)
    return found


def questions(board: Board, user: User, organisation: Organisation, on: date) -> Iterator[Task]:
    if not may(user, Action.APPLY, organisation=organisation):
        return
    for row in board.facts.questions:
        since = datetime.fromisoformat(row["since"]).date() if row["since"] else None
        yield Task(
            reverse("jobs:application", args=[row["id"]]),
            _("Answer a question about your request %(reference)s") % row,
            _("The helpdesk of %(site)s asks: %(asked)s") % row if row["asked"] else "",
            _("Since %(day)s") % {"day": date_format(since, "j F")} if since else "",
            "warn",
        )


def failed_runs(board: Board, user: User, organisation: Organisation, on: date) -> Iterator[Task]:
    for row in board.facts.failures:
        yield Task(
            reverse("jobs:job", args=[row["id"]]),
            _("%(name)s did not finish") % row,
            row["sentence"],
            _("Failed"),
            "bad",
            "x-circle-fill",
        )


def allocations(board: Board, user: User, organisation: Organisation, on: date) -> Iterator[Task]:
    for one in board.active:
        taken = one.balance.granted - one.balance.available
        share = 100 * taken // one.balance.granted if one.balance.granted > 0 else BLOCK
        if share >= INFORM:
            yield _limit(one, share)
        elif one.allocation.ends_on - on <= ENDS_SOON and one.balance.available > 0:
            yield _ending(one)


def _limit(one: Hours, share: int) -> Task:
    values = {
        "reference": one.allocation.reference,
        "left": gpu_hours(max(0, one.balance.available)),
        "share": min(share, 100),
    }
    url = reverse("jobs:allocation", args=[one.allocation.pk])
    if share >= BLOCK:
        title = _("%(reference)s is used up: ask for more to start new runs") % values
        return Task(url, title, _("Running jobs go on to their end."), _("Used up"), "bad", "exclamation-triangle-fill")
    title = _("%(left)s GPU-hours are left of %(reference)s") % values
    note = _("%(share)s%% are used or set aside. Ask for more in time if you need it.") % values
    tag = _("%(share)s%% used") % values
    return Task(url, title, note, tag, "warn" if share >= WARN else "", "speedometer2")


def _ending(one: Hours) -> Task:
    day = date_format(one.allocation.ends_on, "j F")
    return Task(
        reverse("jobs:allocation", args=[one.allocation.pk]),
        _("%(reference)s ends soon") % {"reference": one.allocation.reference},
        _("%(hours)s GPU-hours are still free; what is not used by then ends with it.")
        % {"hours": gpu_hours(one.balance.available)},
        _("Ends %(day)s") % {"day": day},
        "warn",
        "calendar3",
    )


def company_facts(board: Board, user: User, organisation: Organisation, on: date) -> Iterator[Task]:
    """Only for who may act: figures are an owner's to enter, declarations an owner's to sign."""
    facts = board.facts
    if may(user, Action.DECLARE, organisation=organisation):
        if not facts.has_figures or not facts.is_assessed:
            note = _("Takes about six minutes. Small and medium-sized companies get hours free of charge.")
            yield Task(reverse("accounts:company_facts"), _("Tell us the size of your company"), note)
        elif facts.size_due_on and facts.size_due_on <= on:
            note = _("Your answers are kept: enter the figures of the closed year and sign.")
            yield Task(
                reverse("accounts:company_facts"), _("A year has closed: state your size again"), note, _("Due"), "warn"
            )
        if not facts.has_declared:
            note = _("Takes about 3 minutes. You need it before your next allocation.")
            yield Task(reverse("accounts:aid_declare"), _("Confirm your public-support declaration"), note)


def drafts(board: Board, user: User, organisation: Organisation, on: date) -> Iterator[Task]:
    for row in board.facts.requests_begun[:1]:
        name = row["title"] or row["reference"]
        yield Task(
            reverse("jobs:application_edit", args=[row["id"]]),
            _("Finish your request: %(name)s") % {"name": name},
            _("It is saved as a draft; nobody has seen it yet."),
            _("Draft"),
            "",
            "pencil",
        )
    for row in board.facts.drafts:
        yield Task(
            reverse("jobs:wizard_resume", args=[row["id"]]),
            _("Go on preparing your run: %(name)s") % {"name": row["name"] or _("Unnamed draft")},
            _("You reached step %(step)s of 5.") % row,
            _("Draft"),
            "",
            "pencil",
        )


Rule = Callable[[Board, User, Organisation, date], Any]
RULES: tuple[Rule, ...] = (questions, failed_runs, allocations, company_facts, drafts)


def first_steps(board: Board | None, *, user: User, organisation: Organisation | None) -> list[dict[str, str]]:
    """The way from an account to a first model, as a task list: done, to do, and what comes later."""
    facts = board.facts if board else None
    sized = bool(facts and facts.has_figures and facts.is_assessed)
    declared = bool(facts and facts.has_declared)
    asked = bool(facts and (facts.waiting or facts.questions))
    has_hours = bool(board and board.hours)
    steps = [
        ("organisation", bool(organisation), "accounts:organisation_create", _("Register your company"),
         _("Name, address and VAT number or EUID; about two minutes.")),
        ("size", sized, "accounts:company_facts", _("Tell us its size"),
         _("Staff, turnover and balance sheet of the last closed year decide what it may get.")),
        ("declaration", declared, "accounts:aid_declare", _("Declare other public support"),
         _("All de minimis support of the last three years; most companies have none.")),
        ("hours", has_hours, "jobs:applications" if asked else "jobs:application_new", _("Get GPU-hours"),
         _("A Starter grant is decided at once; more takes a helpdesk officer two working days.")),
        ("run", bool(facts and facts.jobs), "jobs:wizard_start", _("Fine-tune a first model"),
         _("Five steps; sample data is there if yours is not ready.")),
    ]  # fmt: skip
    items, open_before = [], False
    for code, done, view, title, note in steps:
        state = "done" if done else "later" if open_before and code != "declaration" else "todo"
        if organisation is None and code != "organisation":
            state = "later"
        items.append({"title": title, "note": note, "state": state, "url": reverse(view) if state == "todo" else ""})
        open_before = open_before or not done
    return items
