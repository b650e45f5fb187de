"""Work is read once, and read anew as soon as it says anything else."""

import copy

import pytest

from jobs.agent import work
from jobs.agent.config import Allowed
from jobs.agent.work import Reader, WorkRefused
from jobs.conformance.work import new_job


@pytest.fixture
def reads(monkeypatch):
    """The keys of all work that was read in full."""
    found, real = [], work.understood
    monkeypatch.setattr(work, "understood", lambda raw, allowed: (found.append(raw["key"]), real(raw, allowed))[1])
    return found


@pytest.fixture
def reader():
    return Reader(Allowed(recipes=frozenset({"classify"}), max_gpus=1, max_seconds=3600))


def test_the_same_words_are_read_once(reader, reads):
    raw = new_job().payload
    first = reader.work(raw)
    assert reader.work(copy.deepcopy(raw)) is first
    assert reads == [raw["key"]]


def test_other_words_under_the_same_key_are_read_anew(reader):
    raw = new_job().payload
    reader.work(raw)
    assert reader.work(raw | {"token": "another"}).token == "another"
    assert reader.work(raw | {"not_after": "2031-01-01T00:00:00+00:00"}).not_after.year == 2031


@pytest.mark.parametrize("words", [{"gpus": 2}, {"spec_hash": "0" * 64}, {"max_seconds": 3601}])
def test_words_that_this_site_refuses_are_refused_each_time(reader, reads, words):
    raw = new_job().payload
    reader.work(raw)
    for _ in range(2):
        with pytest.raises(WorkRefused):
            reader.work(raw | words)
    assert len(reads) == 3


def test_of_very_many_some_are_read_again(reader, reads):
    reader.MOST = 3
    raws = [new_job().payload for _ in range(5)]
    assert [reader.work(raw).key for raw in [*raws, raws[0]]] == [raw["key"] for raw in [*raws, raws[0]]]
    assert len(reads) == 6
    assert len(reader._known) <= 3
