"""What a derivation carries: every figure's parts, a sentence for every code, and the same bits when derived again."""

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from time import process_time

import pytest

from accounts.size_wording import SENTENCES, sentence, step_sentences, tree_of
from accounts.sme import thresholds
from accounts.sme.ceilings import CEILING_SETS
from accounts.sme.codes import ARTICLES, REVIEW_CODES, Code
from accounts.sme.graph import ChangeMode, Node, Ownership, node_from_json, node_to_json
from accounts.sme.midcap import MID_CAP_CEILINGS, small_mid_cap_finding
from accounts.sme.rules import RULE_VERSION, classify, of_one_firm
from accounts.sme.stored import UnknownRuleVersion, classification_to_json, inputs_to_json, replay
from accounts.sme.thresholds import Threshold, thresholds_on
from tests.accounts.sme.drawing import ON, drawn, figures
from tests.accounts.sme.test_closings import CHANGES, CONSOLIDATED, TWO_PERIODS
from tests.accounts.sme.test_relations import CLOSED, EVERYTHING, OPEN, PUBLIC
from tests.accounts.sme.test_vectors import VECTORS

REVIEW = ChangeMode.REVIEW
GROUP = ("E 30/6/4; H 180/30/25; S 60/12/9; P 100/20/15; Q 50/10/5", "H>E 60; H>S 55; P>E 33; P>Q 100")


def cases() -> list[tuple[Ownership, ChangeMode]]:
    """Every graph of the tables, and some that stand alone in a test."""
    graphs = [(drawn(row[1], row[2], **row[3]), REVIEW) for row in (*VECTORS, *EVERYTHING, *OPEN, *CLOSED)]
    graphs += [(drawn(row[1], row[2]), REVIEW) for row in (*PUBLIC, *CONSOLIDATED)]
    graphs += [(drawn(f"E {row[1]}"), REVIEW) for row in TWO_PERIODS]
    graphs += [(drawn(row[1], row[2], ownership_changed_on=row[3]), row[4]) for row in CHANGES]
    more = [("E", ""), ("E 1/1/1; H", "H>E 51"), ("E 9/1/1,9/1/1; H 1/1/1", "H>E 51"), GROUP]
    graphs += [(drawn(*one), REVIEW) for one in more]
    approved, estimate = drawn("E 1/1/1").parties[0], drawn("E 1/1/1 estimate").parties[0]
    graphs.append((of_one_firm([*approved.periods, *estimate.periods]), REVIEW))
    graphs.append((of_one_firm([figures("1/1/1", date(2023, 12, 31))]), REVIEW))
    apart = (figures("9/1/1", date(2023, 12, 31)), figures("11/3/3", date(2025, 12, 31)))
    graphs.append((of_one_firm(apart), REVIEW))
    return graphs


@pytest.fixture(scope="module")
def derived():
    return [(graph, mode, classify(graph, ON, mode)) for graph, mode in cases()]


def all_nodes(*nodes: Node) -> list[Node]:
    found, todo = [], list(nodes)
    while todo:
        one = todo.pop()
        found.append(one)
        todo.extend(one.children)
    return found


@pytest.fixture(scope="module")
def nodes(derived):
    found = [node for _graph, _mode, known in derived for node in all_nodes(known.tree)]
    for _graph, _mode, known in derived:
        found += [small_mid_cap_finding(known, row.definition, ON) for row in MID_CAP_CEILINGS]
    return found


def test_every_code_is_reached(nodes):
    assert {node.code for node in nodes} == {code.value for code in Code}


def test_every_code_has_an_article_and_a_sentence():
    assert set(ARTICLES) == set(SENTENCES) == set(Code)


def test_every_finding_names_its_article(nodes):
    assert [node.code for node in nodes if not node.article] == []


def test_every_sentence_finds_what_it_names(nodes):
    for node in nodes:
        named = set(re.findall(r"%\((\w+)\)s", str(SENTENCES[Code(node.code)])))
        assert named <= set(node.values), node.code
        assert "%(" not in sentence(node_to_json(node))


def test_an_open_size_says_why_and_a_decided_one_has_no_open_point(derived):
    for graph, _mode, known in derived:
        assert bool(known.open_points) is (known.size == "review"), graph
        assert known.is_sme is (known.size in ("micro", "small", "medium"))


def test_the_parts_of_each_closing_make_its_total(derived):
    for graph, _mode, known in derived:
        for closing in known.tree.children[-1].children:
            parts = [one for one in closing.children if one.code in ("own", "linked", "partner")]
            for key in ("awu", "turnover_eur", "balance_sheet_eur"):
                total = sum((Decimal(one.values[key]) for one in parts), Decimal(0))
                assert total == Decimal(closing.values[key]), graph


def test_the_parts_of_a_partner_show_the_share_and_the_whole():
    closing = classify(drawn(*GROUP), ON).tree.children[-1].children[-1]
    partner = closing.children[3]
    assert (partner.code, partner.values["share"], partner.values["awu"]) == ("partner", "33", "49.5")
    assert [(one.values["name"], one.values["awu"], one.values["whole_awu"]) for one in partner.children] == [
        ("P", "33", "100"),
        ("Q", "16.5", "50"),
    ]


