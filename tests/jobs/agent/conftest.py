"""A company, a site, and the site's workshop at a real portal."""

import pytest

from tests.jobs.agent.ray_site import ray_options, ray_site  # noqa: F401 (fixtures)
from tests.jobs.agent.slurm_site import (  # noqa: F401 (fixtures)
    pair_options,
    rest_options,
    slurm_options,
    slurm_pair,
    slurm_site,
    slurm_trixie,
    trixie_options,
    trixie_rest_options,
)
from tests.jobs.agent.workshop import eventually, workshop_for
from tests.jobs.scene import make_scene


@pytest.fixture
def scene(live_server, tmp_path):
    scene = make_scene()
    scene.shop = workshop_for(scene.site, tmp_path / "site", live_server.url)

    def wait_for(job, *states, seconds=120):
        def there():
            job.refresh_from_db()
            return job.state in states

        eventually(there, seconds=seconds, note=lambda: f"job is {job.state} {job.sentence}\n{scene.shop.log()}")
        return job

    scene.wait_for = wait_for
    yield scene
    scene.shop.end()
