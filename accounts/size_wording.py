"""The derivation of a size class in sentences. Not pure: it speaks the reader's language.

Each code of `accounts.sme.codes` has one sentence; what a sentence names stands in the node's values.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import SmeAssessment
from accounts.models.ownership import Party
from accounts.sme.codes import REVIEW_CODES, Code
from accounts.sme.graph import Node, node_to_json
from portal.ui.numbers import money, number

ACTS = {
    "2025/1099": gettext_lazy("Recommendation (EU) 2025/1099"),
    "651/2014": gettext_lazy("Regulation (EU) No 651/2014"),
}

SENTENCES: Mapping[Code, Any] = {
    Code.CLASSIFIED: gettext_lazy("Size on %(on)s: %(size)s."),
    Code.RELATIONS: gettext_lazy("How the others stand to the company"),
    Code.HISTORY: gettext_lazy("The accounting years that were looked at"),
    Code.PERIOD: gettext_lazy(
        "Year to %(period_end)s: staff %(awu)s, turnover %(turnover_eur)s, balance sheet %(balance_sheet_eur)s. "
        "Size: %(size)s."
    ),
    Code.ONE_YEAR_IS_NOT_ENOUGH: gettext_lazy(
        "Year to %(period_end)s alone: %(alone)s. One year is not enough to change, so it stays: %(size)s."
    ),
    Code.CEILING: gettext_lazy(
        "Ceiling “%(size)s”: staff below %(awu)s, and turnover up to %(turnover_eur)s or balance sheet up to "
        "%(balance_sheet_eur)s. This year: %(within)s. After two years in a row: %(standing)s."
    ),
    Code.OWN: gettext_lazy("The company's own figures, in full"),
    Code.LINKED: gettext_lazy("%(name)s is linked and counts in full."),
    Code.PARTNER: gettext_lazy("%(names)s: partner, counts at %(share)s."),
    Code.IN_PARTNER: gettext_lazy("%(name)s, counted at %(share)s."),
    Code.CONTAINED: gettext_lazy("%(name)s stands in the consolidated accounts already and is not added again."),
    Code.SELF: gettext_lazy("The company itself"),
    Code.MAJORITY_OF_VOTES: gettext_lazy("Linked: %(owner)s has the majority of the votes in %(owned)s."),
    Code.APPOINTS_BOARD: gettext_lazy("Linked: %(owner)s may appoint or remove most members of a board of %(owned)s."),
    Code.DOMINANT_INFLUENCE: gettext_lazy(
        "Linked: %(owner)s has a dominant influence over %(owned)s by contract or by its articles."
    ),
    Code.VOTING_AGREEMENT: gettext_lazy(
        "Linked: by agreement with other shareholders %(owner)s alone controls most votes in %(owned)s."
    ),
    Code.JOINT_MAJORITY: gettext_lazy(
        "Linked: %(owners)s belong together and have %(votes)s of the votes in %(owned)s."
    ),
    Code.ACTING_JOINTLY: gettext_lazy("Linked: %(owners)s act jointly and have %(votes)s of the votes in %(owned)s."),
    Code.THROUGH_PERSONS: gettext_lazy(
        "Linked: %(persons)s control both %(first)s and %(second)s, which work in the same or in adjacent markets."
    ),
    Code.PARTNER_UPSTREAM: gettext_lazy("Partner: %(owners)s hold %(share)s of %(owned)s."),
    Code.PARTNER_DOWNSTREAM: gettext_lazy("Partner: %(owners)s hold %(share)s of %(owned)s."),
    Code.LINKED_TO_PARTNER: gettext_lazy("Linked to a partner, so it counts at %(share)s with that partner."),
    Code.EXEMPT_INVESTOR: gettext_lazy(
        "%(kind)s: an investor that may hold %(share)s and does not count as a partner."
    ),
    Code.PUBLIC_HOLDER: gettext_lazy(
        "%(name)s holds %(share)s; %(weight)s of that is public, which makes %(counted)s."
    ),
    Code.BELOW_PARTNER_SHARE: gettext_lazy("The holding of %(share)s stays below %(limit)s, so it does not count."),
    Code.NATURAL_PERSON: gettext_lazy("A person is no company and has no figures that count."),
    Code.NOT_COUNTED: gettext_lazy("Neither linked nor a partner of the company, so it does not count."),
    Code.AUTONOMOUS: gettext_lazy("The company is autonomous: nobody else's figures count."),
    Code.HAS_LINKED: gettext_lazy("Linked companies count in full: %(names)s."),
    Code.HAS_PARTNERS: gettext_lazy("Partner companies count by their share: %(names)s."),
    Code.PUBLIC_CONTROL: gettext_lazy(
        "Public bodies hold %(share)s of the company. From a quarter on it is no small or medium-sized company, "
        "whatever its figures."
    ),
    Code.EXEMPTION_FALLEN: gettext_lazy(
        "%(name)s is an investor that would be exempt, but it is linked to the company, so it counts in full."
    ),
    Code.ANGELS_ABOVE_LIMIT: gettext_lazy(
        "Business angels have put %(total_eur)s into the company. That is too much to be exempt, so %(name)s counts."
    ),
    Code.AUTHORITY_ABOVE_LIMIT: gettext_lazy(
        "%(name)s is too large for a local authority to be exempt, so it counts as a public body."
    ),
    Code.DISPERSED: gettext_lazy(
        "The capital is spread so widely that nobody knows all owners. The company states in good faith that nobody "
        "holds a quarter of it."
    ),
    Code.ESTIMATE_USED: gettext_lazy("There are no approved accounts yet, so an estimate counts for: %(names)s."),
    Code.ESTIMATES_LEFT_OUT: gettext_lazy("Approved accounts are here, so estimates were left out."),
    Code.CLOSING_DROPPED: gettext_lazy(
        "The year to %(period_end)s was left out, because figures of that year are missing for: %(names)s."
    ),
    Code.CHANGE_AT_ONCE: gettext_lazy(
        "The company changed owners. By the setting of this portal that counts at once: %(at_once)s."
    ),
    Code.CHANGE_TWO_PERIODS: gettext_lazy(
        "The company changed owners. By the setting of this portal two years in a row must agree: %(two_periods)s."
    ),
    Code.CHANGE_SAME_EITHER_WAY: gettext_lazy(
        "The company changed owners. Whether that counts at once or after two years makes no difference: %(at_once)s."
    ),
    Code.INCOMPLETE: gettext_lazy(
        "Figures of linked or partner companies count too. Add them, or a person goes through them with you."
    ),
    Code.NO_FIGURES: gettext_lazy("There are no figures yet. Enter the last closed accounting year."),
    Code.FIGURES_OLD: gettext_lazy(
        "The figures are too old to be the latest approved ones. Enter the last closed year."
    ),
    Code.FIGURES_MISSING: gettext_lazy(
        "Figures of %(name)s for the year to %(period_end)s are missing. Enter them, or let a person look."
    ),
    Code.MISSING_YEAR: gettext_lazy(
        "A year is missing, and it could change the answer. Enter it, or let a person look."
    ),
    Code.MARKET_UNKNOWN: gettext_lazy(
        "%(persons)s control both %(first)s and %(second)s. Say whether the two work in the same or in adjacent "
        "markets, or let a person look."
    ),
    Code.ACTING_TOGETHER_UNCLEAR: gettext_lazy(
        "%(owners)s act jointly and have %(votes)s of the votes in %(owned)s. Whether that links them is for a person "
        "to decide."
    ),
    Code.IN_MANAGEMENT: gettext_lazy(
        "%(name)s holds %(share)s and takes part in management. Whether it has a dominant influence is for a person "
        "to decide."
    ),
    Code.ANGELS_UNKNOWN: gettext_lazy(
        "Enter how much the business angels have put into the company in total; below a limit %(name)s is exempt."
    ),
    Code.AUTHORITY_UNKNOWN: gettext_lazy(
        "Enter the budget and the inhabitants of %(name)s; a small local authority is exempt, a larger one is not."
    ),
    Code.MAY_BE_PUBLIC: gettext_lazy(
        "%(name)s is linked to the company and may be a public body. A person decides whether it is."
    ),
    Code.PUBLIC_UNCLEAR: gettext_lazy(
        "Public bodies hold %(pro_rata)s of the company when each step counts by its share, but %(through)s through "
        "owners of which they hold a quarter. A person decides."
    ),
    Code.PUBLIC_INFLUENCE: gettext_lazy(
        "%(name)s controls the company for a public body, which holds less than a quarter of it. A person decides."
    ),
    Code.DISPERSED_CONTRADICTED: gettext_lazy(
        "The company states that nobody is known to hold a quarter of it, but %(owners)s hold %(share)s. Correct one "
        "of the two, or let a person look."
    ),
    Code.OWNERSHIP_CHANGED: gettext_lazy(
        "The company changed owners. Counted at once it is: %(at_once)s; after two years in a row: %(two_periods)s. "
        "The law is contested here, so a person decides."
    ),
    Code.SMALL_MID_CAP: gettext_lazy("A small mid-cap by %(definition)s."),
    Code.NOT_SMALL_MID_CAP: gettext_lazy("No small mid-cap by %(definition)s."),
    Code.SMALL_MID_CAP_UNCLEAR: gettext_lazy(
        "Whether the company is a small mid-cap by %(definition)s is for a person to decide."
    ),
}


def size_label(size: str) -> str:
    return str(SmeAssessment.SizeClass(size).label)


def sentence(node: Mapping[str, Any]) -> str:
    """The sentence of a stored node; of a code that is not known any more, the code."""
    if node["code"] not in set(Code):
        return str(node["code"])
    return str(SENTENCES[Code(node["code"])]) % _Facts(node["values"])


def tree_of(node: Node | Mapping[str, Any]) -> dict[str, Any]:
    """A derivation for a template, nested: code, label, sentence, article, facts [(label, value)], is_open, children.

    `label` is the party's name where the node is about one; `is_open` marks what a person must decide.
    """
    stored = node_to_json(node) if isinstance(node, Node) else node
    values = stored["values"]
    return {
        "code": stored["code"],
        "label": str(values.get("name") or ""),
        "sentence": sentence(stored),
        "article": stored["article"],
        "facts": _figures(values),
        "is_open": stored["code"] in REVIEW_CODES,
        "values": values,
        "children": [tree_of(child) for child in stored["children"]],
    }


def step_sentences(trace: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(sentence, article) of the closings and then of the reasons in a stored trace; what is open comes last."""
    tree = trace.get("tree")
    if not tree:
        return []
    history = [child for part in tree["children"] if part["code"] == Code.HISTORY for child in part["children"]]
    return [(sentence(one), one["article"]) for one in [*history, *trace["reasons"]]]


