"""Real training through portal and agent: the store's demonstration models, the real runtime, real kills."""

import json
import os
import shutil
import signal
from types import SimpleNamespace

import pytest
from django.core.files import File

from catalog.models import StoredModel
from jobs.execution.services import submit_job
from jobs.ledger.services import balance
from jobs.models import LedgerEntry, UsageRecord
from jobs.states import JobState
from models_hub.models import TunedModel
from models_hub.specs import JobSpec
from portal.kernel.clock import now
from tests.factories import make_dataset, make_foundation_model
from tests.jobs.agent.workshop import eventually, workshop_for
from tests.jobs.scene import make_scene
from tests.models_hub.training.conftest import SITE_PYTHON, site_python, store  # noqa: F401 (fixtures)
from tests.models_hub.training.jobs import make_job

pytestmark = [pytest.mark.training, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def start(store, live_server, tmp_path):  # noqa: F811
    """Starts one real job at a real site; `start(recipe=…, method=…)`."""
    shops = []

    def go(options=None, **kind):
        scene = make_scene(slug="spare")
        spec = make_job(tmp_path / "spec", **kind)
        seal = json.loads((store / spec["base_model"]["id"] / "store.json").read_text())
        spec["base_model"]["revision"] = seal["revision"]
        model = make_foundation_model(slug=seal["id"])
        StoredModel.objects.create(site=scene.site, model=model, revision=seal["revision"], last_reported_at=now())
        dataset = make_dataset(organisation=scene.organisation, kind=spec["data"]["format"])
        for part in dataset.parts.all():
            words = spec["data"][part.name]
            part.sha256, part.bytes, part.rows = words["sha256"], words["bytes"], words["rows"]
            with (tmp_path / "spec" / "data" / words["name"]).open("rb") as file:
                part.file.save(f"{dataset.pk}-{part.name}.jsonl", File(file), save=True)
        shop = workshop_for(scene.site, tmp_path / "site", live_server.url, command=[])
        shutil.rmtree(shop.store)
        shop.store = store
        shop.agent_table = {"backend": "slurm"} if options else {}
        shop.options = {"python": str(SITE_PYTHON), "threads": 1, **(options or {})}
        shop.write()
        shops.append(shop)
        shop.start()
        job = submit_job(
            organisation=scene.organisation, draft=None, allocation=scene.allocation, spec=JobSpec.from_json(spec),
            estimate={}, dataset=dataset, base_model=model, partition=scene.partition, answers={}, actor=scene.owner,
            at=now(),
        )  # fmt: skip
        return SimpleNamespace(job=job, shop=shop, scene=scene)

    yield go
    for shop in shops:
        shop.end()


def ended_well(run):
    def ended():
        run.job.refresh_from_db()
        return run.job.is_final

    eventually(ended, seconds=600, note=run.shop.log)
    assert (run.job.state, run.job.sentence) == (JobState.DONE, "")
    tuned = TunedModel.objects.get(job_id=run.job.pk)
    charge = LedgerEntry.objects.get(job=run.job, kind="charge")
    assert -charge.gpu_seconds == sum(row.gpu_seconds for row in UsageRecord.objects.all())
    assert balance(run.scene.allocation).reserved == 0
    return tuned


def test_a_classification_comes_back_measured(start):
    tuned = ended_well(start(recipe="classify", method="baseline"))
    assert tuned.result["after"]["accuracy"] > tuned.result["before"]["accuracy"]
    assert tuned.files.filter(path="README.md").exists()
    stored = StoredModel.objects.get(model=tuned.base_model)
    assert stored.tokenizer_json


def test_a_killed_chat_training_goes_on_and_comes_back_better(start):
    run = start(recipe="chat", method="lora", epochs=12)
    eventually(
        lambda: run.job.attempts.exists() and run.job.attempts.get().events.filter(type="checkpoint").exists(),
        seconds=300, note=run.shop.log,
    )  # fmt: skip
    for pid in run.shop.trainings():
        os.kill(pid, signal.SIGKILL)
    run.shop.kill()
    run.shop.start()
    tuned = ended_well(run)
    assert tuned.result["after"]["loss"] < tuned.result["before"]["loss"]
    assert run.job.attempts.get().events.filter(type="metrics", data__has_key="loss").exists()


@pytest.mark.slurm
def test_a_training_through_slurm_comes_back_measured(start, slurm_site, slurm_options):
    run = start(recipe="classify", method="baseline", options=slurm_options)
    tuned = ended_well(run)
    assert tuned.result["after"]["accuracy"] > tuned.result["before"]["accuracy"]
    row = UsageRecord.objects.get()
    assert (row.method, row.cluster) == ("accounting", slurm_site.name)
    assert row.gpu_seconds == slurm_site.gpu_seconds(slurm_options["prefix"] + run.job.attempts.get().key)
