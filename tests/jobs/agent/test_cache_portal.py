"""A model that the site can fetch is offered by the portal, fetched for the first job, and named when it is missing."""

import pytest

from catalog.models import StoredModel
from jobs.ledger.services import balance
from jobs.models import LedgerEntry
from jobs.states import JobState
from tests.factories import make_foundation_model
from tests.jobs.agent.test_cache import make_model
from tests.jobs.agent.workshop import eventually
from tests.jobs.scene import submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene(scene, tmp_path):
    """The site's store is empty; its source has the model of the scene."""
    scene.source = tmp_path / "source"
    make_model(scene.source, "tiny", "rev-1")
    scene.model = make_foundation_model(slug="tiny", task="embedding")
    with scene.shop.file.open("a") as file:
        file.write(f'\n[cache]\nsource = "{scene.source}"\nlimit_gb = 1\n')
    return scene


def test_a_model_is_offered_before_it_is_here_and_fetched_for_its_first_job(scene):
    with scene.shop.agent():
        eventually(lambda: StoredModel.objects.filter(model=scene.model, revision="rev-1").exists())
        assert not (scene.shop.store / "tiny").exists()
        job = submit(scene, name="ok")
        scene.wait_for(job, JobState.DONE, JobState.FAILED)
    assert (job.state, job.sentence) == (JobState.DONE, "")
    assert (scene.shop.store / "tiny" / "store.json").is_file()
    assert LedgerEntry.objects.filter(job=job, kind="charge").count() == 1


def test_a_model_the_source_no_longer_offers_fails_with_its_reason_and_is_free(scene):
    with scene.shop.agent():
        eventually(lambda: StoredModel.objects.filter(model=scene.model).exists())
        (scene.source / "tiny" / "model.safetensors").write_bytes(b"damaged")
        job = submit(scene, name="ok")
        scene.wait_for(job, JobState.FAILED)
    assert job.hint_code == "model_missing"
    assert job.sentence == "The base model tiny that the site's source offers is damaged."
    assert job.attempts.get().result["next_step"].startswith("Choose another site or model")
    assert balance(scene.allocation).used == balance(scene.allocation).reserved == 0