def _figures(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The three figures of a node as labelled values, with the whole ones beside a part."""
    labels: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("awu", _("Staff"), _staff),
        ("turnover_eur", _("Turnover"), _amount),
        ("balance_sheet_eur", _("Balance sheet"), _amount),
    )
    rows = []
    for key, label, written in labels:
        if key in values:
            text = written(values[key])
            whole = values.get(f"whole_{key}")
            if whole is not None and Decimal(whole) != Decimal(values[key]):
                text = _("%(part)s of %(whole)s") % {"part": text, "whole": written(whole)}
            rows.append((label, text))
    return rows


class _Facts(Mapping[str, str]):
    """The values of a node as a reader of this language writes them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values_of_node = values

    def __getitem__(self, key: str) -> str:
        value = self.values_of_node.get(key)
        return _written(key, value)

    def __iter__(self) -> Any:
        return iter(self.values_of_node)

    def __len__(self) -> int:
        return len(self.values_of_node)


def _written(key: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    writer = WRITERS.get(key)
    return writer(value) if writer else str(value)


def _staff(value: Any) -> str:
    return number(Decimal(value), 2)


def _amount(value: Any) -> str:
    return money(Decimal(value), 0)


def _percent(value: Any) -> str:
    """Up to two decimals, none where there are none."""
    exact = Decimal(value)
    shown = next((places for places in (0, 1) if exact == round(exact, places)), 2)
    return f"{number(exact, shown)} %"


def _day(value: Any) -> str:
    return date_format(date.fromisoformat(value), "DATE_FORMAT")


def _names(value: Any) -> str:
    """A list of names; beyond a handful, how many more there are."""
    names = [str(one) for one in value]
    if len(names) <= 6:
        return ", ".join(names)
    more = len(names) - 5
    rest = ngettext("%(count)s other", "%(count)s others", more) % {"count": number(more)}
    return _("%(names)s and %(rest)s") % {"names": ", ".join(names[:5]), "rest": rest}


def _yes_no(value: Any) -> str:
    return _("met") if value else _("not met")


def _size(value: Any) -> str:
    return size_label(value) if value in SmeAssessment.SizeClass.values else str(value)


def _kind(value: Any) -> str:
    return str(Party.Kind(value).label)


def _act(value: Any) -> str:
    return str(ACTS.get(value, value))


WRITERS: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("awu",), _staff),
    **dict.fromkeys(("turnover_eur", "balance_sheet_eur", "total_eur"), _amount),
    **dict.fromkeys(("share", "votes", "limit", "weight", "counted", "pro_rata", "through"), _percent),
    **dict.fromkeys(("period_end", "on", "after", "changed_on"), _day),
    **dict.fromkeys(("names", "owners", "persons"), _names),
    **dict.fromkeys(("within", "standing"), _yes_no),
    **dict.fromkeys(("size", "alone", "at_once", "two_periods"), _size),
    "kind": _kind,
    "definition": _act,
}
