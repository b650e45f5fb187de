"""`classify` beside the naive reference on random ownership, and what must hold for every graph."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from accounts.sme.graph import Figures, Holding, Ownership, Party, PartyKind, ownership_from_json, ownership_to_json
from accounts.sme.rules import classify
from accounts.sme.stored import classification_to_json, inputs_to_json, replay
from tests.accounts.reference.agreement import disagreement_of_size
from tests.accounts.reference.graphs import ON, ownership
from tests.accounts.reference.seeds import seeded

CASES = 2_000
EACH = 300
ORDER = ("micro", "small", "medium", "large")


def graphs(count: int = EACH) -> Iterator[tuple[Ownership, Random]]:
    for seed in range(count):
        rng = seeded(seed)
        yield ownership(rng), rng


@pytest.mark.parametrize("start", range(0, CASES, CASES // 4))
def test_rule_and_reference_agree_on_two_thousand_random_graphs(start):
    found = [words for seed in range(start, start + CASES // 4) if (words := disagreement_of_size(seed))]
    assert not found, "\n\n".join(found[:3])


# Found by long runs: a market that nobody stated, between companies tied only in the past.
@pytest.mark.parametrize("seed", [1094521])
def test_what_a_long_run_once_found_agrees(seed):
    assert not disagreement_of_size(seed)


def test_the_order_in_which_parties_and_holdings_are_listed_does_not_matter():
    for graph, rng in graphs():
        shuffled = replace(
            graph,
            parties=tuple(rng.sample(graph.parties, len(graph.parties))),
            holdings=tuple(rng.sample(graph.holdings, len(graph.holdings))),
            markets=tuple(rng.sample(graph.markets, len(graph.markets))),
        )
        one, other = classify(graph, on=ON), classify(shuffled, on=ON)
        assert (one.size, one.figures) == (other.size, other.figures), graph


def test_the_order_of_closings_does_not_matter():
    for graph, _rng in graphs():
        turned = replace(graph, parties=tuple(replace(one, periods=one.periods[::-1]) for one in graph.parties))
        assert classify(graph, on=ON).size == classify(turned, on=ON).size


def test_names_do_not_matter():
    for graph, rng in graphs():
        letters = [party.id for party in graph.parties]
        names = dict(zip(letters, rng.sample([f"n{one}" for one in range(20)], len(letters)), strict=True))
        one, other = classify(graph, on=ON), classify(renamed(graph, names), on=ON)
        assert (one.size, one.figures) == (other.size, other.figures), graph


def renamed(graph: Ownership, names: dict[str, str]) -> Ownership:
    return Ownership(
        names[graph.subject],
        tuple(
            replace(one, id=names[one.id], consolidates=frozenset(names[it] for it in one.consolidates))
            for one in graph.parties
        ),
        tuple(replace(one, owner=names[one.owner], owned=names[one.owned]) for one in graph.holdings),
        tuple(frozenset(names[one] for one in group) for group in graph.acting_together),
        tuple(replace(one, first=names[one.first], second=names[one.second]) for one in graph.markets),
        graph.dispersed,
        graph.ownership_changed_on,
    )


def test_a_stranger_changes_nothing():
    for graph, _rng in graphs():
        stranger = Party("stranger", periods=graph.party(graph.subject).periods)
        one, other = classify(graph, on=ON), classify(replace(graph, parties=(*graph.parties, stranger)), on=ON)
        assert (one.size, one.figures) == (other.size, other.figures)


def test_more_staff_never_makes_an_enterprise_smaller():
    for graph, _rng in graphs():
        grown = replace(
            graph,
            parties=tuple(
                replace(one, periods=tuple(replace(it, awu=it.awu + Decimal("0.5")) for it in one.periods))
                for one in graph.parties
            ),
        )
        before, after = classify(graph, on=ON).size, classify(grown, on=ON).size
        if "review" not in (before, after):
            assert ORDER.index(after) >= ORDER.index(before), graph


def test_stored_inputs_give_the_same_bits_again():
    for graph, _rng in graphs():
        stored = json.dumps(inputs_to_json(graph, ON))
        answer = json.dumps(classification_to_json(classify(graph, on=ON)), sort_keys=True)
        assert json.dumps(classification_to_json(replay(json.loads(stored))), sort_keys=True) == answer


def test_a_graph_survives_json_without_loss():
    for graph, _rng in graphs():
        assert ownership_from_json(json.loads(json.dumps(ownership_to_json(graph)))) == graph


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_of_an_exempt_investors_holdings_in_both_directions_the_greatest_counts_whichever_comes_first(order):
    """Found by the long run: the investor holds in two companies of the group, and the group in it."""
    staff = {"e": 1, "a": 10, "c": 100}
    parties = tuple(
        Party(ident, kind, periods=(Figures(date(2025, 12, 31), Decimal(awu), Decimal(0), Decimal(0)),))
        for (ident, awu), kind in zip(
            staff.items(), (PartyKind.ENTERPRISE, PartyKind.ENTERPRISE, PartyKind.RESEARCH_CENTRE), strict=True
        )
    )
    holdings = (
        Holding("e", "a", Decimal("24.99"), Decimal(51)),
        Holding("e", "c", Decimal("25.01"), Decimal("25.01")),
        Holding("c", "e", Decimal(100), Decimal("49.99")),
        Holding("c", "a", Decimal("75.01"), Decimal(49)),
    )
    graph = Ownership("e", tuple(parties[index] for index in order), holdings)
    assert classify(graph, on=ON).figures.awu == 1 + 10 + 100
