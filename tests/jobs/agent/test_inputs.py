"""The agent fetches inputs at signed addresses, and asks for fresh ones when they have expired on the way."""

from datetime import timedelta

import pytest

from jobs.siteapi.services import inputs
from jobs.states import JobState
from tests.jobs.scene import submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_address_that_expired_while_the_site_was_away_is_replaced(scene, monkeypatch):
    asked = []

    def expired(attempt, *, at):
        return inputs.input_addresses(attempt, at=at - timedelta(hours=1))

    def fresh(*, agent, wanted, at):
        asked.extend(wanted)
        return inputs.fresh_inputs(agent=agent, wanted=wanted, at=at)

    monkeypatch.setattr("jobs.siteapi.services.work.input_addresses", expired)
    monkeypatch.setattr("jobs.siteapi.services.fresh_inputs", fresh)
    job = submit(scene, name="ok")
    with scene.shop.agent():
        scene.wait_for(job, JobState.DONE)
    assert set(asked) == {job.attempts.get().key}


def test_an_agent_uses_plain_addresses_at_a_portal_that_signs_none(scene, monkeypatch):
    monkeypatch.setattr("jobs.siteapi.features.FEATURES", frozenset({"keys"}))
    job = submit(scene, name="ok")
    with scene.shop.agent():
        scene.wait_for(job, JobState.DONE)
