"""The words of the interview that forms, pages and papers share."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

OWNERS = (
    ("person", lazy("A person or a family who controls no other company")),
    ("person_with_firms", lazy("A person or a family who also controls other companies")),
    ("company", lazy("Another company")),
    ("investor", lazy("A fund, business angel, university, research centre or small municipality")),
    ("public", lazy("A State, a city or another public body")),
    ("nobody", lazy("Nobody holds 25% or more")),
    ("dispersed", lazy("Shares are so widely spread that we cannot know; to our knowledge nobody holds 25% or more")),
)
# What a paper shows.
SUBJECTS = (
    ("accounts", lazy("Annual accounts")),
    ("register", lazy("Register extract")),
    ("owners", lazy("List of owners")),
    ("group", lazy("Chart of the group")),
    ("contract", lazy("Contract or articles")),
    ("other", lazy("Something else")),
)


def subject_label(code: str) -> str:
    return str(dict(SUBJECTS).get(code, code))


def answers_in_words(answers: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(question, answer, step) of the plain questions; a dash where nothing was answered."""
    owners = dict(OWNERS)
    given = [str(owners[one]) for one in answers.get("owners", {}).get("owners", []) if one in owners]
    holdings, changes = answers.get("holdings", {}), answers.get("changes", {})
    words = {"yes": _("Yes"), "no": _("No")}
    changed = words.get(changes.get("changed", ""), "–")
    if changes.get("changed") == "yes" and changes.get("changed_on"):
        changed = _("Yes, on %(day)s") % {"day": _day(changes["changed_on"])}
    return [
        (_("Who holds 25% or more"), "; ".join(given) or "–", "owners"),
        (_("Holds 25% or more of another company"), words.get(holdings.get("holds", ""), "–"), "holdings"),
        (_("Control by other means than shares"), words.get(holdings.get("control", ""), "–"), "holdings"),
        (_("Changed hands in the last three years"), changed, "changes"),
    ]


def _day(text: str) -> str:
    try:
        return date_format(date.fromisoformat(text))
    except ValueError:
        return text
