"""Ownership graphs in a line or two, so that a table of vectors can be read.

    drawn("E 40/8/6; P 100/20/15; F person", "P>E 33; F>E 60c20v appoints_board", together="F+G", markets="E~P same")

A party: its name, figures (staff/turnover/balance sheet, amounts in millions; several years with commas, the last one
2025; "estimate" makes them one), a kind, `has=A,B` for what its accounts contain, budget= and inhabitants=.
A holding: owner>owned, the share (or capital c and votes v apart), grounds of control, `managing`, invested=, since=,
until=.
"""

from datetime import date
from decimal import Decimal

from accounts.sme.graph import (
    Basis,
    ChangeMode,
    Control,
    Figures,
    Holding,
    Market,
    MarketRelation,
    Ownership,
    Party,
    PartyKind,
)
from accounts.sme.rules import Classification, classify

ON = date(2026, 11, 21)
MILLION = 1_000_000
LAST_YEAR = 2025


def figures(text: str, end: date, basis: Basis = Basis.APPROVED) -> Figures:
    awu, turnover, balance = (Decimal(part) for part in text.split("/"))
    return Figures(end, awu, turnover * MILLION, balance * MILLION, basis)


def drawn(parties: str, holdings: str = "", *, together: str = "", markets: str = "", **more: object) -> Ownership:
    """The first party is the one in question."""
    known = tuple(_party(one) for one in _parts(parties))
    return Ownership(
        subject=known[0].id,
        parties=known,
        holdings=tuple(_holding(one) for one in _parts(holdings)),
        acting_together=tuple(frozenset(one.split("+")) for one in _parts(together)),
        markets=tuple(_market(one) for one in _parts(markets)),
        **more,  # type: ignore[arg-type]
    )


def judged(
    parties: str, holdings: str = "", *, on: date = ON, mode: ChangeMode = ChangeMode.REVIEW, **more: object
) -> Classification:
    return classify(drawn(parties, holdings, **more), on, mode)  # type: ignore[arg-type]


def shown(known: Classification) -> str:
    """What counted for the latest closing, written as the fact sheet does."""
    if known.figures is None:
        return "–"
    amounts = (known.figures.turnover_eur / MILLION, known.figures.balance_sheet_eur / MILLION)
    return "/".join(f"{value.normalize():f}" for value in (known.figures.awu, *amounts))


def _parts(text: str) -> list[str]:
    return [one.strip() for one in text.split(";") if one.strip()]


def _party(text: str) -> Party:
    name, *words = text.split()
    kind, basis, years, more = PartyKind.ENTERPRISE, Basis.APPROVED, [], {}
    for word in words:
        key, _, value = word.partition("=")
        if word == "estimate":
            basis = Basis.ESTIMATE
        elif key == "has":
            more["consolidates"] = frozenset(value.split(","))
        elif key == "budget":
            more["budget_eur"] = Decimal(value) * MILLION
        elif key == "inhabitants":
            more["inhabitants"] = int(value)
        elif "/" in word:
            years = word.split(",")
        else:
            kind = PartyKind(word)
    first = LAST_YEAR + 1 - len(years)
    periods = tuple(figures(one, date(first + at, 12, 31), basis) for at, one in enumerate(years) if one != "-/")
    return Party(name, kind, name, periods=periods, **more)  # type: ignore[arg-type]


def _holding(text: str) -> Holding:
    pair, share, *words = text.split()
    owner, owned = pair.split(">")
    capital, votes = (share[:-1].split("c")) if share.endswith("v") else (share, share)
    control, more = set(), {}
    for word in words:
        key, _, value = word.partition("=")
        if word == "managing":
            more["in_management"] = True
        elif key == "invested":
            more["invested_eur"] = Decimal(value)
        elif key in ("since", "until"):
            more[key] = date.fromisoformat(value)
        else:
            control.add(Control(word))
    return Holding(owner, owned, Decimal(capital), Decimal(votes), frozenset(control), **more)  # type: ignore[arg-type]


def _market(text: str) -> MarketRelation:
    pair, relation = text.split()
    first, second = pair.split("~")
    return MarketRelation(first, second, Market(relation))
