"""An agent at a real portal: work comes, runs, and comes back, whatever it says on the way."""

import shutil
import time

import pytest

from catalog.models import StoredModel
from jobs.execution.charging import Hint
from jobs.execution.selectors import log_since
from jobs.execution.services import cancel_job
from jobs.ledger.services import balance
from jobs.models import Reconciliation, SiteAgent, UsageRecord
from jobs.states import JobState
from models_hub.models import Dataset, TunedModel
from models_hub.specs import Failure
from portal.kernel.clock import now
from tests.jobs.agent.workshop import eventually, remembers
from tests.jobs.scene import submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_goes_to_the_site_and_its_model_comes_back(scene):
    job = submit(scene, name="ok")
    with scene.shop.agent():
        scene.wait_for(job, JobState.DONE, JobState.FAILED)
        assert (job.state, job.sentence) == (JobState.DONE, "")
        eventually(lambda: not list(scene.shop.work.glob("jobs/*")))
    attempt = job.attempts.get()
    tuned = TunedModel.objects.get(job_id=job.pk)
    assert tuned.files.get(path="model/classifier.safetensors").bytes == 3_000_001
    assert [event.seq for event in attempt.events.all()] == [1, 2, 3, 4, 5, 6]
    assert log_since(attempt, 0)[0] == "step 1 of 3\nstep 2 of 3\nstep 3 of 3\n"
    row = UsageRecord.objects.get()
    assert (row.method, row.gpus) == ("accounting", 1)
    assert row.receipt_gpu_seconds is not None and abs(row.receipt_gpu_seconds - row.gpu_seconds) <= 2
    with scene.shop.agent():
        eventually(lambda: Reconciliation.objects.filter(equal=True, agent_rows=1, portal_rows=1).exists())
    assert balance(scene.allocation).used == row.gpu_seconds
    assert balance(scene.allocation).reserved == 0


def test_of_a_job_whose_data_are_gone_nothing_stays_in_the_agents_memory(scene):
    """An agent runs for months."""
    job = submit(scene, name="ok")
    with scene.shop.agent() as agent:
        key = eventually(lambda: next((one.key for one in agent.state.attempts()), None))
        eventually(lambda: remembers(agent.driver, key))
        scene.wait_for(job, JobState.DONE)
        eventually(lambda: not list(scene.shop.work.glob("jobs/*")))
        eventually(lambda: not remembers(agent.driver, key), seconds=20)
        assert agent.state.noted(f"held:{key}") is None


def test_two_jobs_share_the_one_slot_of_the_site(scene):
    jobs = [submit(scene, name=f"ok {number}", max_seconds=60) for number in range(2)]
    with scene.shop.agent():
        for job in jobs:
            scene.wait_for(job, JobState.DONE)
    first, second = UsageRecord.objects.order_by("started_at")
    assert first.ended_at <= second.started_at


@pytest.mark.parametrize("code", [Failure.BAD_DATA_ROW, Failure.OUT_OF_MEMORY])
def test_a_failure_keeps_its_name_on_the_way(scene, code):
    job = submit(scene, name=f"fail:{code}")
    with scene.shop.agent():
        scene.wait_for(job, JobState.FAILED)
    assert (job.hint_code, job.sentence) == (code, f"It failed: {code}.")


def test_a_program_that_breaks_down_is_an_unforeseen_error_and_free(scene):
    job = submit(scene, name="crash")
    with scene.shop.agent():
        scene.wait_for(job, JobState.FAILED)
    assert (job.hint_code, job.attempts.get().exit_code) == (Failure.INTERNAL, 3)
    assert balance(scene.allocation).used == 0


def test_bytes_that_are_no_text_keep_their_length_in_the_log(scene):
    job = submit(scene, name="noisy")
    with scene.shop.agent():
        scene.wait_for(job, JobState.DONE)
        eventually(lambda: "step 3" in log_since(job.attempts.get(), 0)[0])
    assert log_since(job.attempts.get(), 0)[0].startswith("caf? € ? end\n")


def test_stopping_keeps_what_was_trained(scene):
    job = submit(scene, name="endless")
    with scene.shop.agent():
        scene.wait_for(job, JobState.RUNNING)
        eventually(lambda: job.attempts.get().events.filter(type="metrics").exists())
        cancel_job(job=job, actor=scene.owner, at=now())
        scene.wait_for(job, JobState.CANCELLED)
    assert TunedModel.objects.get(job_id=job.pk).stopped_early
    assert balance(scene.allocation).used == UsageRecord.objects.get().gpu_seconds


def test_a_training_that_will_not_stop_is_ended(scene, monkeypatch):
    monkeypatch.setattr("jobs.agent.driver.GRACE", 1.0)
    job = submit(scene, name="stubborn")
    with scene.shop.agent():
        scene.wait_for(job, JobState.RUNNING)
        cancel_job(job=job, actor=scene.owner, at=now())
        scene.wait_for(job, JobState.CANCELLED)
    assert not scene.shop.trainings()
    assert job.attempts.get().signal == 9


def test_a_run_that_takes_too_much_memory_is_ended(scene):
    job = submit(scene, name="memory", memory_gb=0.2)
    with scene.shop.agent():
        scene.wait_for(job, JobState.FAILED)
    assert job.hint_code == Failure.OUT_OF_MEMORY
    assert balance(scene.allocation).used == 0


