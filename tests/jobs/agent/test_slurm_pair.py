"""What a larger site can do, on a real one of two nodes: full capacity, budgets, several nodes, arrays, containers."""

import hashlib
import json
import signal
import sys
from pathlib import Path

import pytest

from jobs.agent.backends import backend_for
from jobs.agent.backends.base import Budget, Ended, Phase
from tests.jobs.agent.test_backends import KEY, order, submit
from tests.jobs.agent.workshop import Workshop, eventually
from tests.support import require

pytestmark = pytest.mark.slurm
HERE = Path(__file__).parent


@pytest.fixture
def shop(pair_options, tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.agent_table, shop.options = {"backend": "slurm"}, pair_options
    shop.allow = {"max_gpus": 8, "max_nodes": 2}
    shop.write()
    return shop


@pytest.fixture
def slurm(slurm_pair, shop):
    yield backend_for(shop.config)
    slurm_pair.ask("scancel", "--user=root", fails=True)
    eventually(lambda: not slurm_pair.ask("squeue", "-h"), seconds=60)


def changed(shop, **options):
    shop.options = {**shop.options, **options}
    shop.write()
    return backend_for(shop.config)


def ended(backend, key=KEY, seconds=120):
    return eventually(
        lambda: next((s for s in [backend.poll([key])[key]] if s.phase == Phase.ENDED), None),
        seconds=seconds, note=lambda: f"{backend.poll([key])} {backend.logs(key, 0, 5000)!r}",
    )  # fmt: skip


# ---- capacity -------------------------------------------------------------------------------------------------------


def test_partitions_are_told_in_full(slurm, slurm_pair):
    """Totals, free, limit, and when a job of each shape would start: now, and after what a whole node waits for."""
    held = ("--gres=gpu:2", "-N1", "-t20", "-o/dev/null")
    blocker = slurm_pair.ask("sbatch", "--parsable", *held, "--wrap", "sleep 600")
    eventually(lambda: slurm_pair.ask("squeue", "-h", "-t", "R"))
    seen = slurm.availability()
    gpu, short = seen["partitions"]
    assert (gpu["name"], gpu["gpus_total"], gpu["gpus_free"], gpu["queued"]) == ("gpu", 8, 6, 0)
    assert (gpu["max_seconds"], short["max_seconds"], gpu["health"]) == (86400, 600, "ok")
    starts = {(one["gpus"], one["nodes"]): one["seconds"] for one in gpu["expected_starts"]}
    assert starts.keys() == {(1, 1), (4, 1), (8, 2)}
    assert starts[1, 1] < 60
    assert 600 < starts[8, 2] <= 1260  # once the blocker's twenty minutes are over
    assert seen["good_for_seconds"] > 0
    slurm_pair.ask("scancel", blocker.strip())


def test_the_planner_is_asked_once_for_each_shape_and_then_left_in_peace(slurm, monkeypatch):
    asked = []
    original = slurm.slurm.test
    monkeypatch.setattr(slurm.slurm, "test", lambda words, script: asked.append(words) or original(words, script))
    slurm.availability()
    first = len(asked)
    slurm._looked = -1e9
    slurm.availability()
    assert first == len(asked) == 6


def test_maintenance_and_a_node_that_is_out_are_told_with_the_operators_words(slurm, slurm_pair):
    for name, flags, start in (("upgrade", "MAINT,IGNORE_JOBS", 2), ("course", "IGNORE_JOBS", 4)):
        about = (f"flags={flags}", f"starttime=now+{start}hours", "duration=60", "nodes=ALL", "users=root")
        slurm_pair.ask("scontrol", "create", "reservation", f"reservationname={name}", *about)
    slurm_pair.ask("scontrol", "update", f"nodename={slurm_pair.nodes[1]}", "state=DRAIN", "reason=memory errors")
    try:
        seen = slurm.availability()
    finally:
        for name in ("upgrade", "course"):
            slurm_pair.ask("scontrol", "delete", f"reservationname={name}")
    (window,) = seen["maintenance"]
    assert (window["name"], window["partition"]) == ("upgrade", "")
    assert window["starts_at"] < window["ends_at"]
    gpu = seen["partitions"][0]
    assert (gpu["health"], gpu["gpus_total"]) == ("degraded", 4)
    assert gpu["detail"] == "1 of 2 nodes take no work: memory errors."
    slurm_pair.ask("scontrol", "update", f"nodename={slurm_pair.nodes[0]}", "state=DRAIN", "reason=memory errors")
    slurm.slurm.forget()
    slurm._looked = -1e9
    assert {one["health"] for one in slurm.availability()["partitions"]} == {"down"}


# ---- budgets --------------------------------------------------------------------------------------------------------


def overspending_is_stopped(backend, cluster, allocation="AL-2026-0007"):
    """The portal is wrong here on purpose: it signs one job after the other for the same hour of GPU time."""
    budget, account = Budget(allocation=allocation, gpu_minutes=60), f"op-{allocation.lower()}"
    submit(backend, order(budget=budget, max_seconds=3600))
    assert ended(backend).exit_code == 0
    limit = ("sacctmgr", "-nP", "show", "assoc", "where", f"account={account}", "format=user,grptresmins")
    first = cluster.ask(*limit).splitlines()
    assert first[0].startswith("|gres/gpu=6") and first[1] == "root|"
    for key, gpus in (("ft-other-1", 2), ("ft-other-2", 4)):
        native = backend.submit(order(key=key, gpus=gpus, budget=budget, max_seconds=3600))
        status = ended(backend, key)
        assert (status.ended, status.reason.code) == (Ended.REFUSED, "budget_spent"), native
    assert account in cluster.ask("sacct", "-nXP", "-S", "now-1hours", "-o", "Account")
    return lambda: cluster.ask(*limit).splitlines() == first


def test_the_site_itself_stops_an_allocation_that_would_overspend(slurm_pair, slurm, shop):
    unchanged = overspending_is_stopped(changed(shop, budgets=True), slurm_pair)
    # A new start of the agent finds it all as it is, and says nothing twice.
    again = backend_for(shop.config)
    again.budgets.hold(order(budget=Budget(allocation="AL-2026-0007", gpu_minutes=60)), [])
    assert unchanged()


@pytest.mark.long
def test_no_portal_can_lift_a_budget_above_what_the_site_gives(slurm_pair, slurm, shop):
    backend = changed(shop, budgets=True, budget_most_minutes=30)
    submit(backend, order(budget=Budget(allocation="AL-2026-0008", gpu_minutes=10**9), max_seconds=7200))
    status = ended(backend)
    assert (status.ended, status.reason.code) == (Ended.REFUSED, "budget_spent")


def test_a_budget_that_cannot_be_set_starts_nothing(slurm_pair, slurm, shop, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sbatch", "squeue", "sacct", "scontrol", "sinfo"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    refuse = tools / "sacctmgr"
    words = 'echo "sacctmgr: error: Access/permission denied" >&2; exit 1'
    refuse.write_text(f'#!/bin/sh\n[ "$2" = show ] && exit 0\n{words}\n')
    refuse.chmod(0o755)
    backend = changed(shop, budgets=True, bin=str(tools))
    with pytest.raises(Exception, match="limit of hours") as caught:
        submit(backend, order(budget=Budget(allocation="AL-2026-0009", gpu_minutes=60)))
    assert (caught.value.reason.code, caught.value.refused) == ("budget_not_held", False)
    assert not slurm_pair.jobs(shop.options["prefix"] + KEY)


# ---- several nodes --------------------------------------------------------------------------------------------------


def test_a_job_of_two_nodes_has_a_rank_for_each_gpu(slurm, slurm_pair, shop):
    say = [sys.executable, "-c", "import os; names = 'RANK LOCAL_RANK WORLD_SIZE SLURM_NODEID MASTER_PORT'; "
           "os.write(1, (' '.join(os.environ[n] for n in names.split()) + chr(10)).encode())"]  # fmt: skip
    backend = changed(shop, command=say, launcher=[sys.executable, str(HERE / "fake_launcher.py")])
    submit(backend, order(gpus=4, nodes=2))
    assert ended(backend).exit_code == 0
    lines = sorted(line.split() for line in backend.logs(KEY, 0, 10_000).decode().splitlines())
    assert [line[:4] for line in lines] == [
        ["0", "0", "4", "0"], ["1", "1", "4", "0"], ["2", "0", "4", "1"], ["3", "1", "4", "1"],
    ]  # fmt: skip
    assert len({line[4] for line in lines}) == 1
    (row,) = backend.usage([KEY])
    assert (row.gpus, row.gpu_seconds) == (4, slurm_pair.gpu_seconds(shop.options["prefix"] + KEY))


# ---- containers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path):
    file = tmp_path / "training.sif"
    file.write_bytes(b"an image")
    tool = tmp_path / "apptainer"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "fake_apptainer.py"} "$@"\n')
    tool.chmod(0o755)
    digest = f"sha256:{hashlib.sha256(b'an image').hexdigest()}"
    return {"container": str(tool), "images": {digest: str(file)}}, digest, file


def test_a_training_runs_in_the_image_its_work_names(slurm, shop, image):
    options, digest, file = image
    backend = changed(shop, **options)
    assert backend.describe()["containers"] == ["apptainer"]
    submit(backend, order(image=digest))
    assert ended(backend).exit_code == 0
    job = shop.work / "jobs" / KEY
    seen = json.loads((job / "contained.json").read_text())
    assert seen["image"] == str(file)
    assert seen["bind"] == [f"{job}:{job}", f"{shop.store}:{shop.store}:ro", f"{HERE.parents[2]}:{HERE.parents[2]}:ro"]
    assert {"--contain", "--no-home"} <= set(seen["flags"])
    assert (job / "out" / "artefacts" / "manifest.json").exists()


def test_an_image_that_is_not_what_it_is_called_is_not_started(slurm, slurm_pair, shop, image):
    options, digest, file = image
    backend = changed(shop, **options)
    file.write_bytes(b"another image")
    submit(backend, order(image=digest))
    status = ended(backend)
    assert (status.ended, status.reason.code) == (Ended.REFUSED, "image_changed")
    assert not slurm_pair.jobs(shop.options["prefix"] + KEY)


# ---- energy ---------------------------------------------------------------------------------------------------------


def test_energy_is_what_the_accounting_says_once_a_node_has_a_meter(slurm, slurm_pair, shop):
    """There is no meter here: the figure is put where slurmdbd keeps what a meter said, and read through sacct."""
    assert slurm.describe()["energy"] == "none"
    submit(slurm, order())
    native = ended(slurm).native_id
    assert slurm.usage([KEY])[0].energy_joules is None
    (slurm.receipts / f"{KEY}.json").unlink()
    table = f"slurm_acct.{slurm_pair.name}"
    steps = f"select job_db_inx from {table}_job_table where id_job={native}"  # noqa: S608
    slurm_pair.ask(
        "mariadb", "--no-defaults", "-uroot", "-S", str(slurm_pair.folder / "mysql/socket"), "-e",
        f"update {table}_step_table set consumed_energy=4321 where job_db_inx in ({steps})",  # noqa: S608
    )  # fmt: skip
    slurm.known._accounts.clear()
    eventually(lambda: slurm.usage([KEY])[0].energy_joules == 4321, seconds=20)


# ---- what takes longer ----------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.training
def test_two_ranks_on_two_nodes_train_together_by_torchrun(slurm, slurm_pair, shop):
    """srun, torchrun and torch.distributed as they are; one GPU a node, gloo between them."""
    python = HERE.parents[2] / ".venv-site" / "bin" / "python"
    require(python.exists(), "the site environment (.venv-site)")
    backend = changed(
        shop, python=str(python), command=[str(python), str(HERE / "two_ranks.py")], memory_gb_per_gpu=4,
        cpus_per_gpu=2, environment={"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    submit(backend, order(gpus=2, nodes=2))
    status = ended(backend, seconds=240)
    assert status.exit_code == 0, backend.logs(KEY, 0, 20_000).decode()
    first, second = json.loads((backend.stage(KEY, "out") / "ranks.json").read_text())
    assert {first["node"], second["node"]} == set(slurm_pair.nodes)
    assert first["weights"] == second["weights"] == pytest.approx([2.0, -3.0], abs=1e-3)
    (row,) = backend.usage([KEY])
    assert (row.gpus, row.gpu_seconds) == (2, slurm_pair.gpu_seconds(shop.options["prefix"] + KEY))


@pytest.mark.long
def test_one_rank_that_fails_ends_the_whole_job(slurm, slurm_pair, shop):
    say = [sys.executable, "-c", "import os, sys, time; sys.exit(7) if os.environ['RANK'] == '1' else time.sleep(300)"]
    backend = changed(shop, command=say, launcher=[sys.executable, str(HERE / "fake_launcher.py")])
    submit(backend, order(gpus=2, nodes=2))
    status = ended(backend, seconds=60)
    # srun says the greatest of all ranks' codes: that of the one that failed, or of the others that it then ended.
    assert status.ended == Ended.EXITED
    assert status.exit_code in (7, 128 + signal.SIGTERM, 128 + signal.SIGKILL)
    eventually(lambda: not slurm_pair.ask("squeue", "-h"), seconds=30)
