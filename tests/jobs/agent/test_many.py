"""A large site: more attempts at once than the portal takes in one message, and news among very many that are quiet."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from jobs.agent import saying
from jobs.agent import state as states
from jobs.agent.backends.base import UsageRow
from jobs.agent.identity import Identity
from jobs.agent.state import State
from jobs.agent.talk import Talk
from jobs.siteapi.messages import MAX_ITEMS, read_sync
from tests.jobs.agent.workshop import Workshop, remembers

COUNT = 1100
# The portal has nothing to say.
SILENCE = {
    "acks": {"events": {}, "logs": {}, "usage": [], "attempts": {}}, "refused": [], "closed": [], "cancel": [],
    "work": [], "poll_after": 0, "time": "2026-03-01T10:00:00+00:00",
}  # fmt: skip


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / "agent.sqlite3")
    with state.together():
        for number in range(COUNT):
            key = key_of(number)
            state.take(key=key, token="t", payload={"schema": "work"}, lease_seconds=60)
            state.move(key, "running")
            state.acknowledge(key, 2)
    return state


@pytest.fixture
def talk(state, tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.write()

    def logs(key, offset, most):
        return f"a line of {key}\n".encode()[offset:]

    backend = SimpleNamespace(
        stage=lambda key, direction: tmp_path / key, logs=logs,
        describe=lambda: {"gpus_total": 2000, "gpus_free": 900},
    )  # fmt: skip
    identity = Identity(agent_id="a", site="s", public_key="", portal_public_key="", code_sha256="")
    return Talk(
        config=shop.config, state=state, backend=backend, portal=None, identity=identity, news=threading.Event()
    )


def key_of(number):
    return f"ft-{number:012x}-1"


def said(talk, state):
    """The keys of the next message, as the portal reads it."""
    message = talk.saying.message(state.attempts(), epoch=1, wait=0, features=frozenset())
    read = read_sync(message)
    assert len(read.logs) == len(read.attempts) <= MAX_ITEMS
    return [item.key for item in read.attempts]


def test_all_have_their_turn_and_no_message_is_too_long(talk, state):
    rounds = [said(talk, state) for _ in range(3)]
    assert sorted(key for keys in rounds for key in keys) == [key_of(number) for number in range(COUNT)]
    assert said(talk, state) == []  # all were spoken of a moment ago


def test_news_do_not_wait_for_their_turn(talk, state):
    assert key_of(1099) not in said(talk, state)
    state.move(key_of(1099), "collecting")
    assert said(talk, state)[0] == key_of(1099)


def test_the_places_in_files_of_those_that_are_gone_are_forgotten(talk, state):
    talk.portal = SimpleNamespace(sync=lambda message: SILENCE)
    talk.say()
    assert remembers(talk.saying, key_of(7))
    state.set(key_of(7), wiped=1)
    talk.say()
    assert not remembers(talk.saying, key_of(7))
    assert remembers(talk.saying, key_of(8))


def test_what_is_over_is_not_read_again_in_each_exchange(talk, state, monkeypatch):
    """A busy site remembers ten thousand attempts of the last month. Usage of one that is gone is still said."""
    with state.together():
        for number in range(1, COUNT):
            state.set(key_of(number), wiped=1)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    row = UsageRow(
        key=key_of(5), cluster="c", native_id="n", started_at=at, ended_at=at, gpus=1, gpu_seconds=0, cpu_seconds=0,
        energy_joules=None, method="receipt",
    )  # fmt: skip
    state.meter([row])
    read, said = [], []
    monkeypatch.setattr(states, "_attempt", lambda row, real=states._attempt: read.append(row["key"]) or real(row))
    talk.portal = SimpleNamespace(sync=lambda message: said.append(message) or SILENCE)
    talk.say()
    assert read == [key_of(0)]
    assert [(row["key"], row["token"]) for row in said[0]["usage"]] == [(key_of(5), "t")]


def test_after_a_moment_all_are_spoken_of_again(talk, state, monkeypatch):
    for _ in range(3):
        said(talk, state)
    later = saying.time.monotonic() + 1.0
    monkeypatch.setattr(saying.time, "monotonic", lambda: later)
    assert said(talk, state) == [key_of(number) for number in range(400)]
    assert said(talk, state) == [key_of(number) for number in range(400, 800)]
