"""Who gets a job, and what becomes of it when its site falls silent, says nothing, or comes back."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.execution.charging import Hint
from jobs.execution.rules import LEASE, MAX_LEASES, SILENCE
from jobs.execution.services import (
    cancel_job,
    heartbeat,
    lease_jobs,
    sweep,
)
from jobs.execution.services.sweep import deadline
from jobs.ledger.services import balance
from jobs.states import AllocationState, JobState
from tests.jobs.execution.telling import AT, lease, make_told, say, state_of, use
from tests.jobs.scene import make_agent, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return make_told()


def test_only_the_sites_own_work_is_leased_and_each_job_once(scene):
    other = make_agent(make_scene(slug="elsewhere").site)
    assert lease_jobs(agent=other, wanted=5, at=AT) == []
    attempt = lease(scene)
    assert attempt.key == f"ft-{scene.job.pk.hex[:12]}-1"
    assert lease_jobs(agent=scene.agent, wanted=5, at=AT) == []
    assert state_of(scene) == JobState.LEASED


def test_a_paused_allocation_keeps_its_jobs_waiting(scene):
    scene.allocation.move_to(AllocationState.PAUSED)
    assert lease_jobs(agent=scene.agent, wanted=1, at=AT) == []


def test_an_agent_gets_only_what_it_says_it_can_run(scene):
    scene.agent.description = {"recipes": ["chat"]}
    assert lease_jobs(agent=scene.agent, wanted=1, at=AT) == []


@pytest.mark.parametrize("state", ["leased", "staging"])
def test_a_lease_that_expires_before_the_site_commits_goes_back_to_the_queue(scene, state):
    attempt = lease(scene)
    say(attempt, 1, state)
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    assert state_of(scene) == JobState.QUEUED
    second = lease(scene)
    assert (second.number, second.lease_token != attempt.lease_token) == (2, True)


@pytest.mark.parametrize("state", ["submitted", "running", "collecting"])
def test_work_the_site_committed_to_is_never_sent_elsewhere(scene, state):
    say(lease(scene), 1, state)
    late = datetime.now(UTC) + SILENCE + timedelta(minutes=1)
    sweep(at=late)
    assert state_of(scene) == JobState.UNKNOWN
    assert lease_jobs(agent=scene.agent, wanted=1, at=late) == []


def test_a_site_that_comes_back_takes_up_where_it_was(scene):
    attempt = lease(scene)
    say(attempt, 3, "running")
    late = datetime.now(UTC) + timedelta(hours=1)
    sweep(at=late)
    heartbeat(attempts=[attempt], at=late)
    assert state_of(scene) == JobState.RUNNING


def test_a_site_that_never_comes_back_costs_nothing_and_ends_at_a_known_time(scene):
    attempt = lease(scene)
    attempt = say(attempt, 3, "running", started_at=datetime.now(UTC))
    use(attempt)
    sweep(at=datetime.now(UTC) + timedelta(hours=1))
    end = deadline(attempt, scene.job)
    sweep(at=end - timedelta(seconds=1))
    assert state_of(scene) == JobState.UNKNOWN
    sweep(at=end + timedelta(seconds=1))
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.SITE_LOST)
    assert balance(scene.allocation).used == balance(scene.allocation).reserved == 0


def test_a_site_that_takes_and_never_starts_a_job_is_not_asked_for_ever(scene):
    at = datetime.now(UTC)
    for _ in range(MAX_LEASES):
        lease(scene, at)
        at += LEASE + timedelta(seconds=1)
        sweep(at=at)
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.NEVER_STARTED)


def test_a_closed_attempt_can_say_nothing_any_more(scene):
    attempt = lease(scene)
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    lease(scene)
    say(attempt, 9, "done")
    assert state_of(scene) == JobState.LEASED


def test_work_nobody_takes_is_given_back_after_a_week(scene):
    sweep(at=datetime.now(UTC) + timedelta(days=8))
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.NEVER_STARTED)
    assert balance(scene.allocation).reserved == 0


def test_stopping_leased_work_takes_effect_when_its_lease_expires(scene):
    lease(scene)
    cancel_job(job=scene.job, actor=scene.owner, at=AT)
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    assert state_of(scene) == JobState.CANCELLED
