"""Data come to a site once for all jobs of one organisation, and what has come is said together."""

import hashlib
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs.agent.arrivals import Arrivals, together
from jobs.agent.client import DigestMismatch
from jobs.agent.inputs import Inputs
from jobs.agent.state import State
from jobs.agent.transfers import Transfers
from tests.jobs.agent.workshop import eventually

ROWS = b'{"messages": []}\n' * 50
DIGEST = hashlib.sha256(ROWS).hexdigest()
INPUTS = [{"name": "train.jsonl", "sha256": DIGEST, "bytes": len(ROWS)}]


class Site:
    """Arrivals among real files and a real state; the portal notes what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.fetched, self.news = folder, [], threading.Event()
        self.state = State(folder / "agent.sqlite3")
        self.backend = SimpleNamespace(stage=lambda key, direction: folder / key / "data")
        self.portal = SimpleNamespace(download=self._download)
        self.damaged: set[str] = set()
        self.arrivals = Arrivals(
            state=self.state, backend=self.backend, portal=lambda: self.portal, inputs=Inputs("http://localhost:1"),
            cache=SimpleNamespace(ensure=lambda *about, **go_on: None), news=self.news, stopping=threading.Event(),
        )  # fmt: skip
        self.trouble: dict[str, Exception] = {}

    def _download(self, *, key, target, **about):
        self.fetched.append((key, about["name"]))
        if key in self.damaged:
            raise DigestMismatch("not the one this job names")
        target.write_bytes(ROWS)

    def leased(self, *keys, tenant="nordlys", inputs=INPUTS):
        for key in keys:
            payload = {"inputs": inputs, **({"tenant": tenant} if tenant else {})}
            self.state.take(key=key, token="t", payload=payload, lease_seconds=60)
            self.state.move(key, "staging")
        return [self.state.attempt(key) for key in keys]

    def bring(self, attempts):
        def guarded(key, job):
            try:
                job()
            except DigestMismatch as trouble:
                self.trouble[key] = trouble

        def work_of(attempt):
            base = SimpleNamespace(id="tiny", revision=None)
            spec = SimpleNamespace(base_model=base)
            return SimpleNamespace(key=attempt.key, inputs=attempt.payload["inputs"], spec=spec)

        self.arrivals.bring(attempts, work_of=work_of, guarded=guarded)

    def file(self, key):
        return self.folder / key / "data" / "train.jsonl"

    def states(self):
        return {attempt.key: (attempt.state, attempt.staged) for attempt in self.state.attempts()}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_the_first_fetches_and_the_others_have_a_copy_of_their_own(site):
    keys = [f"ft-{number}" for number in range(20)]
    site.bring(site.leased(*keys))
    assert site.fetched == [("ft-0", "train.jsonl")]
    assert {site.file(key).read_bytes() for key in keys} == {ROWS}
    assert len({site.file(key).stat().st_ino for key in keys}) == 20
    assert {site.file(key).stat().st_mode & 0o777 for key in keys[1:]} == {0o600}
    assert set(site.states().values()) == {("submitted", True)}
    assert site.news.is_set()


def test_all_that_has_come_is_written_down_in_one_go(site, monkeypatch):
    attempts, written = site.leased("ft-1", "ft-2", "ft-3"), []
    monkeypatch.setattr(
        site.state, "together", lambda real=site.state.together: written.append(site.states()) or real()
    )
    site.bring(attempts)
    assert [set(states.values()) for states in written] == [{("staging", False)}]


def test_who_is_not_here_yet_does_not_hold_up_those_who_are(site, monkeypatch):
    """The last one's copy takes until the others have been said: it would take for ever if they waited for it."""
    monkeypatch.setattr("jobs.agent.arrivals.SAID_AFTER", 0.01)
    attempts, copy = site.leased("ft-1", "ft-2", "ft-3"), site.arrivals._bring

    def slowly(attempt, *about):
        if attempt.key == "ft-3":
            eventually(lambda: site.states()["ft-1"] == site.states()["ft-2"] == ("submitted", True), seconds=30)
        copy(attempt, *about)

    monkeypatch.setattr(site.arrivals, "_bring", slowly)
    site.bring(attempts)
    assert site.states()["ft-3"] == ("submitted", True)


