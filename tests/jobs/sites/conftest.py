"""The scene of the protocol's tests: a site with an agent that knows every feature."""

import pytest

from tests.jobs.scene import make_scene, submit
from tests.jobs.siteapi.conftest import MODELS, enrolled, leased  # noqa: F401 (fixture)

FEATURES = ["drain", "partitions", "removal"]


@pytest.fixture
def scene(db):
    scene = make_scene()
    scene.caller = enrolled(scene.site)
    scene.caller.session(MODELS, features=FEATURES)
    scene.job = submit(scene)
    return scene
