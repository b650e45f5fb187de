"""A scene with an enrolled agent in an open session."""

import base64
import json
from datetime import UTC, datetime

import pytest

from jobs.siteapi.services import create_enrolment_code
from tests.jobs.scene import make_scene, submit
from tests.jobs.siteapi.caller import Caller

MODELS = [{"id": "tiny-encoder", "revision": "rev-1"}]


def enrolled(site):
    caller = Caller()
    code = create_enrolment_code(site=site, actor=None, at=datetime.now(UTC))
    assert caller.enrol(code).status_code == 201
    assert caller.session(MODELS).status_code == 200
    return caller


@pytest.fixture
def scene(db):
    scene = make_scene()
    scene.caller = enrolled(scene.site)
    scene.job = submit(scene)
    return scene


@pytest.fixture
def leased(scene):
    """The scene with its job leased: `scene.key`, `scene.token` and the raw message."""
    (scene.message,) = scene.caller.say(wanted=1)["work"]
    scene.payload = json.loads(base64.b64decode(scene.message["payload"]))
    scene.key, scene.token = scene.payload["key"], scene.payload["token"]
    scene.about = {"key": scene.key, "token": scene.token}
    return scene
