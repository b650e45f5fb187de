"""A job's data leave the site, and the portal hears of it, whatever is killed on the way; and the wish to drain."""

import pytest

from catalog.models import Site
from jobs.agent import removal
from jobs.agent.backends import BackendError
from jobs.agent.state import State
from jobs.models import Attempt, SiteAgent
from jobs.sites.services import set_drain
from jobs.states import JobState
from tests.jobs.agent.workshop import eventually
from tests.jobs.scene import submit
from tests.jobs.sites.operators import make_operator

# ---- what is written down -------------------------------------------------------------------------------------------


class Folder:
    """A back-end whose only data is one folder."""

    def __init__(self, path):
        self.path, self.stuck = path, False

    def wipe(self, key):
        if self.stuck:
            raise BackendError("still here")
        if self.path.exists():
            self.path.rmdir()


@pytest.fixture
def wiping(tmp_path):
    state = State(tmp_path / "agent.sqlite3")
    state.take(key="ft-a-1", token="t", payload={"remove_after_seconds": 3600}, lease_seconds=60)
    state.move("ft-a-1", "failed")
    (tmp_path / "data").mkdir()
    return state, Folder(tmp_path / "data")


def again(state, tmp_path):
    """The agent was killed and starts anew."""
    state.close()
    return State(tmp_path / "agent.sqlite3")


def test_the_word_waits_until_it_is_heard_whatever_is_killed(wiping, tmp_path):
    state, backend = wiping
    removal.remove(backend=backend, state=state, attempt=state.attempt("ft-a-1"))
    state = again(state, tmp_path)
    (row,) = removal.removed_rows(state)
    assert (row["key"], row["token"]) == ("ft-a-1", "t")
    removal.hear(state, {"acks": {"removed": ["ft-a-1"]}, "refused": []})
    assert removal.removed_rows(again(state, tmp_path)) == []


def test_killed_between_removing_and_noting_it_removes_what_is_not_there_and_notes_it(wiping, tmp_path):
    state, backend = wiping
    backend.wipe("ft-a-1")
    state = again(state, tmp_path)
    assert removal.removed_rows(state) == []
    removal.remove(backend=backend, state=state, attempt=state.attempt("ft-a-1"))
    assert len(removal.removed_rows(state)) == 1


def test_what_could_not_be_removed_is_not_said_to_be_gone(wiping):
    state, backend = wiping
    backend.stuck = True
    with pytest.raises(BackendError):
        removal.remove(backend=backend, state=state, attempt=state.attempt("ft-a-1"))
    assert removal.removed_rows(state) == []
    assert not state.attempt("ft-a-1").wiped


@pytest.mark.parametrize(("code", "left"), [("attempt_unknown", 0), ("stale_lease", 0), ("attempt_open", 1)])
def test_a_refusal_ends_it_only_when_nothing_can_change_any_more(wiping, code, left):
    state, backend = wiping
    removal.remove(backend=backend, state=state, attempt=state.attempt("ft-a-1"))
    removal.hear(state, {"acks": {}, "refused": [{"kind": "removed", "key": "ft-a-1", "id": "", "code": code}]})
    assert len(removal.removed_rows(state)) == left


def test_a_site_keeps_data_as_long_as_it_likes_and_never_beyond_the_promise(wiping):
    state, _backend = wiping
    attempt = state.attempt("ft-a-1")

    class Config:
        keep_hours = 0.5

    assert removal.keep_until(attempt, Config) == attempt.ended_at + 1800
    Config.keep_hours = 100
    assert removal.keep_until(attempt, Config) == attempt.ended_at + 3600
    assert not removal.overdue(attempt)


# ---- at a real portal -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_agent_killed_while_it_removes_still_says_so(scene):
    job = submit(scene, name="ok")
    scene.shop.start()
    scene.wait_for(job, JobState.DONE)
    eventually(lambda: not list(scene.shop.work.glob("jobs/*/data")), note=scene.shop.log)
    scene.shop.kill()
    scene.shop.start()
    attempt = eventually(lambda: Attempt.objects.filter(removed_at__isnull=False).first(), note=scene.shop.log)
    assert attempt.ended_at <= attempt.removed_at <= attempt.remove_by
    assert not list(scene.shop.work.glob("jobs/*"))


@pytest.mark.django_db(transaction=True)
def test_the_operators_wish_at_the_portal_drains_the_agent_and_opens_it_again(scene):
    operator = make_operator(scene.site)
    agents = SiteAgent.objects.filter(site=scene.site)
    job = submit(scene, name="ok")
    set_drain(site=scene.site, on=True, actor=operator)
    with scene.shop.agent() as agent:
        eventually(lambda: agents.filter(capacity__draining=True).exists())
        job.refresh_from_db()
        assert job.state == JobState.QUEUED
        set_drain(site=scene.site, on=False, actor=operator)
        eventually(lambda: agents.filter(capacity__draining=False).exists())
        scene.wait_for(job, JobState.DONE)
        # Drained at the site itself, the portal's word does not open it.
        agent.state.note("draining", True)
        eventually(lambda: agents.filter(capacity__draining=True).exists())
    scene.site.refresh_from_db()
    assert scene.site.status == Site.Status.CONNECTED
