"""The agent signs the list of what a run has delivered; results whose signature is wrong are refused, free."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.agent.identity import Keeper
from jobs.agent.sealing import seal
from jobs.execution.charging import Hint
from jobs.ledger.services import balance
from jobs.models import AgentKey, Attempt
from jobs.siteapi import keys
from jobs.states import JobState
from models_hub.models import TunedModel
from tests.jobs.siteapi.conftest import MODELS
from tests.jobs.siteapi.test_keys import offer
from tests.jobs.siteapi.test_sync import put

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivered(scene):
    """Work of an agent that signs its manifests, with every file of the result delivered: `scene.manifest`."""
    scene.caller.session(MODELS, features=["manifest_signature", "keys"])
    (message,) = scene.caller.say(wanted=1)["work"]
    payload = json.loads(base64.b64decode(message["payload"]))
    scene.key, scene.token = payload["key"], payload["token"]
    files = {
        "model/classifier.safetensors": b"weights",
        "result.json": json.dumps({"state": "succeeded", "base_model": {"revision": "rev-1"}}).encode(),
    }
    named = [
        {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for path, content in files.items()
    ]
    scene.manifest = json.dumps(
        {
            "schema": "open-paas/manifest/1", "spec_hash": payload["spec_hash"], "base_digest": "b" * 64,
            "base_model": payload["spec"]["base_model"]["id"], "files": named,
        }
    ).encode()  # fmt: skip
    for path, content in {**files, "manifest.json": scene.manifest}.items():
        assert put(scene, path, content).json()["complete"]
    return scene


def signature(key, content):
    return base64.b64encode(key.sign(content)).decode()


def report(scene, **words):
    about = {"key": scene.key, "token": scene.token, "seq": 9, "state": "done"}
    answer = scene.caller.say(attempts=[{**about, **words}])
    assert answer["closed"] == [scene.key]
    scene.job.refresh_from_db()
    return scene.job


def own(scene, content=None, **words):
    key = keys.key_id(scene.caller.public_key)
    return {"manifest_signature": signature(scene.caller.key, content or scene.manifest), "manifest_key": key, **words}


def test_results_signed_by_their_agent_are_taken(delivered):
    job = report(delivered, **own(delivered))
    assert (job.state, TunedModel.objects.count()) == (JobState.DONE, 1)
    assert Attempt.objects.get().manifest_key == keys.key_id(delivered.caller.public_key)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (lambda scene: {}, "did not sign"),
        (lambda scene: own(scene, b"another manifest"), "is not the one the site signed"),
        (lambda scene: own(scene, manifest_key="0123456789abcdef"), "is not the one the site signed"),
        (lambda scene: own(scene, manifest_signature="nonsense"), "is not the one the site signed"),
        (
            lambda scene: own(scene, manifest_signature=signature(Ed25519PrivateKey.generate(), scene.manifest)),
            "is not the one the site signed",
        ),
    ],
)
def test_results_whose_signature_is_wrong_are_refused_in_plain_words_and_free(delivered, words, said):
    job = report(delivered, **words(delivered))
    assert (job.state, job.hint_code) == (JobState.FAILED, Hint.RESULTS_DAMAGED)
    assert said in job.sentence
    assert "start it again" in job.sentence
    assert not TunedModel.objects.exists()
    assert balance(delivered.allocation).used == balance(delivered.allocation).reserved == 0


def test_a_manifest_changed_on_its_way_is_refused(delivered):
    good = own(delivered)
    put(delivered, "manifest.json", delivered.manifest + b" ")
    assert "is not the one the site signed" in report(delivered, **good).sentence


def test_results_signed_with_a_withdrawn_key_are_refused(delivered):
    words = own(delivered)
    fresh = Ed25519PrivateKey.generate()
    assert offer(delivered.caller, fresh).status_code == 201
    AgentKey.objects.filter(public_key=delivered.caller.public_key).update(revoked_at=datetime.now(UTC))
    delivered.caller.key = fresh
    assert "withdrawn" in report(delivered, **words).sentence


def test_results_signed_before_a_rotation_are_taken(delivered):
    words = own(delivered)
    fresh = Ed25519PrivateKey.generate()
    assert offer(delivered.caller, fresh).status_code == 201
    delivered.caller.key = fresh
    assert report(delivered, **words).state == JobState.DONE


def test_of_an_agent_that_does_not_sign_nothing_is_asked(delivered):
    delivered.caller.session(MODELS)
    assert report(delivered).state == JobState.DONE


def test_the_agent_signs_the_very_bytes_it_has_sent(tmp_path):
    keeper = Keeper(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(b'{"a": 1}\n')
    sealed = seal(keeper, manifest)
    keeper.key().public_key().verify(base64.b64decode(sealed["manifest_signature"]), b'{"a": 1}\n')
    assert len(sealed["manifest_key"]) == 16