def test_a_run_beyond_its_time_is_ended(scene, monkeypatch):
    scene.shop.options["environment"] = {}
    monkeypatch.setattr("jobs.agent.backends.wrapper.OVERTIME", 0.0)
    job = submit(scene, name="endless", max_seconds=1)
    # The wrapper is a process of its own and keeps its overtime; what is shortened is the order.
    monkeypatch.setattr(
        "jobs.agent.backends.local.LocalBackend._order",
        _with(seconds_left=-58.0),
    )
    with scene.shop.agent():
        scene.wait_for(job, JobState.FAILED)
    assert job.hint_code == Failure.TIME_LIMIT


def _with(**changes):
    from jobs.agent.backends.local import LocalBackend

    original = LocalBackend._order

    def changed(self, order, job):
        return {**original(self, order, job), **changes}

    return changed


@pytest.mark.parametrize(
    "allow", [{"recipes": ["chat"]}, {"max_gpus": 0}, {"max_minutes": 1}, {"tenants": ["somebody else"]}]
)
def test_what_the_sites_own_list_does_not_allow_is_refused(scene, allow):
    job = submit(scene, name="ok")
    # The portal is told more than the site allows, as a portal in wrong hands would be.
    scene.shop.allow = allow
    scene.shop.write()
    with scene.shop.agent() as agent:
        eventually(lambda: SiteAgent.objects.filter(epoch__gt=0).exists())
        if allow != {"tenants": ["somebody else"]}:
            SiteAgent.objects.update(description={})
        if allow == {"max_gpus": 0}:
            agent.backend.gpus = 1
        scene.wait_for(job, JobState.FAILED)
    assert job.hint_code == Hint.REFUSED_BY_SITE
    assert balance(scene.allocation).used == balance(scene.allocation).reserved == 0


def test_data_bound_to_another_country_is_refused_by_the_site_itself(scene):
    """The portal believes that the site stands where its catalogue says; the site knows better."""
    Dataset.objects.update(residency=[scene.site.country])
    scene.shop.agent_table = {"country": "US"}
    scene.shop.write()
    with scene.shop.agent():
        eventually(lambda: SiteAgent.objects.filter(epoch__gt=0).exists())
        SiteAgent.objects.update(description={})
        job = submit(scene, name="ok")
        scene.wait_for(job, JobState.FAILED)
    assert (job.hint_code, job.attempts.get().result["reason"]) == (Hint.REFUSED_BY_SITE, "data_not_allowed")
    assert not list(scene.shop.work.glob("jobs/*/**/train.jsonl"))


def test_a_draining_agent_takes_no_new_work(scene):
    with scene.shop.agent() as agent:
        agent.state.note("draining", True)
        eventually(lambda: SiteAgent.objects.filter(capacity__draining=True).exists(), seconds=60)
        job = submit(scene, name="ok")
        time.sleep(2)
        job.refresh_from_db()
        assert job.state == JobState.QUEUED
        assert scene.shop.command_line("drain", "--off").returncode == 0
        scene.wait_for(job, JobState.DONE)


def test_models_that_come_and_go_are_reported(scene):
    StoredModel.objects.all().delete()
    with scene.shop.agent():
        eventually(lambda: StoredModel.objects.filter(model=scene.model, revision="rev-1").exists())
        assert StoredModel.objects.get().site == scene.site
        shutil.rmtree(scene.shop.store / scene.model.slug)
        eventually(lambda: not StoredModel.objects.exists())
    assert not StoredModel.objects.exists()


def test_a_job_deleted_at_the_portal_is_ended_and_removed_at_the_site(scene):
    job = submit(scene, name="endless")
    with scene.shop.agent():
        scene.wait_for(job, JobState.RUNNING)
        job.attempts.update(lease_token="another lease has begun")
        eventually(lambda: not scene.shop.trainings() and not list(scene.shop.work.glob("jobs/*")))
    assert scene.shop.trainings() == list(scene.shop.work.glob("jobs/*")) == []


def test_a_second_copy_of_the_agent_fences_the_first(scene, tmp_path):
    """Two agents by mistake do no harm: the older one ends, and the work is done once."""
    import shutil

    with scene.shop.agent() as first:
        eventually(lambda: first.state.noted("portal"))
        twin_work = tmp_path / "twin"
        twin_work.mkdir()
        for name in ("agent-key.pem", "identity.json"):
            shutil.copy(scene.shop.work / name, twin_work / name)
        scene.shop.work, kept = twin_work, scene.shop.work
        scene.shop.write()
        with scene.shop.agent():
            eventually(first.stop.is_set)
            scene.wait_for(submit(scene, name="ok"), JobState.DONE)
        scene.shop.work = kept
    assert first.exit_code == 3


def test_an_agent_at_a_portal_that_was_set_up_anew_enrols_with_its_new_code(scene, live_server):
    from jobs.siteapi.services import create_enrolment_code

    with scene.shop.agent():
        eventually(lambda: SiteAgent.objects.filter(epoch__gt=0).exists())
    before = SiteAgent.objects.get().pk
    SiteAgent.objects.all().delete()
    scene.shop.code = create_enrolment_code(site=scene.site, actor=None, at=now())
    scene.shop.write()
    with scene.shop.agent():
        eventually(lambda: SiteAgent.objects.filter(epoch__gt=0).exists())
    assert SiteAgent.objects.get().pk != before
