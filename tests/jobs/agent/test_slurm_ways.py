"""The contract of every back-end over every way into Slurm: slurmrestd of 22.05; commands and slurmrestd of 24.11."""

import sys

import pytest

from jobs.agent.backends import backend_for
from tests.jobs.agent import test_backends as contract
from tests.jobs.agent.test_backends import KEY, order, submit
from tests.jobs.agent.test_slurm_arrays import ONE_CANCELLED, one_leaves_the_queue, sweep_of
from tests.jobs.agent.test_slurm_pair import changed, ended, overspending_is_stopped
from tests.jobs.agent.workshop import FAKE, ROOT, Workshop, eventually

pytestmark = [pytest.mark.slurm, pytest.mark.long]
# The options of each way, and the cluster it leads to.
WAYS = {
    "rest": ("rest_options", "slurm_pair"),
    "24.11": ("trixie_options", "slurm_trixie"),
    "24.11-rest": ("trixie_rest_options", "slurm_trixie"),
}


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def cluster(request, way):
    return request.getfixturevalue(WAYS[way][1])


@pytest.fixture
def site(request, way, tmp_path):
    options = request.getfixturevalue(WAYS[way][0])
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


def test_a_sweep_and_a_job_of_two_nodes_go_every_way(site):
    """Arrays and several nodes are said differently by each way in; what comes of them is the same."""
    backend, shop = site
    orders = sweep_of(backend, 2)
    backend.submit_together(orders)
    natives = {backend.submit(one) for one in orders}
    for one in orders:
        assert ended(backend, one.key).exit_code == 0
    assert {row.native_id for one in orders for row in backend.usage([one.key])} == natives
    shop.allow = {"max_gpus": 8, "max_nodes": 2}
    python = shop.options.get("python", sys.executable)
    shop.options = {**shop.options, "launcher": [python, str(ROOT / "tests/jobs/agent/fake_launcher.py")]}
    shop.command = [python, "-c", "import os; os.write(1, (os.environ['RANK'] + chr(10)).encode())"]
    shop.write()
    backend = backend_for(shop.config)
    submit(backend, order(gpus=4, nodes=2))
    assert ended(backend).exit_code == 0
    assert sorted(backend.logs(KEY, 0, 100).split()) == [b"0", b"1", b"2", b"3"]
    assert backend.usage([KEY])[0].gpus == 4


def test_one_task_of_an_array_that_waits_leaves_it_every_way(site, cluster):
    backend, _shop = site
    assert one_leaves_the_queue(backend, cluster) == ONE_CANCELLED


def test_a_budget_is_kept_by_the_site_every_way(site, way, cluster):
    """slurmrestd has no word for accounts: sacctmgr is asked there, too."""
    _backend, shop = site
    tools = str(cluster.folder / "bin") if (cluster.folder / "bin").exists() else ""
    unchanged = overspending_is_stopped(
        changed(shop, budgets=True, bin=tools), cluster, f"AL-2026-{list(WAYS).index(way)}"
    )
    assert unchanged()
