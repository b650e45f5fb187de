"""Random ownership of up to seven parties, weighted towards exactly 25 and 50 per cent and figures at the ceilings.

Everything is drawn from one `random.Random`, so that a seed is a graph; `reduced` takes a failing one apart.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from accounts.sme.graph import (
    EXEMPT_KINDS,
    Basis,
    Control,
    Figures,
    Holding,
    Market,
    MarketRelation,
    Ownership,
    Party,
    PartyKind,
)

SUBJECT = "e"
ON = date(2026, 11, 21)
SHARES = tuple(Decimal(one) for one in ("10", "12.5", "24.99", "25", "25", "25.01", "33", "40", "49.99", "50", "50"))
SHARES += tuple(Decimal(one) for one in ("50.01", "51", "60", "75", "80", "100"))
STAFF = ("1", "2.5", "5", "9.5", "9.99", "10", "10.01", "20", "40", "49.99", "50", "100", "249.99", "250", "300")
MONEY = ("0", "250000", "500000", "1000000", "2000000", "2000000.01", "5000000", "10000000", "10000000.01", "20000000")
MONEY += ("43000000", "43000000.01", "50000000", "50000000.01", "90000000")
DAYS_OF_CHANGE = (ON, date(2026, 1, 1), date(2025, 12, 31), date(2025, 1, 1), date(2024, 12, 31), date(2024, 7, 1))
MARKETS = (Market.SAME,) * 3 + (Market.ADJACENT,) * 2 + (Market.UNRELATED,) * 4 + (Market.UNKNOWN,)
SMALL_TOWN = (Decimal(9_999_999), 4_999)
EDGE_OF_TOWN = (Decimal(10_000_000), 4_999)
BIG_TOWN = (Decimal(9_000_000), 5_000)


def ownership(rng: Random) -> Ownership:
    ends = [date(2025 - back, 12, 31) for back in range(rng.choice((1, 1, 2, 3, 4)))]
    kinds = [PartyKind.ENTERPRISE] * 6 + [PartyKind.PERSON] * 2 + [PartyKind.PUBLIC_BODY, *sorted(EXEMPT_KINDS)]
    estimate = len(ends) == 1 and rng.random() < 0.3
    parties = [_party(rng, SUBJECT, PartyKind.ENTERPRISE, ends, estimate)]
    for letter in "abcdfg"[: rng.choice((0, 1, 1, 2, 2, 3, 4, 6))]:
        parties.append(_party(rng, letter, rng.choice(kinds), ends, False))
    holdings = _holdings(rng, parties)
    persons = [one.id for one in parties if one.kind is PartyKind.PERSON]
    firms = [one.id for one in parties if one.kind is PartyKind.ENTERPRISE]
    investors = [one.id for one in parties if one.kind in EXEMPT_KINDS - {PartyKind.LOCAL_AUTHORITY}]
    together = tuple(frozenset(group) for group in (persons, investors) if len(group) > 1 and rng.random() < 0.5)
    markets = tuple(
        MarketRelation(one, two, rng.choice(MARKETS))
        for index, one in enumerate(firms)
        for two in firms[index + 1 :]
        if rng.random() < 0.95
    )
    changed = rng.choice(DAYS_OF_CHANGE) if rng.random() < 0.15 else None
    graph = Ownership(SUBJECT, tuple(parties), holdings, together, markets, ownership_changed_on=changed)
    return _consolidated(rng, graph) if rng.random() < 0.15 else graph


def smaller(graph: Ownership) -> Iterator[Ownership]:
    """The same graph with one party, holding or closing less."""
    for party in graph.parties:
        if party.id != graph.subject:
            yield _without(graph, party.id)
    for index in range(len(graph.holdings)):
        yield replace(graph, holdings=graph.holdings[:index] + graph.holdings[index + 1 :])
    if graph.acting_together:
        yield replace(graph, acting_together=())
    if len(graph.party(graph.subject).periods) > 1:
        yield replace(graph, parties=tuple(replace(one, periods=one.periods[:-1]) for one in graph.parties))
    if graph.ownership_changed_on:
        yield replace(graph, ownership_changed_on=None)
    for one in graph.holdings:
        plain = replace(one, control=frozenset(), since=None, until=None, in_management=False)
        if plain != one:
            yield replace(graph, holdings=tuple(plain if it is one else it for it in graph.holdings))


def reduced(graph: Ownership, fails: Callable[[Ownership], bool]) -> Ownership:
    """The smallest graph that still fails: parts go one by one until none can."""
    while True:
        for candidate in smaller(graph):
            if fails(candidate):
                graph = candidate
                break
        else:
            return graph


def _without(graph: Ownership, ident: str) -> Ownership:
    return replace(
        graph,
        parties=tuple(
            replace(one, consolidates=one.consolidates - {ident}) for one in graph.parties if one.id != ident
        ),
        holdings=tuple(one for one in graph.holdings if ident not in (one.owner, one.owned)),
        acting_together=tuple(group for group in graph.acting_together if ident not in group),
        markets=tuple(one for one in graph.markets if ident not in (one.first, one.second)),
    )


def _party(rng: Random, ident: str, kind: PartyKind, ends: list[date], estimate: bool) -> Party:
    periods: tuple[Figures, ...] = ()
    if kind not in (PartyKind.PERSON, PartyKind.PUBLIC_BODY, PartyKind.LOCAL_AUTHORITY):
        periods = tuple(_figures(rng, end, estimate) for end in ends)
        if ident != SUBJECT and rng.random() < 0.15:
            periods = _out_of_step(rng, periods)
    town = rng.choice((SMALL_TOWN, SMALL_TOWN, EDGE_OF_TOWN, BIG_TOWN))
    if kind is not PartyKind.LOCAL_AUTHORITY:
        return Party(ident, kind, periods=periods)
    return Party(ident, kind, budget_eur=town[0], inhabitants=town[1])


def _out_of_step(rng: Random, periods: tuple[Figures, ...]) -> tuple[Figures, ...]:
    """Closings on other days than the subject's, or none for some of them."""
    if rng.random() < 0.4:
        gone = rng.randrange(len(periods))
        return periods[:gone] + periods[gone + 1 :]
    shift = timedelta(days=rng.choice((-351, -350, -349, -184, 1, 30, 31, 32)))
    return tuple(replace(one, period_end=one.period_end + shift) for one in periods)


