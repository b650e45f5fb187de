"""Stored cases give the same bits again, and rows of law that people type fail with a sentence."""

import json
from dataclasses import replace
from datetime import date

import pytest

from accounts.state_aid import regimes, rules, serial
from accounts.state_aid.case import Case
from tests.accounts.state_aid.rules.given import TODAY, case
from tests.accounts.state_aid.rules.test_reasons import REACHED


def stored(one: Case, on: date = TODAY) -> dict:
    """As a database gives it back: other order of keys, nothing but JSON."""
    return json.loads(json.dumps(serial.case_to_json(one, on, rules.RULE_VERSION), sort_keys=True))


@pytest.mark.parametrize("code", REACHED)
def test_a_stored_case_is_read_back_and_judged_to_the_same_bits(code):
    one = REACHED[code]
    one, on = one if isinstance(one, tuple) else (one, TODAY)
    assert serial.case_from_json(stored(one, on)) == (one, on)
    first = serial.verdict_to_json(rules.assess(one, on))
    assert json.dumps(rules.replay(stored(one, on))) == json.dumps(first)


def test_a_stored_verdict_is_read_back():
    verdict = rules.assess(case("1000"), TODAY)
    assert serial.verdict_from_json(json.loads(json.dumps(serial.verdict_to_json(verdict)))) == verdict


def test_what_is_stored_beside_the_case_does_not_matter():
    assert rules.replay({**stored(case("1")), "authority": "Somebody"}) == rules.replay(stored(case("1")))


@pytest.mark.parametrize("version", ["state-aid/0", None, 7])
def test_an_unknown_version_of_the_rules_is_named(version):
    with pytest.raises(rules.UnknownRuleVersion, match="is not known here; known are state-aid/1"):
        rules.replay({**stored(case("1")), "rule_version": version})


def test_a_case_stored_before_a_field_existed_is_read_with_its_default():
    old = stored(case("1"))
    del old["case"]["state_register"]
    assert serial.case_from_json(old)[0].state_register is False


def test_a_changed_input_changes_the_verdict():
    touched = stored(case("300000"))
    touched["case"]["amount_eur"] = "300000.01"
    assert rules.replay(touched)["outcome"] == "refused"


@pytest.mark.parametrize("law", regimes.BUILT_IN, ids=lambda law: law.code)
def test_a_row_of_law_is_written_and_read_back(law):
    assert serial.law_from_json(json.loads(json.dumps(serial.law_to_json(law)))) == law


GENERAL = serial.law_to_json(regimes.BUILT_IN[0])


def changed(**fields) -> dict:
    return {**GENERAL, **fields}


def with_limit(**fields) -> dict:
    return changed(limits=[{**GENERAL["limits"][0], **fields}])


@pytest.mark.parametrize(
    ("typed", "path", "problem"),
    [
        ([], "", "must be an object with names and values"),
        ({key: value for key, value in GENERAL.items() if key != "code"}, "code", "is missing"),
        (changed(code=None), "code", "is missing"),
        (changed(code=""), "code", "must not be empty"),
        (changed(version=""), "version", "must not be empty"),
        (changed(source=""), "source", "must not be empty"),
        (changed(kind="tax"), "kind", "must be one of de_minimis, block_exemption, threshold"),
        (changed(title=5), "title", "must be text"),
        (changed(celing="1"), "celing", "is not known; known are code, kind"),
        (changed(valid_from="1.1.2027"), "valid_from", "must be a day such as 2026-11-21"),
        (changed(valid_from=2027), "valid_from", "must be a day such as 2026-11-21"),
        (changed(valid_to="2020-01-01"), "valid_to", "lies before valid_from"),
        (changed(adjustment_until="2030-01-01"), "adjustment_until", "lies before valid_to"),
        (changed(limits="300000"), "limits", "must be a list"),
        (changed(excluded=["export", 3]), "excluded[1]", "must be text"),
        (changed(declaration_days="90"), "declaration_days", "must be a whole number"),
        (changed(declaration_days=True), "declaration_days", "must be a whole number"),
        (changed(terms=[]), "terms", "must be an object with names and values"),
        (with_limit(ceiling_eur="much"), "limits[0].ceiling_eur", "must be a number in quotes"),
        (with_limit(ceiling_eur=300000.5), "limits[0].ceiling_eur", "must be a number in quotes"),
        (with_limit(ceiling_eur="NaN"), "limits[0].ceiling_eur", "must be a number in quotes"),
        (with_limit(ceiling_eur="-1"), "limits[0].ceiling_eur", "must not be negative"),
        (with_limit(pool=[]), "limits[0].pool", "names no code whose aid uses it up"),
        (with_limit(per_state="yes"), "limits[0].per_state", "must be true or false"),
        (with_limit(only_if="not known"), "limits[0].only_if", "must be one of boundary_day_counts"),
    ],
)
def test_a_row_of_law_that_cannot_be_right_is_refused_where_it_is_wrong(typed, path, problem):
    with pytest.raises(serial.Unreadable) as refused:
        serial.law_from_json(typed)
    assert refused.value.path == path
    assert refused.value.problem.startswith(problem)


def test_rows_are_read_one_by_one():
    assert serial.laws_from_json([GENERAL, GENERAL]) == (regimes.BUILT_IN[0],) * 2


def test_a_case_that_is_none_is_refused():
    with pytest.raises(serial.Unreadable, match="case: is missing"):
        serial.case_from_json({"on": "2026-11-21"})
    broken = stored(case("1"))
    broken["case"]["amount_eur"] = "-1"
    with pytest.raises(serial.Unreadable, match="less than nothing"):
        serial.case_from_json(broken)
    broken["case"]["fiscal_year_end"] = [12]
    with pytest.raises(serial.Unreadable, match="must hold 2 values"):
        serial.case_from_json(broken)


def test_laws_travel_with_the_case():
    """A later change of the built-in rows does not touch what was stored."""
    tight = replace(regimes.BUILT_IN[0], limits=(replace(regimes.BUILT_IN[0].limits[0], ceiling_eur=10),))
    with pytest.raises(serial.Unreadable):
        serial.case_from_json({**stored(case("1")), "case": {**stored(case("1"))["case"], "law": [{"code": "x"}]}})
    assert rules.replay(stored(case("11", law=(tight,))))["outcome"] == "refused"
