"""From a submit at the portal through agent and Ray to the artefact, and the bill equal to Ray's own times."""

import os
import signal

import pytest

from jobs.ledger.services import balance
from jobs.models import LedgerEntry, SiteAgent, UsageRecord
from jobs.states import JobState
from models_hub.models import TunedModel
from tests.jobs.agent.ray_site import GPUS
from tests.jobs.agent.workshop import eventually
from tests.jobs.scene import submit

pytestmark = [pytest.mark.ray, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(scene, ray_options):
    """The scene's agent works through Ray."""
    scene.shop.agent_table, scene.shop.options = {"backend": "ray"}, ray_options
    scene.shop.write()
    return scene


def ended_well(scene, ray_site, job, *, methods=("accounting",)):
    scene.wait_for(job, JobState.DONE, JobState.FAILED)
    assert (job.state, job.sentence) == (JobState.DONE, ""), scene.shop.log()
    assert TunedModel.objects.get(job_id=job.pk).files.filter(path="model/classifier.safetensors").exists()
    rows = UsageRecord.objects.filter(attempt__job=job).order_by("started_at")
    assert tuple(row.method for row in rows) == methods
    charge = LedgerEntry.objects.get(job=job, kind="charge")
    assert -charge.gpu_seconds == sum(row.gpu_seconds for row in rows)
    by_ray = sum(gpus * milliseconds // 1000 for gpus, milliseconds in ray_site.held_ms(scene.shop.options["prefix"]))
    assert sum(row.gpu_seconds for row in rows if row.method == "accounting") == by_ray
    assert balance(scene.allocation).reserved == 0
    return rows


def in_mid_run(job):
    eventually(lambda: job.attempts.exists() and job.attempts.get().events.filter(type="metrics").count() > 3)


def test_a_job_goes_through_ray_and_its_model_comes_back(scene, ray_site):
    job = submit(scene, name="slow")
    with scene.shop.agent():
        (row,) = ended_well(scene, ray_site, job)
        about = SiteAgent.objects.get().description
        assert (about["backend"], about["limits"]["gpus"]) == ("ray", 1)
        assert SiteAgent.objects.get().capacity["gpus_total"] == GPUS
        eventually(lambda: not list(scene.shop.work.glob("jobs/*")))
    assert row.gpu_seconds >= 6


def test_the_agent_is_killed_in_mid_run_and_ray_goes_on(scene, ray_site):
    job = submit(scene, name="slow")
    scene.shop.start()
    in_mid_run(job)
    scene.shop.kill()
    eventually(lambda: scene.shop.receipts("end"))
    scene.shop.start()
    ended_well(scene, ray_site, job)


def test_a_training_killed_on_its_node_goes_on_in_a_second_ray_job(scene, ray_site):
    job = submit(scene, name="slow")
    with scene.shop.agent():
        in_mid_run(job)
        os.kill(scene.shop.trainings()[0], signal.SIGKILL)
        ended_well(scene, ray_site, job, methods=("accounting", "accounting"))


def test_a_head_lost_in_mid_run_costs_no_more_than_was_held(scene, ray_site):
    """The job goes on at the next head; of the first start only the wrapper's receipt is left, and it says so."""
    job = submit(scene, name="slow")
    with scene.shop.agent():
        in_mid_run(job)
        ray_site.kill()
        eventually(lambda: SiteAgent.objects.filter(capacity__trouble__code="ray_away").exists())
        ray_site.up()
        first, second = ended_well(scene, ray_site, job, methods=("receipt", "accounting"))
    assert first.ended_at <= second.started_at
