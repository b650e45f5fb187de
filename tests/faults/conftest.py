"""A site whose agent is a process of its own, behind a line that can be cut."""

import subprocess
import sys

import pytest

from jobs.ledger.services import balance
from jobs.models import LedgerEntry, UsageRecord
from jobs.states import JobState
from models_hub.models import TunedModel
from tests.faults.forwarder import Forwarder
from tests.jobs.agent.slurm_site import TOOL
from tests.jobs.agent.workshop import eventually, workshop_for
from tests.jobs.scene import make_scene
from tests.support import require


@pytest.fixture(scope="session")
def slurm_here():
    """Skips where no Slurm can be brought up; under CI=true that is a failure."""
    asked = subprocess.run([sys.executable, str(TOOL), "missing"], capture_output=True, text=True, check=False)
    require(not asked.stdout.strip(), f"Slurm: {asked.stdout.strip()}")


@pytest.fixture
def scene(live_server, tmp_path):
    scene = make_scene()
    scene.line = Forwarder(live_server.url)
    scene.shop = workshop_for(scene.site, tmp_path / "site", scene.line.url)

    def wait_for(job, *states, seconds=120):
        def there():
            job.refresh_from_db()
            return job.state in states

        eventually(there, seconds=seconds, note=lambda: f"job is {job.state} {job.sentence}\n{scene.shop.log()}")

    def some_steps(job, least=3):
        """Waits until the training is under way, with a checkpoint behind it."""
        eventually(lambda: job.attempts.exists() and _steps(job) >= least, note=scene.shop.log)

    def ended_well(job):
        """One result, one charge, every GPU-second metered once and none unpaid."""
        scene.wait_for(job, JobState.DONE, JobState.FAILED)
        assert (job.state, job.sentence) == (JobState.DONE, ""), scene.shop.log()
        assert TunedModel.objects.filter(job_id=job.pk).count() == 1
        charge = LedgerEntry.objects.get(job=job, kind="charge")
        metered = sum(row.gpu_seconds for row in UsageRecord.objects.filter(attempt__job=job))
        assert -charge.gpu_seconds == metered
        assert balance(scene.allocation).reserved == 0
        assert job.attempts.count() == 1
        steps = [data["step"] for data in _metrics(job)]
        assert sorted(set(steps)) == list(range(1, max(steps) + 1))

    scene.wait_for, scene.some_steps, scene.ended_well = wait_for, some_steps, ended_well
    yield scene
    scene.line.mend()
    scene.shop.end()
    scene.line.close()


def _metrics(job):
    return job.attempts.get().events.filter(type="metrics").values_list("data", flat=True)


def _steps(job):
    return job.attempts.get().events.filter(type="metrics").count()
