"""From a submit at the portal through agent and Slurm to the artefact, and the bill equal to sacct's."""

import os
import signal
import time

import pytest

from jobs.execution.services import cancel_job
from jobs.ledger.services import balance
from jobs.models import LedgerEntry, Reconciliation, SiteAgent, UsageDiscrepancy, UsageRecord
from jobs.states import JobState
from models_hub.models import TunedModel
from portal.kernel.clock import now
from tests.jobs.agent.workshop import eventually
from tests.jobs.scene import submit

pytestmark = [pytest.mark.slurm, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(scene, slurm_site, slurm_options):
    """The scene's agent works through Slurm. What is left in the queue afterwards is ended."""
    scene.shop.agent_table, scene.shop.options = {"backend": "slurm"}, slurm_options
    scene.shop.write()
    scene.name = lambda job: slurm_options["prefix"] + job.attempts.get().key
    yield scene
    slurm_site.ask("scancel", "--user=root", fails=True)


def ended_well(scene, slurm_site, job):
    scene.wait_for(job, JobState.DONE, JobState.FAILED)
    assert (job.state, job.sentence) == (JobState.DONE, ""), scene.shop.log()
    assert TunedModel.objects.get(job_id=job.pk).files.filter(path="model/classifier.safetensors").exists()
    rows = UsageRecord.objects.filter(attempt__job=job)
    assert {row.method for row in rows} == {"accounting"}
    charge = LedgerEntry.objects.get(job=job, kind="charge")
    assert -charge.gpu_seconds == sum(row.gpu_seconds for row in rows) == slurm_site.gpu_seconds(scene.name(job))
    assert balance(scene.allocation).reserved == 0
    return rows


def test_a_job_goes_through_slurm_and_its_model_comes_back(scene, slurm_site):
    scene.shop.options["budgets"] = True
    scene.shop.write()
    job = submit(scene, name="slow")
    with scene.shop.agent():
        rows = ended_well(scene, slurm_site, job)
        agent = SiteAgent.objects.get()
        assert agent.description["backend"] == "slurm"
        assert {one["name"] for one in agent.description["partitions"]} == {"gpu", "short"}
        eventually(lambda: not list(scene.shop.work.glob("jobs/*")))
    assert rows.get().gpu_seconds >= 6
    # Three witnesses of the same seconds: accounting, the receipt from the node, and what was heard meanwhile.
    assert abs(rows.get().receipt_gpu_seconds - rows.get().gpu_seconds) <= 5
    assert 0 < job.attempts.get().provisional_gpu_seconds <= rows.get().gpu_seconds + 1
    assert not UsageDiscrepancy.objects.exists()
    with scene.shop.agent():
        eventually(lambda: Reconciliation.objects.filter(equal=True, agent_rows=1, portal_rows=1).exists())
    account = f"op-{scene.allocation.reference.lower()}"
    assert slurm_site.ask("sacct", "-nXP", "--name", scene.name(job), "-o", "Account").strip() == account
    limits = slurm_site.ask("sacctmgr", "-nP", "show", "assoc", "where", f"account={account}", "format=grptresmins")
    assert int(limits.split()[0].removeprefix("gres/gpu=")) in range(600, 610)  # ten hours, and what Slurm adds
    assert {one.name for one in scene.site.partition_reports.all()} == {"gpu", "short"}


def test_the_agent_is_killed_in_mid_run_and_slurm_goes_on(scene, slurm_site):
    job = submit(scene, name="slow")
    scene.shop.start()
    eventually(lambda: job.attempts.exists() and job.attempts.get().events.filter(type="metrics").exists())
    scene.shop.kill()
    eventually(lambda: scene.shop.receipts("end"))
    scene.shop.start()
    assert ended_well(scene, slurm_site, job).count() == 1


def test_an_agent_that_ends_leaves_its_jobs_to_slurm_and_is_gone_at_once(scene, slurm_site):
    job = submit(scene, name="slow")
    scene.shop.start()
    eventually(lambda: job.attempts.exists() and job.attempts.get().events.filter(type="metrics").exists())
    began = time.monotonic()
    scene.shop.process.terminate()
    assert scene.shop.process.wait(timeout=30) == 0
    assert time.monotonic() - began < 10
    assert slurm_site.jobs(scene.name(job), "RUNNING")
    scene.shop.start()
    assert ended_well(scene, slurm_site, job).count() == 1


def test_a_training_killed_on_its_node_goes_on_in_a_second_slurm_job(scene, slurm_site):
    job = submit(scene, name="slow")
    with scene.shop.agent():
        eventually(lambda: job.attempts.exists() and job.attempts.get().events.filter(type="metrics").count() > 3)
        os.kill(scene.shop.trainings()[0], signal.SIGKILL)
        rows = ended_well(scene, slurm_site, job)
    assert len({row.native_id for row in rows}) == 2


def test_what_slurm_refuses_reaches_its_owner_in_words(scene):
    scene.shop.options["account"] = "nobodys"
    scene.shop.write()
    job = submit(scene, name="ok")
    with scene.shop.agent():
        scene.wait_for(job, JobState.FAILED)
    assert job.hint_code == "refused_by_site"
    assert job.sentence == "The site does not know the account that pays for this job."
    result = job.attempts.get().result
    assert (result["reason"], result["next_step"][-1]) == ("account_unknown", ".")
    assert balance(scene.allocation).used == balance(scene.allocation).reserved == 0


def test_a_job_that_an_operator_ends_costs_nothing(scene, slurm_site):
    job = submit(scene, name="endless")
    with scene.shop.agent():
        scene.wait_for(job, JobState.RUNNING)
        slurm_site.ask("scancel", *slurm_site.jobs(scene.name(job)))
        scene.wait_for(job, JobState.FAILED)
    assert (job.hint_code, job.sentence) == ("interrupted", "The site's operator ended the run.")
    assert balance(scene.allocation).used == 0


def test_a_job_cancelled_in_the_sites_queue_never_runs(scene, slurm_site):
    job = submit(scene, name="ok")
    slurm_site.ask("scontrol", "update", "partitionname=gpu", "state=DOWN")
    with scene.shop.agent():
        try:
            scene.wait_for(job, JobState.SUBMITTED)
            eventually(lambda: slurm_site.jobs(scene.name(job), "PENDING"))
            cancel_job(job=job, actor=scene.owner, at=now())
            scene.wait_for(job, JobState.CANCELLED)
        finally:
            slurm_site.ask("scontrol", "update", "partitionname=gpu", "state=UP")
    assert not slurm_site.jobs(scene.name(job), "PENDING", "RUNNING")
    assert balance(scene.allocation).used == 0


def test_an_agent_started_while_the_controller_is_away_takes_work_when_it_is_back(scene, slurm_site):
    slurm_site.stop("slurmctld")
    job = submit(scene, name="ok")
    with scene.shop.agent():
        eventually(lambda: SiteAgent.objects.filter(capacity__trouble__code="controller_down").exists())
        slurm_site.start("slurmctld")
        scene.wait_for(job, JobState.DONE)


def test_the_doctor_finds_a_site_in_order_and_names_what_is_not(scene):
    well = scene.shop.command_line("doctor").stdout
    assert "ok    a job with one GPU would be taken" in well
    assert "ok    GPUs are accounted" in well
    scene.shop.options["partition"] = "nowhere"
    scene.shop.write()
    ill = scene.shop.command_line("doctor").stdout
    assert "WRONG The site has no such partition." in ill or "WRONG partition nowhere" in ill
