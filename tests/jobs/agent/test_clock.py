"""A site whose clock is some minutes off works as any other."""

import time

import pytest

from jobs.states import JobState
from tests.jobs.scene import submit

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """`time` as the signing module sees it, some seconds off."""

    def __init__(self, skew):
        self.skew = skew

    def time(self):
        return time.time() + self.skew


@pytest.mark.parametrize("skew", [-240, 240])
def test_an_agent_whose_clock_is_off_brings_a_job_to_its_end(scene, monkeypatch, skew):
    monkeypatch.setattr("jobs.agent.signing.time", Clock(skew))
    job = submit(scene, name="ok")
    with scene.shop.agent():
        scene.wait_for(job, JobState.DONE)
    assert job.attempts.get().manifest_signature
