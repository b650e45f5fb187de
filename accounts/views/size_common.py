"""What the pages about size share: the steps, the preview, the drawing."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import ownership_drawing
from accounts.derivation import reasons_in, standings_in, tree_in
from accounts.models import Organisation, OwnershipStatement
from accounts.permissions import require
from accounts.roles import Action
from accounts.services.interview import needs_group, open_points
from accounts.services.ownership import read_group, statement_of
from accounts.services.size import preview_size
from accounts.size_wording import size_label
from accounts.sme import graph
from accounts.sme.rules import Classification, Size
from accounts.sme.stored import classification_to_json
from accounts.views.access import organisation_of, person

# Code, title, minutes that are left when one arrives there.
STEPS: tuple[tuple[str, str | Promise, int], ...] = (
    ("owners", _("Owners"), 6),
    ("holdings", _("Holdings"), 5),
    ("changes", _("Changes"), 4),
    ("figures", _("Figures"), 4),
    ("group", _("Group"), 10),
    ("check", _("Check and sign"), 2),
)


@dataclass(frozen=True)
class Preview:
    """What a signature today would say."""

    size: str
    label: str
    undecided: bool
    tree: Any
    reasons: list[Any]
    known: bool


def address(step: str) -> str:
    return reverse(f"accounts:size_{step}")


def editing(request: HttpRequest) -> Organisation:
    """The organisation, if the person may change what it states."""
    organisation = organisation_of(request)
    require(person(request), Action.EDIT_ORGANISATION, organisation=organisation)
    return organisation


def steps_of(organisation: Organisation, statement: OwnershipStatement | None = None) -> list[str]:
    """The steps this company goes through; the group only where there is one."""
    answers = (statement or statement_of(organisation)).answers
    grouped = needs_group(answers) or any(not party.is_self for party in organisation.parties.all())
    return [code for code, _title, _minutes in STEPS if code != "group" or grouped]


def next_step(organisation: Organisation, code: str) -> str:
    order = steps_of(organisation)
    at = order.index(code) if code in order else len(order) - 2
    return order[min(at + 1, len(order) - 1)]


def frame(organisation: Organisation, current: str) -> dict[str, Any]:
    """The progress bar and what stands around a step."""
    statement = statement_of(organisation)
    order = steps_of(read_group(organisation), statement)
    if current not in order:
        order.insert(-1, current)
    titles = {code: (title, minutes) for code, title, minutes in STEPS}
    missing = {point.step for point in open_points(organisation, statement)}
    items = []
    for code in order:
        done = code not in missing and code != "check" and (code != "group" or "group" in order)
        state = "current" if code == current else "done" if done else "todo"
        items.append({"label": titles[code][0], "state": state, "url": address(code)})
    at = order.index(current)
    return {
        "organisation": organisation,
        "steps": items,
        "number": at + 1,
        "count": len(order),
        "minutes": titles[current][1],
        "title": titles[current][0],
        "here": address(current),
        "back": address(order[at - 1]) if at else reverse("accounts:company_facts"),
        "saved_at": statement.saved_at if statement.answers else None,
    }


def preview_of(organisation: Organisation, on: date, year: graph.Figures | None = None) -> Preview:
    known = year is not None or organisation.account_years.exists()
    _ownership, found = preview_size(organisation=organisation, on=on, year=year)
    return preview_from(found, known=known)


def preview_from(found: Classification, *, known: bool = True) -> Preview:
    stored = classification_to_json(found)
    return Preview(
        size=found.size.value,
        label=size_label(found.size.value),
        undecided=found.size is Size.REVIEW,
        tree=tree_in(stored),
        reasons=reasons_in(stored),
        known=known,
    )


def drawings_of(ownership: graph.Ownership, stored: dict[str, Any]) -> dict[str, Any]:
    """The two drawings and the rows of the table beside them; empty for a company that stands alone."""
    standings = standings_in(stored)
    return {
        "drawings": ownership_drawing.draw(ownership, standings) if len(ownership.parties) > 1 else (),
        "drawn_rows": ownership_drawing.rows(ownership, standings),
        "standings": standings,
    }
