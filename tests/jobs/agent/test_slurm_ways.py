"""The contract of every back-end over every way into Slurm: slurmrestd of 22.05; commands and slurmrestd of 24.11."""

import pytest

from jobs.agent.backends import backend_for
from tests.jobs.agent import test_backends as contract
from tests.jobs.agent.test_backends import KEY
from tests.jobs.agent.workshop import FAKE, Workshop, eventually

pytestmark = [pytest.mark.slurm, pytest.mark.long]
WAYS = {"rest": "rest_options", "24.11": "trixie_options", "24.11-rest": "trixie_rest_options"}


@pytest.fixture(params=WAYS)
def site(request, tmp_path):
    options = request.getfixturevalue(WAYS[request.param])
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.command = [options.get("python", FAKE[0]), FAKE[1]]
    shop.agent_table, shop.options = {"backend": "slurm"}, options
    shop.write()
    backend = backend_for(shop.config)
    yield backend, shop
    for key in (KEY, "ft-other-1"):
        backend.cancel(key, 0.0)
    eventually(lambda: not shop.trainings())


# Every test there that takes a site; the others need none.
for _name, _test in list(vars(contract).items()):
    if _name.startswith("test_") and "site" in _test.__code__.co_varnames[: _test.__code__.co_argcount]:
        globals()[_name] = _test
