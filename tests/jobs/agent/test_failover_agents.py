"""Two real agents: one is killed in a run, the other does it anew, and the first comes back to find that it is over."""

from datetime import timedelta

import pytest

from catalog.models import StoredModel
from jobs.execution.charging import Hint
from jobs.execution.services import sweep, used_gpu_seconds
from jobs.execution.services.sweep import deadline
from jobs.ledger.services import balance
from jobs.models import AllocationPlace, Attempt, Job, JobMove, SiteAgent
from jobs.states import JobState
from models_hub.models import TunedModel
from portal.kernel.clock import now
from tests.factories import make_partition
from tests.jobs.agent.workshop import eventually, workshop_for
from tests.jobs.scene import submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(scene, live_server, tmp_path):
    """The scene with a further place, whose site has a workshop of its own."""
    scene.spare = make_partition()
    scene.other = workshop_for(scene.spare.site, tmp_path / "other", live_server.url)
    AllocationPlace.objects.create(
        allocation=scene.allocation, site=scene.spare.site, partition=scene.spare, reason="Agreed."
    )
    yield scene
    scene.other.end()


def both_sites_know_the_model(pair):
    eventually(lambda: StoredModel.objects.filter(model=pair.model, site__in=[pair.site, pair.spare.site]).count() == 2)


def swept(pair, name, *, past=None):
    """Sweeps until that has happened, as if the first site had been silent for long and its run begun `past` ago.

    Said again each time: what the killed agent had just sent may be taken in a moment later. The other site's agent
    must have spoken within the minute.
    """

    def sweep_once():
        SiteAgent.objects.filter(site=pair.site).update(last_seen_at=now() - timedelta(minutes=11))
        if past is not None:
            long_ago = now() - past
            Attempt.objects.filter(site=pair.site).update(
                last_heard_at=long_ago, started_at=long_ago, not_after=long_ago
            )
        return sweep(at=now())[name]

    eventually(sweep_once, note=pair.other.log)


def test_a_run_of_a_killed_site_is_done_by_the_other_and_the_first_is_neither_heard_nor_paid(pair):
    job = submit(pair, name="slow", may_move=True)
    pair.shop.start()
    pair.wait_for(job, JobState.RUNNING)
    pair.shop.kill()
    first = job.attempts.get()
    past = deadline(first, job) - now() + timedelta(minutes=1)
    with pair.other.agent():
        both_sites_know_the_model(pair)
        swept(pair, "anew", past=past)
        pair.wait_for(job, JobState.DONE)
        before = Job.objects.values().get()
        # What the killed agent left behind ran on to its end. It comes back with a model and a bill.
        pair.shop.start()
        eventually(lambda: not list(pair.shop.work.glob("jobs/*")), note=pair.shop.log)
    assert Job.objects.values().get() == before
    first.refresh_from_db()
    second = job.attempts.get(number=2)
    assert (first.state, first.hint_code, second.state) == (JobState.FAILED, Hint.SITE_LOST, JobState.DONE)
    assert first.usage_records.exists() and not first.artefacts.exists()
    assert TunedModel.objects.get(job_id=job.pk)
    assert JobMove.objects.get(job=job).to_site == pair.spare.site
    assert balance(pair.allocation).used == used_gpu_seconds(second) > 0
    assert balance(pair.allocation).reserved == 0
