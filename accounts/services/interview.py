"""What the interview about the size of a company still wants to know before somebody can sign."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import Organisation, OwnershipStatement
from accounts.services.ownership import SELF, ownership_of, statement_of
from accounts.sme.graph import EXEMPT_KINDS, Ownership, PartyKind

# Answers to "who stands behind the company" that leave nobody to name, so each stands alone.
ALONE = frozenset({"nobody", "dispersed"})
# Answers that lead to the page of the group, with the kinds of party that must then stand there.
NAMED_OWNERS: dict[str, frozenset[PartyKind]] = {
    "company": frozenset({PartyKind.ENTERPRISE}),
    "person_with_firms": frozenset({PartyKind.PERSON}),
    "public": frozenset({PartyKind.PUBLIC_BODY, PartyKind.LOCAL_AUTHORITY}),
    "investor": EXEMPT_KINDS,
}
# Article 3(2): from here on a holding counts.
QUARTER = Decimal(25)


@dataclass(frozen=True)
class Point:
    """Something unanswered or contradictory: the step to mend it at, and a sentence."""

    step: str
    sentence: str


def stated_owners(answers: dict[str, dict[str, object]]) -> list[str]:
    given = answers.get("owners", {}).get("owners", [])
    return [str(one) for one in given] if isinstance(given, list) else []


def needs_group(answers: dict[str, dict[str, object]]) -> bool:
    """Whether somebody must be named: an owner of a kind that counts, a holding, or control without one."""
    if set(stated_owners(answers)) & NAMED_OWNERS.keys():
        return True
    holdings = answers.get("holdings", {})
    return "yes" in (holdings.get("holds"), holdings.get("control"))


def open_points(organisation: Organisation, statement: OwnershipStatement | None = None) -> list[Point]:
    """Everything that stands between the answers and a signature, in the order of the steps."""
    statement = statement or statement_of(organisation)
    ownership = ownership_of(organisation, statement)
    return [*_unanswered(organisation, statement.answers), *_contradictions(ownership, statement.answers)]


def _unanswered(organisation: Organisation, answers: dict[str, dict[str, object]]) -> Iterator[Point]:
    owners, holdings, changes = stated_owners(answers), answers.get("holdings", {}), answers.get("changes", {})
    if not owners:
        yield Point("owners", _("Say who stands behind the company."))
    elif len(owners) > 1 and ALONE & set(owners):
        yield Point("owners", _("Your answers about the owners contradict each other. Choose again."))
    if holdings.get("holds") not in ("yes", "no") or holdings.get("control") not in ("yes", "no"):
        yield Point("holdings", _("Say what the company owns and who controls whom."))
    if changes.get("changed") not in ("yes", "no") or (changes["changed"] == "yes" and not changes.get("changed_on")):
        yield Point("changes", _("Say whether the company changed hands."))
    if not organisation.account_years.exists():
        yield Point("figures", _("Enter the figures of at least one year."))


def _contradictions(ownership: Ownership, answers: dict[str, dict[str, object]]) -> Iterator[Point]:
    owners = stated_owners(answers)
    if not owners or "holdings" not in answers:
        return
    kinds = {party.id: party.kind for party in ownership.parties}
    counting = [one for one in ownership.holdings if one.share >= QUARTER or one.control]
    # Any share will do here: several small ones of owners who belong together can make a quarter.
    held_by = {kinds[one.owner] for one in ownership.holdings if one.owner != SELF}
    named = {
        "company": _("You said that another company holds 25% or more. Add it to the group."),
        "person_with_firms": _(
            "You said that a person controls further companies. Add the person and those companies."
        ),
        "public": _("You said that a public body holds 25% or more. Add it to the group."),
        "investor": _("You said that an investor holds 25% or more. Add the investor to the group."),
    }
    for code, sentence in named.items():
        if code in owners and not held_by & NAMED_OWNERS[code]:
            yield Point("group", sentence)
    if "person_with_firms" in owners:
        persons = {one for one, kind in kinds.items() if kind is PartyKind.PERSON}
        if persons and not any(one.owner in persons and one.owned != SELF for one in ownership.holdings):
            yield Point("group", _("Add what the person holds in the other companies."))
    holdings = answers["holdings"]
    if holdings.get("holds") == "yes" and not any(one.owner == SELF for one in ownership.holdings):
        yield Point("group", _("You said that your company holds 25% or more of another. Add that company."))
    if holdings.get("control") == "yes" and not any(one.control for one in ownership.holdings):
        yield Point(
            "group", _("You said that somebody has control by other means. State it at the holding in the group.")
        )
    if not needs_group(answers) and (extra := [one for one in counting if kinds[one.owner] is not PartyKind.PERSON]):
        name = ownership.party(extra[0].owner if extra[0].owner != SELF else extra[0].owned).name
        yield Point(
            "group",
            _(
                "Your answers say that the company stands alone, but %(name)s is in the group. Remove it, or answer "
                "anew."
            )
            % {"name": name},
        )