def _figures(rng: Random, end: date, estimate: bool) -> Figures:
    """Closings near one another, so that flags have reason to turn back."""
    scale = rng.choice((Decimal("0.1"), Decimal(1), Decimal(1)))
    return Figures(
        end,
        awu=Decimal(rng.choice(STAFF)),
        turnover_eur=Decimal(rng.choice(MONEY)) * scale,
        balance_sheet_eur=Decimal(rng.choice(MONEY)) * scale,
        basis=Basis.ESTIMATE if estimate else Basis.APPROVED,
    )


def _holdings(rng: Random, parties: list[Party]) -> tuple[Holding, ...]:
    """Nobody is owned by more than the whole: neither by capital nor by votes."""
    left = {(party.id, what): Decimal(100) for party in parties for what in ("capital", "votes")}
    seen: set[tuple[str, str]] = set()
    found = []
    companies = [one for one in parties if one.kind is PartyKind.ENTERPRISE]
    for _ in range(rng.randrange(0, 2 * len(parties)) if len(parties) > 1 else 0):
        owner = rng.choice(parties)
        if rng.random() < 0.04:
            companies_too = [one for one in parties if one.kind in EXEMPT_KINDS - {PartyKind.LOCAL_AUTHORITY}]
            owned = rng.choice(companies_too or companies)
        else:
            owned = companies[0] if rng.random() < 0.4 else rng.choice(companies)
        if owner.id == owned.id or (owner.id, owned.id) in seen:
            continue
        seen.add((owner.id, owned.id))
        capital = rng.choice(SHARES)
        votes = capital if rng.random() < 0.75 else rng.choice(SHARES)
        capital = min(capital, left[owned.id, "capital"])
        votes = min(votes, left[owned.id, "votes"])
        if not capital and not votes:
            continue
        left[owned.id, "capital"] -= capital
        left[owned.id, "votes"] -= votes
        control = frozenset({rng.choice(list(Control))}) if rng.random() < 0.06 else frozenset()
        spent = Decimal(rng.choice((100_000, 1_249_999, 1_250_000))) if owner.kind is PartyKind.BUSINESS_ANGEL else None
        runs = owner.kind in EXEMPT_KINDS and rng.random() < 0.05
        since = rng.choice(DAYS_OF_CHANGE) if rng.random() < 0.05 else None
        until = rng.choice(DAYS_OF_CHANGE) if rng.random() < 0.03 else None
        if since and until and until < since:
            until = None
        found.append(Holding(owner.id, owned.id, capital, votes, control, spent, runs, since, until))
    # whether one of two holdings in opposite directions matters alone is nobody's edge
    return tuple(replace(one, since=None, until=None) if (one.owned, one.owner) in seen else one for one in found)


def _consolidated(rng: Random, graph: Ownership) -> Ownership:
    """A parent whose accounts hold those of the companies it has a majority in."""
    parent = rng.choice(graph.parties)
    daughters = frozenset(
        one.owned for one in graph.holdings if one.owner == parent.id and one.votes > 50 and parent.periods
    )
    return replace(
        graph, parties=tuple(replace(one, consolidates=daughters) if one is parent else one for one in graph.parties)
    )
