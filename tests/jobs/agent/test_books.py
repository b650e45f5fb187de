"""The agent's side of metering: what it says while a run goes on, and its book of each day."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from jobs.agent.backends.base import Phase, Status, UsageRow
from jobs.agent.held import Held
from jobs.agent.reconcile import Books
from jobs.agent.state import State

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / "agent.sqlite3")
    state.take(key="ft-1", token="t", payload={"gpus": 2}, lease_seconds=60)
    return state


def metered(state, number=1, seconds=100):
    end = datetime.now(UTC)
    facts = {"cpu_seconds": 0, "energy_joules": None, "method": "accounting", "cluster": "a", "native_id": str(number)}
    start = end - timedelta(seconds=seconds)
    state.meter(
        [UsageRow(key="ft-1", started_at=start, ended_at=end, gpus=2, gpu_seconds=2 * seconds, **facts)],
    )


def seen(state, held, *, since, starts=1, phase=Phase.RUNNING):
    status = Status(key="ft-1", phase=phase, starts=starts, started_at=since)
    held.see(state.attempt("ft-1"), status)
    return held.words(state.attempt("ft-1")).get("held_gpu_seconds")


def test_a_run_is_said_to_have_held_its_gpus_since_its_start(state):
    assert seen(state, Held(state), since=datetime.now(UTC) - timedelta(seconds=50)) == 100


def test_earlier_starts_count_as_the_scheduler_accounted_them(state):
    metered(state, seconds=30)
    before = datetime.now(UTC) - timedelta(hours=1)
    assert seen(state, Held(state), since=before, starts=2) == 60
    state.note("held:ft-1", {"start": 2, "since": time.time() - 10})
    assert seen(state, Held(state), since=before, starts=2) == 80  # as after a restart of the agent


def test_what_is_gone_is_not_remembered(state):
    held = Held(state)
    seen(state, held, since=datetime.now(UTC) - timedelta(hours=1), starts=2)
    assert state.noted("held:ft-1")["start"] == 2
    held.forget("ft-1")
    assert state.noted("held:ft-1") is None
    assert held.words(state.attempt("ft-1")) == {}


def test_what_does_not_run_is_not_said_to_hold_anything(state):
    held = Held(state)
    seen(state, held, since=datetime.now(UTC) - timedelta(seconds=50))
    assert seen(state, held, since=None, phase=Phase.ENDED) is None


def test_three_days_are_said_at_the_start_and_not_again_for_an_hour(state):
    books = Books(state)
    assert [one["rows"] for one in books.words()] == [0, 0, 0]
    books.heard([])
    assert books.words() == []


def test_a_day_is_said_only_when_each_of_its_rows_has_its_answer(state):
    metered(state)
    books = Books(state)
    assert TODAY not in [one["day"] for one in books.words()]
    state.usage_acknowledged([1])
    assert TODAY in [one["day"] for one in books.words()]


def test_a_digest_whose_answer_was_lost_is_said_again(state):
    books = Books(state)
    assert books.words() == books.words() != []


def test_a_day_that_is_asked_for_is_sent_again_row_by_row(state):
    metered(state)
    state.usage_refused(1, "usage_conflict")
    books = Books(state)
    books.words()
    books.heard([TODAY])
    assert [number for number, _row in state.usage_to_report()] == [1]
    assert books.words() == []
    state.usage_acknowledged([1])
    assert [one["rows"] for one in books.words()] == [1]
