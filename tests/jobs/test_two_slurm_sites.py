"""Two real Slurm sites, each with its agent, and real trainings through both: from the portal to the artefact.

Nothing here is played: slurmctld, slurmd, slurmdbd and MariaDB of each site, two agents as processes of their own, the
training runtime in the site's own Python. Under CI=true a missing part is a failure, never a skip.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.core.files import File

from accounts.models import AuditEvent
from catalog.models import StoredModel
from jobs.execution.services import submit_job
from jobs.ledger.services import balance
from jobs.models import LedgerEntry, SiteAgent, UsageRecord
from jobs.states import JobState
from models_hub.models import TunedModel
from models_hub.specs import JobSpec
from portal.kernel.clock import now
from tests.factories import (
    make_allocation,
    make_dataset,
    make_foundation_model,
    make_organisation,
    make_partition,
    make_site,
    make_user,
)
from tests.jobs.agent.slurm_site import TOOL, SlurmSite
from tests.jobs.agent.workshop import eventually, workshop_for
from tests.models_hub.training.conftest import SITE_PYTHON, site_python, store  # noqa: F401 (fixtures)
from tests.models_hub.training.jobs import make_job
from tests.support import require

pytestmark = [pytest.mark.slurm, pytest.mark.training, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def clusters():
    """Two Slurm sites that know nothing of each other, brought up side by side."""
    asked = subprocess.run([sys.executable, str(TOOL), "missing"], capture_output=True, text=True, check=False)
    require(not asked.stdout.strip(), f"Slurm: {asked.stdout.strip()}")
    names = [f"{letter}{uuid.uuid4().hex[:8]}" for letter in "uv"]
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(SlurmSite, names))
        yield made
        list(pool.map(lambda cluster: cluster.tool("down", cluster.name), made))


@pytest.fixture
def company():
    owner = make_user()
    return SimpleNamespace(owner=owner, organisation=make_organisation(owner=owner))


@pytest.fixture
def places(clusters, company, store, live_server, tmp_path):  # noqa: F811
    """The portal's two sites: each with an allocation of the company, an agent, and one of the two clusters."""
    found = []
    for number, cluster in enumerate(clusters):
        partition = make_partition(site=make_site(), gpus_total=4)
        shop = workshop_for(partition.site, tmp_path / f"site-{number}", live_server.url, command=[])
        shutil.rmtree(shop.store)
        shop.store = store
        shop.agent_table, shop.allow = {"backend": "slurm"}, {"max_gpus": 4}
        shop.options = {
            "conf": str(cluster.conf), "account": "paas", "poll_seconds": 0.5, "signal_seconds": 10, "threads": 1,
            "python": str(SITE_PYTHON), "memory_gb_per_gpu": 4,
        }  # fmt: skip
        shop.write()
        allocation = make_allocation(organisation=company.organisation, partition=partition)
        found.append(SimpleNamespace(shop=shop, cluster=cluster, partition=partition, allocation=allocation))
    yield found
    for place in found:
        place.shop.end()


def submit(company, place, folder, *, gpus, **kind):
    """A job of the company at that place: real data, and the model that the site's store holds."""
    spec = make_job(folder, **kind)
    spec["limits"]["gpus"] = gpus
    seal = json.loads((place.shop.store / spec["base_model"]["id"] / "store.json").read_text())
    spec["base_model"]["revision"] = seal["revision"]
    model = make_foundation_model(slug=seal["id"])
    StoredModel.objects.create(
        site=place.partition.site, model=model, revision=seal["revision"], last_reported_at=now()
    )
    dataset = make_dataset(organisation=company.organisation, kind=spec["data"]["format"])
    for part in dataset.parts.all():
        words = spec["data"][part.name]
        part.sha256, part.bytes, part.rows = words["sha256"], words["bytes"], words["rows"]
        with (folder / "data" / words["name"]).open("rb") as file:
            part.file.save(f"{dataset.pk}-{part.name}.jsonl", File(file), save=True)
    return submit_job(
        organisation=company.organisation, draft=None, allocation=place.allocation, spec=JobSpec.from_json(spec),
        estimate={}, dataset=dataset, base_model=model, partition=place.partition, answers={}, actor=company.owner,
        at=now(),
    )  # fmt: skip


def came_back_whole(job):
    """The tuned model, after each of its files has been read back and held against the manifest."""
    tuned = TunedModel.objects.get(job_id=job.pk)
    listed = {entry["path"]: entry["sha256"] for entry in tuned.manifest["files"]}
    kept = {
        file.path: hashlib.sha256(file.file.read()).hexdigest() for file in tuned.files.exclude(path="manifest.json")
    }
    assert kept == listed
    return tuned


def counted_once(place, job):
    """The portal's GPU-seconds are those of that site's own sacct, to the second, and are what is charged."""
    row = UsageRecord.objects.get(attempt__job=job)
    charge = LedgerEntry.objects.get(job=job, kind="charge")
    assert (row.method, row.cluster) == ("accounting", place.cluster.name)
    assert row.gpus == job.gpus
    assert row.gpu_seconds == -charge.gpu_seconds == place.cluster.gpu_seconds(job.attempts.get().key) > 0
    assert balance(place.allocation).reserved == 0
    assert balance(place.allocation).used == row.gpu_seconds


def test_real_trainings_go_through_two_slurm_sites_from_the_portal_to_the_artefact(company, places, tmp_path):
    first, second = places
    for place in places:
        place.shop.start()
    jobs = [
        submit(company, first, tmp_path / "topics", gpus=1, recipe="classify", method="baseline"),
        submit(company, second, tmp_path / "answers", gpus=1, recipe="chat", method="lora", epochs=6),
    ]

    def all_ended():
        for job in jobs:
            job.refresh_from_db()
        return all(job.is_final for job in jobs)

    eventually(all_ended, seconds=600, note=lambda: "\n".join(place.shop.log() for place in places))
    assert [(job.state, job.sentence) for job in jobs] == [(JobState.DONE, "")] * 2
    topics, answers = map(came_back_whole, jobs)
    assert topics.result["after"]["accuracy"] > topics.result["before"]["accuracy"]
    assert answers.result["after"]["loss"] < answers.result["before"]["loss"]
    for place, job in zip(places, jobs, strict=True):
        counted_once(place, job)
        agent = SiteAgent.objects.get(site=place.partition.site)
        assert {agent.description["backend"], job.attempts.get().agent_id} == {"slurm", agent.pk}
        assert AuditEvent.objects.filter(action="job.done", target_id=str(job.pk)).count() == 1
    keys = [job.attempts.get().key for job in jobs]
    assert [first.cluster.jobs(key) for key in keys] != [[], []] != [second.cluster.jobs(key) for key in keys]
    assert not first.cluster.jobs(keys[1]) and not second.cluster.jobs(keys[0])
    eventually(lambda: not any(list(place.shop.work.glob("jobs/*")) for place in places))