def test_only_what_one_organisation_needs_alike_comes_together(site):
    other = [{**INPUTS[0], "sha256": "0" * 64}]
    mine, theirs = site.leased("ft-1", "ft-2"), site.leased("ft-3", tenant="others")
    odd, nobodys = site.leased("ft-4", inputs=other), site.leased("ft-5", "ft-6", tenant=None)
    groups = [[one.key for one in group] for group in together([*mine, *theirs, *odd, *nobodys])]
    assert groups == [["ft-1", "ft-2"], ["ft-3"], ["ft-4"], ["ft-5"], ["ft-6"]]
    for group in together([*mine, *theirs, *nobodys]):
        site.bring(group)
    assert [key for key, _name in site.fetched] == ["ft-1", "ft-3", "ft-5", "ft-6"]


def test_a_later_job_copies_from_one_that_is_still_here(site):
    site.bring(site.leased("ft-1"))
    site.bring(site.leased("ft-2"))
    assert site.fetched == [("ft-1", "train.jsonl")]
    assert site.file("ft-2").read_bytes() == ROWS


def replaced(file, make):
    file.unlink()
    make(file)


HARM = {
    "changed": lambda file: file.write_bytes(b"x" * len(ROWS)),
    "longer": lambda file: os.truncate(file, 10**12),
    "gone": lambda file: file.unlink(),
    "a pipe": lambda file: replaced(file, os.mkfifo),
    "a link": lambda file: replaced(file, lambda path: path.symlink_to("/dev/zero")),
    "a folder": lambda file: replaced(file, Path.mkdir),
}


@pytest.mark.parametrize("harm", HARM)
def test_what_a_neighbour_has_spoilt_is_fetched(site, harm):
    site.bring(site.leased("ft-1"))
    HARM[harm](site.file("ft-1"))
    site.bring(site.leased("ft-2"))
    assert site.fetched == [("ft-1", "train.jsonl"), ("ft-2", "train.jsonl")]
    assert site.file("ft-2").read_bytes() == ROWS


def test_half_a_copy_that_a_kill_has_left_is_looked_at_and_fetched(site):
    site.bring(site.leased("ft-1"))
    half = site.file("ft-2")
    half.parent.mkdir(parents=True)
    half.write_bytes(ROWS[:100])
    site.bring(site.leased("ft-2"))
    assert site.fetched[-1] == ("ft-2", "train.jsonl")
    assert half.read_bytes() == ROWS


def test_trouble_with_the_first_is_its_own(site):
    attempts = site.leased("ft-1", "ft-2", "ft-3")
    site.damaged.add("ft-1")
    site.bring(attempts)
    assert set(site.trouble) == {"ft-1"}
    assert site.states() == {"ft-1": ("staging", False), "ft-2": ("submitted", True), "ft-3": ("submitted", True)}


def test_an_agent_that_ends_begins_no_further_copy(site):
    site.arrivals.stopping.set()
    site.bring(site.leased("ft-1", "ft-2"))
    assert site.fetched == []
    assert set(site.states().values()) == {("staging", False)}


def test_a_group_that_could_not_be_written_down_is_tried_again(site, caplog):
    """The disk of the agent's own state may be full, too."""
    transfers = Transfers(state=site.state, inputs=site.arrivals.inputs, news=site.news)

    def full():
        raise OSError(28, "No space left on device")

    transfers.start_together(["ft-1", "ft-2"], full)
    eventually(lambda: "2 attempts" in caplog.text, seconds=30)
    transfers.stop()
    assert not transfers.free("ft-1") and not transfers.free("ft-2")
