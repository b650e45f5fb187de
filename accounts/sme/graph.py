"""Who owns whom, as plain data: the facts that Articles 3 and 6 of Recommendation 2003/361/EC ask for.

Percentages run from 0 to 100 (Decimal). Identifiers are the caller's; the rules only compare them. Everything here is
frozen and becomes JSON and back without loss, so that an assessment can be derived again years later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Basis(StrEnum):
    APPROVED = "approved"
    ESTIMATE = "estimate"


@dataclass(frozen=True)
class Figures:
    """One accounting period on an annual basis (Art 4(1)); turnover net of VAT and other indirect taxes, EUR."""

    period_end: date
    awu: Decimal
    turnover_eur: Decimal
    balance_sheet_eur: Decimal
    basis: Basis = Basis.APPROVED

    def __post_init__(self) -> None:
        if min(self.awu, self.turnover_eur, self.balance_sheet_eur) < 0:
            raise ValueError("figures of an accounting period cannot be negative")


class PartyKind(StrEnum):
    """What an owner or a company owned is. All but the first three are the investors that Art 3(2) exempts."""

    ENTERPRISE = "enterprise"
    PERSON = "person"
    PUBLIC_BODY = "public_body"
    PUBLIC_INVESTMENT_CORPORATION = "public_investment_corporation"
    VENTURE_CAPITAL = "venture_capital"
    BUSINESS_ANGEL = "business_angel"
    UNIVERSITY = "university"
    RESEARCH_CENTRE = "research_centre"
    INSTITUTIONAL_INVESTOR = "institutional_investor"
    LOCAL_AUTHORITY = "local_authority"


EXEMPT_KINDS = frozenset(PartyKind) - {PartyKind.ENTERPRISE, PartyKind.PERSON, PartyKind.PUBLIC_BODY}


class Control(StrEnum):
    """The grounds of Art 3(3) that a percentage does not show."""

    MAJORITY_OF_VOTES = "majority_of_votes"
    APPOINTS_BOARD = "appoints_board"
    DOMINANT_INFLUENCE = "dominant_influence"
    VOTING_AGREEMENT = "voting_agreement"


class Market(StrEnum):
    """How the markets of two enterprises that a person ties together lie to each other (Art 3(3))."""

    SAME = "same"
    ADJACENT = "adjacent"
    UNRELATED = "unrelated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Party:
    """An enterprise, a person or a body.

    consolidates  parties that its (consolidated) accounts contain already, in full or at least at the share held in
                  them (Art 6(2) and (3)); a party contained at less than that share is not named and is added pro rata
    """

    id: str
    kind: PartyKind = PartyKind.ENTERPRISE
    name: str = ""
    country: str = ""
    periods: tuple[Figures, ...] = ()
    consolidates: frozenset[str] = frozenset()
    # Of a local authority: annual budget (EUR) and inhabitants; None while unknown.
    budget_eur: Decimal | None = None
    inhabitants: int | None = None


@dataclass(frozen=True)
class Holding:
    """What `owner` holds in `owned`, in per cent, and further grounds of control.

    invested_eur   a business angel's total in the enterprise; None while unknown
    in_management  an exempt investor that takes part in running the enterprise
    since, until   first and last day of the holding; None where it has always been there, or still is. Holdings that
                   began or ended between two closings show how the enterprise stood before its ownership changed.
    """

    owner: str
    owned: str
    capital: Decimal = Decimal(0)
    votes: Decimal = Decimal(0)
    control: frozenset[Control] = frozenset()
    invested_eur: Decimal | None = None
    in_management: bool = False
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.capital <= 100 and 0 <= self.votes <= 100):
            raise ValueError("a holding lies between 0 and 100 per cent")
        if self.owner == self.owned:
            raise ValueError("a party cannot hold itself")
        if self.since and self.until and self.until < self.since:
            raise ValueError("a holding cannot end before it began")

    @property
    def share(self) -> Decimal:
        """The greater of capital and votes."""
        return max(self.capital, self.votes)

    def stands_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class MarketRelation:
    first: str
    second: str
    relation: Market


@dataclass(frozen=True)
class Ownership:
    """Everything stated about one enterprise and those around it.

    acting_together       groups of persons (or investors) who act jointly
    dispersed             the good-faith statement of Art 3(5): no holder of 25 % is known
    ownership_changed_on  day of the latest lasting change of ownership, None without one since the older closing
    incomplete            the enterprise said that it is not autonomous, but has not stated with whom
    """

    subject: str
    parties: tuple[Party, ...]
    holdings: tuple[Holding, ...] = ()
    acting_together: tuple[frozenset[str], ...] = ()
    markets: tuple[MarketRelation, ...] = ()
    dispersed: bool = False
    ownership_changed_on: date | None = None
    incomplete: bool = False

    def __post_init__(self) -> None:
        known = {party.id for party in self.parties}
        if len(known) != len(self.parties):
            raise ValueError("two parties have one id")
        named = {self.subject} | {end for one in self.holdings for end in (one.owner, one.owned)}
        named |= {one for group in self.acting_together for one in group}
        named |= {end for one in self.markets for end in (one.first, one.second)}
        named |= {one for party in self.parties for one in party.consolidates}
        if unknown := named - known:
            raise ValueError(f"unknown parties: {', '.join(sorted(unknown))}")

    def party(self, ident: str) -> Party:
        return next(party for party in self.parties if party.id == ident)


class ChangeMode(StrEnum):
    """How a lasting change of ownership meets the two-period rule; the law is contested, so it is configured."""

    REVIEW = "review"
    IMMEDIATE = "immediate"
    TWO_PERIOD = "two_period"


@dataclass(frozen=True)
class Node:
    """One figure or finding of a derivation, with what it was made from: a page shows the tree as it stands.

    code      for machines; sentences stand in `accounts.size_wording`
    article   of the Annex to Recommendation 2003/361/EC
    values    JSON values: numbers as strings, days as ISO dates
    """

    code: str
    article: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    children: tuple["Node", ...] = ()


def node_to_json(node: Node) -> dict[str, Any]:
    return {
        "code": node.code,
        "article": node.article,
        "values": dict(node.values),
        "children": [node_to_json(child) for child in node.children],
    }


def node_from_json(stored: Mapping[str, Any]) -> Node:
    children = tuple(node_from_json(child) for child in stored["children"])
    return Node(stored["code"], stored["article"], dict(stored["values"]), children)


def ownership_to_json(ownership: Ownership) -> dict[str, Any]:
    """All inputs as JSON values; `ownership_from_json` gives back an equal Ownership."""
    return {
        "subject": ownership.subject,
        "parties": [_party_to_json(party) for party in ownership.parties],
        "holdings": [
            {
                "owner": one.owner,
                "owned": one.owned,
                "capital": str(one.capital),
                "votes": str(one.votes),
                "control": sorted(one.control),
                "invested_eur": _text(one.invested_eur),
                "in_management": one.in_management,
                "since": _text(one.since),
                "until": _text(one.until),
            }
            for one in ownership.holdings
        ],
        "acting_together": [sorted(group) for group in ownership.acting_together],
        "markets": [[one.first, one.second, one.relation.value] for one in ownership.markets],
        "dispersed": ownership.dispersed,
        "ownership_changed_on": _text(ownership.ownership_changed_on),
        "incomplete": ownership.incomplete,
    }


def ownership_from_json(stored: Mapping[str, Any]) -> Ownership:
    return Ownership(
        subject=stored["subject"],
        parties=tuple(_party_from_json(one) for one in stored["parties"]),
        holdings=tuple(
            Holding(
                owner=one["owner"],
                owned=one["owned"],
                capital=Decimal(one["capital"]),
                votes=Decimal(one["votes"]),
                control=frozenset(Control(ground) for ground in one["control"]),
                invested_eur=_decimal(one["invested_eur"]),
                in_management=one["in_management"],
                since=_day(one["since"]),
                until=_day(one["until"]),
            )
            for one in stored["holdings"]
        ),
        acting_together=tuple(frozenset(group) for group in stored["acting_together"]),
        markets=tuple(MarketRelation(first, second, Market(name)) for first, second, name in stored["markets"]),
        dispersed=stored["dispersed"],
        ownership_changed_on=_day(stored["ownership_changed_on"]),
        incomplete=stored["incomplete"],
    )


def figures_to_json(figures: Figures) -> dict[str, Any]:
    return {
        "period_end": figures.period_end.isoformat(),
        "awu": str(figures.awu),
        "turnover_eur": str(figures.turnover_eur),
        "balance_sheet_eur": str(figures.balance_sheet_eur),
        "basis": figures.basis.value,
    }


def _party_to_json(party: Party) -> dict[str, Any]:
    return {
        "id": party.id,
        "kind": party.kind.value,
        "name": party.name,
        "country": party.country,
        "periods": [figures_to_json(one) for one in party.periods],
        "consolidates": sorted(party.consolidates),
        "budget_eur": _text(party.budget_eur),
        "inhabitants": party.inhabitants,
    }


def _party_from_json(stored: Mapping[str, Any]) -> Party:
    return Party(
        id=stored["id"],
        kind=PartyKind(stored["kind"]),
        name=stored["name"],
        country=stored["country"],
        periods=tuple(
            Figures(
                period_end=date.fromisoformat(one["period_end"]),
                awu=Decimal(one["awu"]),
                turnover_eur=Decimal(one["turnover_eur"]),
                balance_sheet_eur=Decimal(one["balance_sheet_eur"]),
                basis=Basis(one["basis"]),
            )
            for one in stored["periods"]
        ),
        consolidates=frozenset(stored["consolidates"]),
        budget_eur=_decimal(stored["budget_eur"]),
        inhabitants=stored["inhabitants"],
    )


def _text(value: Decimal | date | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