def test_a_stored_classification_is_derived_again_to_the_same_bits(derived):
    for graph, mode, known in derived:
        stored = json.dumps(inputs_to_json(graph, ON, mode))
        assert replay(json.loads(stored)) == known
        again = json.dumps(classification_to_json(replay(json.loads(stored))))
        assert again == json.dumps(classification_to_json(known))


def test_a_stored_tree_is_read_again(derived):
    for _graph, _mode, known in derived:
        assert node_from_json(json.loads(json.dumps(node_to_json(known.tree)))) == known.tree


def test_the_settings_of_the_caller_change_no_digit():
    graph = drawn("E 10.01/1/1; P 33.33/3.333333/1", "P>E 33.3333")
    known = classify(graph, ON)
    with localcontext() as context:
        context.prec = 3
        assert classify(graph, ON) == known


@pytest.mark.parametrize("version", ["sme/1", "", None])
def test_rules_that_are_not_held_any_more_are_named(version):
    inputs = {**inputs_to_json(drawn("E 1/1/1"), ON), "rule_version": version}
    with pytest.raises(UnknownRuleVersion, match=re.escape(RULE_VERSION)):
        replay(inputs)


def test_the_order_in_which_a_graph_was_entered_changes_no_answer(derived):
    for graph, mode, known in derived:
        turned = replace(
            graph,
            parties=graph.parties[::-1],
            holdings=graph.holdings[::-1],
            acting_together=graph.acting_together[::-1],
        )
        again = classify(turned, ON, mode)
        assert (again.size, again.basis, set(again.codes)) == (known.size, known.basis, set(known.codes)), graph
        if not any(one.code == "contained" for one in all_nodes(known.tree)):
            assert again.figures == known.figures, graph


# ---- for a page ----------------------------------------------------------------------------------------------------


def test_a_tree_becomes_nested_facts_for_a_template():
    tree = tree_of(classify(drawn(*GROUP), ON).tree)
    history = tree["children"][-1]
    closing = history["children"][0]
    partner = closing["children"][3]
    assert tree["sentence"] == "Size on 21 November 2026: Large enterprise."
    assert partner["sentence"] == "P, Q: partner, counts at 33 %."
    assert partner["facts"][0] == ("Staff", "49.50")
    assert partner["children"][0]["label"] == "P"
    assert partner["children"][0]["facts"][0] == ("Staff", "33.00 of 100.00")
    assert (partner["article"], partner["is_open"]) == ("Art 6(2) sub 2", False)


def test_a_tree_reads_the_same_from_what_was_stored():
    known = classify(drawn(*GROUP), ON)
    assert tree_of(classification_to_json(known)["tree"]) == tree_of(known.tree)


def test_what_is_open_is_marked_and_said_last():
    known = classify(drawn("E 1/1/1; H", "H>E 51"), ON)
    said = step_sentences(classification_to_json(known))
    assert said[-1][0].startswith("Figures of H for the year to 31 December 2025 are missing.")
    assert [one["code"] for one in tree_of(known.tree)["children"] if one["is_open"]] == ["figures_missing"]


def test_a_code_of_another_time_is_shown_as_it_is():
    assert sentence({"code": "not_autonomous", "article": "", "values": {}}) == "not_autonomous"
    assert step_sentences({"steps": []}) == []


def test_many_names_are_cut_short():
    values = {"names": [f"N{at}" for at in range(9)]}
    assert sentence({"code": "has_linked", "article": "", "values": values}) == (
        "Linked companies count in full: N0, N1, N2, N3, N4 and 4 others."
    )


# ---- the law as rows -----------------------------------------------------------------------------------------------


def test_every_number_of_the_law_has_a_day_and_a_source():
    for row in (*thresholds.ROWS, *CEILING_SETS, *MID_CAP_CEILINGS):
        assert row.source
        assert row.valid_from <= ON


def test_a_new_row_of_the_law_counts_from_its_day():
    rows = (*thresholds.ROWS, Threshold("partner_share", Decimal(30), "Art 3(2)", date(2027, 1, 1), "a later act"))
    assert thresholds_on(date(2026, 12, 31), rows).partner_share == 25
    assert thresholds_on(date(2027, 1, 1), rows).partner_share == 30


def test_before_the_recommendation_there_are_no_thresholds():
    with pytest.raises(ValueError, match="no thresholds"):
        thresholds_on(date(2004, 12, 31))


def test_codes_for_a_person_are_codes():
    assert set(Code) > REVIEW_CODES


# ---- speed ---------------------------------------------------------------------------------------------------------


def large_group(size: int) -> Ownership:
    """A tree of daughters, each with cross-holdings, three closings, and partners on every third."""
    names = [f"n{at}" for at in range(size)]
    years = "1/0.1/0.1,1/0.1/0.1,1/0.1/0.1"
    holdings = [f"n{(at - 1) // 3}>n{at} {60 if at % 3 else 30}" for at in range(1, size)]
    holdings += [f"n{at}>n{(at * 7 + 1) % size} 5" for at in range(size) if (at * 7 + 1) % size != at]
    return drawn("; ".join(f"{name} {years}" for name in names), "; ".join(holdings))


def test_five_hundred_parties_are_classified_in_a_moment():
    graph = large_group(500)
    took = []
    for _ in range(5):
        start = process_time()
        known = classify(graph, ON)
        took.append(process_time() - start)
    assert len([one for one in known.relations if one.kind == "linked"]) > 50
    assert min(took) < 0.05
