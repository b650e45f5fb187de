"""The table of failures: complete, in words for whom they are meant, charged by a rule; and docs with it."""

import ast
import importlib
import pkgutil
import re

import pytest

import jobs.agent
from jobs.agent.backends.base import Reason
from jobs.agent.outcome import ended_as
from jobs.execution.charging import RULES, Hint
from jobs.execution.reasons import reason_of
from jobs.execution.selectors import explain
from jobs.execution.services import sweep
from jobs.states import JobState
from models_hub.specs import Failure
from models_hub.specs.reasons import TROUBLES, trouble_of
from portal.kernel.clock import now
from tests.jobs.agent.corpus import SHOWN_BY, page
from tests.jobs.agent.workshop import ROOT
from tests.jobs.scene import make_scene, submit

BY_CODE = {row.code: row for row in TROUBLES}


def test_there_are_at_least_forty_failures_and_most_are_made_to_happen():
    assert len(BY_CODE) == len(TROUBLES) >= 40
    real = [code for code, test in SHOWN_BY.items() if "test_slurm" in test or "training/" in test]
    assert len(SHOWN_BY) >= 40
    assert len(real) >= 25


@pytest.mark.parametrize("row", TROUBLES, ids=lambda row: row.code)
def test_each_has_a_sentence_a_next_step_and_a_rule_of_who_pays(row):
    assert row.hint in {str(rule.code) for rule in RULES}
    for words in (row.sentence, row.next_step, row.operator):
        assert words[0].isupper() and words.endswith(".")
    # What only an operator understands is no word for a company.
    for words in (row.sentence, row.next_step):
        assert not re.search(r"backend\.|allow\.|sacct|slurm|munge|operator:", words, re.IGNORECASE), words


def test_every_end_that_the_portal_knows_is_in_the_table():
    ends = {*map(str, Failure), *map(str, Hint)} - {Hint.STOPPED}
    assert ends <= BY_CODE.keys()
    for failure in Failure:
        row = BY_CODE[failure]
        assert (row.hint, row.sentence, row.next_step) == (str(failure), failure.sentence, failure.next_step)


def test_every_reason_that_the_agent_can_give_is_in_the_table():
    for module in pkgutil.walk_packages(jobs.agent.__path__, "jobs.agent."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Reason):
                row = trouble_of(value.code)
                assert row is not None, f"{module.name}.{name}: add {value.code} to models_hub.specs.reasons"
                assert row.hint == value.hint_code


@pytest.mark.parametrize("code", SHOWN_BY)
def test_the_test_that_makes_it_happen_is_there(code):
    assert code in BY_CODE
    path, _, name = SHOWN_BY[code].partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_page_of_docs_is_the_table():
    """Mend it with `.venv/bin/python -m tests.jobs.agent.corpus > docs/failures.md`."""
    assert (ROOT / "docs" / "failures.md").read_text() == page()


# ---- what the company reads -----------------------------------------------------------------------------------------


@pytest.fixture
def failed(db):
    """A job that a site has ended in some way: `failed(code)` gives what its page explains."""
    scene = make_scene()

    def explained(about):
        job = submit(scene)
        job.state, job.hint_code, job.sentence = JobState.FAILED, about["hint_code"], about["sentence"]

        class Said:
            result, exit_code, signal = about.get("result", {}), None, None

        return explain(job, Said)

    return explained


def test_a_site_sends_a_code_and_the_portal_says_it_in_its_own_words(failed):
    seen = failed(ended_as("node_failed"))
    assert seen.sentence == "The run's node failed."
    assert str(seen.next_step).startswith("Start the job again; it goes on from its last complete checkpoint")


def test_an_operators_words_do_not_reach_the_company(failed):
    seen = failed(ended_as("account_unknown"))
    assert "backend.slurm.account" not in f"{seen.title} {seen.sentence} {seen.next_step} {seen.detail}"


def test_what_tells_more_than_the_table_is_kept(failed):
    seen = failed({**ended_as("bad_data_row"), "sentence": "Row 7 of train.jsonl has no text."})
    assert seen.sentence == "Row 7 of train.jsonl has no text."


def test_a_reason_of_another_end_or_of_nobody_is_not_believed():
    assert reason_of("interrupted", {"reason": "budget_spent"}).code == "interrupted"
    assert reason_of("interrupted", {"reason": "no such"}).code == "interrupted"
    assert reason_of("no such end", {}).code == "internal"


def test_an_allocation_that_ends_while_a_job_waits(db):
    scene = make_scene()
    job = submit(scene)
    long_ago = now().date().replace(year=2000)
    type(scene.allocation).objects.filter(pk=scene.allocation.pk).update(starts_on=long_ago, ends_on=long_ago)
    sweep(at=now())
    job.refresh_from_db()
    assert (job.state, job.hint_code) == (JobState.FAILED, "allocation_closed")
