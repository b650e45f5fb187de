"""What a larger site can do, on a real one of two nodes: full capacity, budgets, several nodes, arrays, containers."""

import contextlib
import hashlib
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.agent.backends import backend_for
from jobs.agent.backends.base import Budget, Ended, Phase
from jobs.agent.backends.slurm_doctor import findings
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from tests.jobs.agent.test_backends import KEY, made, order, submit
from tests.jobs.agent.workshop import Workshop, eventually
from tests.jobs.scene import AT, row_lines
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


def test_the_site_itself_stops_an_allocation_that_would_overspend(slurm_pair, slurm, shop):
    """The portal is wrong here on purpose: it signs one job after the other for the same hour of GPU time."""
    backend = changed(shop, budgets=True)
    budget = Budget(allocation="AL-2026-0007", gpu_minutes=60)
    submit(backend, order(budget=budget, max_seconds=3600))
    assert ended(backend).exit_code == 0
    limit = ("sacctmgr", "-nP", "show", "assoc", "where", "account=op-al-2026-0007", "format=user,grptresmins")
    first = slurm_pair.ask(*limit).splitlines()
    assert first[0].startswith("|gres/gpu=6") and first[1] == "root|"
    for key, gpus in (("ft-other-1", 2), ("ft-other-2", 4)):
        native = backend.submit(order(key=key, gpus=gpus, budget=budget, max_seconds=3600))
        status = ended(backend, key)
        assert (status.ended, status.reason.code) == (Ended.REFUSED, "budget_spent"), native
    assert "op-al-2026-0007" in slurm_pair.ask("sacct", "-nXP", "-S", "now-1hours", "-o", "Account")
    # A new start of the agent finds it all as it is, and says nothing twice.
    again = backend_for(shop.config)
    again.budgets.hold(order(budget=budget), [])
    assert slurm_pair.ask(*limit).splitlines() == first


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


# ---- arrays ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def partition_down(site):
    """Nothing starts meanwhile."""
    site.ask("scontrol", "update", "partitionname=gpu", "state=DOWN")
    try:
        yield
    finally:
        site.ask("scontrol", "update", "partitionname=gpu", "state=UP")


def sweep_of(backend, count, name="ok", **words):
    orders = [order(name, key=f"ft-sweep-{number}", sweep="S-1", **words) for number in range(count)]
    for one in orders:
        folder = made(backend.stage(one.key, "in"))
        for part in ("train", "validation", "test"):
            (folder / f"{part}.jsonl").write_bytes(row_lines(4, part))
    return orders


def test_a_sweep_is_one_job_array_and_each_task_an_attempt_of_its_own(slurm, slurm_pair, shop):
    orders = sweep_of(slurm, 3)
    slurm.submit_together(orders)
    natives = {slurm.submit(one) for one in orders}
    slurm.submit_together(orders)
    arrays = {native.partition("_")[0] for native in natives}
    assert (len(natives), len(arrays)) == (3, 1)
    rows = {}
    for one in orders:
        status = ended(slurm, one.key)
        assert (status.exit_code, status.starts) == (0, 1)
        (rows[one.key],) = slurm.usage([one.key])
        assert status.native_id == rows[one.key].native_id
    assert {row.native_id for row in rows.values()} == natives
    said = slurm_pair.ask("sacct", "-n", "-X", "-P", "-j", arrays.pop(), "-o", "JobID,ElapsedRaw").split()
    assert dict(line.split("|") for line in said) == {r.native_id: str(r.gpu_seconds) for r in rows.values()}
    for one in orders:
        slurm.wipe(one.key)
    assert not list(slurm.sweeps.iterdir())


@pytest.mark.long
def test_one_task_of_a_sweep_is_cancelled_and_the_others_go_on(slurm, shop):
    orders = sweep_of(slurm, 2, "slow")
    slurm.submit_together(orders)
    eventually(lambda: all(s.phase == Phase.RUNNING for s in slurm.poll([one.key for one in orders]).values()))
    slurm.cancel(orders[0].key, 0.2)
    stopped_well = slurm.stage(orders[0].key, "out") / "result.json"
    assert ended(slurm, orders[0].key).ended == Ended.CANCELLED or stopped_well.exists()
    assert ended(slurm, orders[1].key).exit_code == 0
    assert len(shop.receipts("start")) == 2


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
    slurm._accounts.clear()
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


@pytest.mark.long
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_agent_killed_while_it_hands_over_a_sweep_makes_each_task_run_once(
    slurm, slurm_pair, shop, monkeypatch, moment
):
    """The array is there, or it is not; either way the next agent goes on with what it finds."""
    orders = sweep_of(slurm, 3, "slow")
    original = slurm.slurm.sbatch

    def killed(words, script):
        if moment == "after":
            original(words, script)
        raise KeyboardInterrupt

    monkeypatch.setattr(slurm.slurm, "sbatch", killed)
    with pytest.raises(KeyboardInterrupt):
        slurm.submit_together(orders)
    again = backend_for(shop.config)
    again.submit_together(orders)
    natives = [again.submit(one) for one in orders]
    assert len(set(natives)) == 3
    for one, native in zip(orders, natives, strict=True):
        status = ended(again, one.key)
        assert (status.exit_code, status.starts, status.native_id) == (0, 1, native)
    assert len(shop.receipts("start")) == 3


@pytest.mark.long
def test_a_task_of_a_sweep_that_is_killed_goes_on_by_itself(slurm, slurm_pair, shop):
    orders = sweep_of(slurm, 2, "slow")
    slurm.submit_together(orders)
    key = orders[0].key
    eventually(lambda: b"step 3" in slurm.logs(key, 0, 10_000))
    (child,) = [json.loads(path.read_text()) for path in shop.work.glob(f"jobs/{key}/runs/*/child.json")]
    os.kill(child["pid"], signal.SIGKILL)
    assert ended(slurm, key).ended == Ended.KILLED
    native = slurm.submit(orders[0])
    assert "_" not in native
    status = eventually(lambda: next((s for s in [slurm.poll([key])[key]] if s.starts == 2 and s.phase == "ended"), 0))
    assert (status.exit_code, status.kills) == (0, 1)
    assert len(slurm.usage([key])) == 2
    assert ended(slurm, orders[1].key).starts == 1


# ---- by slurmrestd --------------------------------------------------------------------------------------------------


@pytest.fixture
def rest(rest_options, slurm_pair, tmp_path):
    shop = Workshop(tmp_path / "rest", url="http://localhost:1")
    shop.agent_table, shop.options = {"backend": "slurm"}, rest_options
    shop.write()
    yield backend_for(shop.config), shop
    slurm_pair.ask("scancel", "--user=root", fails=True)
    eventually(lambda: not slurm_pair.ask("squeue", "-h"), seconds=60)


@pytest.mark.parametrize("way", ["commands", "slurmrestd"])
def test_one_task_of_an_array_that_waits_is_cancelled_and_the_others_run(request, slurm_pair, way):
    """scancel of 22.05 would end them all with it. Its slurmrestd cannot end one: there the wrapper does, unbegun."""
    backend = request.getfixturevalue("slurm") if way == "commands" else request.getfixturevalue("rest")[0]
    orders = sweep_of(backend, 3)
    (gone, *kept) = [one.key for one in orders]
    with partition_down(slurm_pair):
        backend.submit_together(orders)
        natives = {one.key: backend.submit(one) for one in orders}
        backend.cancel(gone, 60.0)
        if way == "commands":
            assert ended(backend, gone).ended == Ended.CANCELLED
        assert {status.phase for status in backend.poll(kept).values()} == {Phase.PENDING}
    for key in kept:
        assert ended(backend, key).exit_code == 0
    assert {key: row.native_id for key in kept for row in backend.usage([key])} == {key: natives[key] for key in kept}
    assert ended(backend, gone).ended == Ended.CANCELLED
    assert not (backend.stage(gone, "out") / "result.json").exists()


@pytest.mark.long
def test_a_burst_of_no_sweep_is_an_array_where_one_can_leave_it(request, slurm, slurm_pair, rest):
    orders = [replace(one, sweep="") for one in sweep_of(slurm, slurm.arrays_from)]
    assert (len(orders), rest[0].arrays_from) == (8, 0)
    with partition_down(slurm_pair):
        slurm.submit_together(orders[1:])
        assert not slurm_pair.ask("squeue", "-h", "--array")  # too few
        slurm.submit_together(orders)
        assert len({slurm.submit(one).partition("_")[0] for one in orders}) == 1
        slurm_pair.ask("scancel", "--user=root")  # the site's people end all of it while it waits
        for one in orders:
            status = ended(slurm, one.key, seconds=20)
            assert (status.ended, status.starts) == (Ended.ENDED_BY_SITE, 0)
            assert slurm.usage([one.key]) == []


def test_a_job_handed_over_by_slurmrestd_is_what_it_is_by_sbatch(rest, slurm_pair):
    """v0.0.38 says exit code 0 of this very job in its accounting; the controller's word and the receipt do not."""
    backend, shop = rest
    native = submit(backend, order("crash", gpus=2))
    assert backend.submit(order("crash", gpus=2)) == native
    status = ended(backend)
    assert (status.ended, status.exit_code, status.native_id) == (Ended.EXITED, 3, native)
    (row,) = backend.usage([KEY])
    name = shop.options["prefix"] + KEY
    assert (row.gpus, row.cluster) == (2, slurm_pair.name)
    # sacct leaves out what began in this very second.
    eventually(lambda: row.gpu_seconds == slurm_pair.gpu_seconds(name), seconds=10, note=lambda: str(row))
    assert [one.exit_code for one in backend.slurm.queue()[name]] == [3]
    said = slurm_pair.ask("scontrol", "show", "job", native)
    assert "gres/gpu=2" in said and "Deadline=N/A" not in said
    about = backend.availability()
    assert [(one["name"], one["gpus_total"], one["max_seconds"]) for one in about["partitions"]] == [
        ("gpu", 8, 86400), ("short", 8, 600),
    ]  # fmt: skip


def test_the_doctor_looks_at_budgets_images_and_tokens(rest, slurm_pair, image):
    _backend, shop = rest
    options, digest, file = image
    tools = {"bin": "", "budgets": True, **options}
    shop.options = {**shop.options, **tools}
    shop.write()
    # A folder below /tmp is not taken for a shared one, and rightly.
    assert [said for good, said in findings(shop.config) if not good and "login and compute" not in said] == []
    file.write_bytes(b"another image")
    Path(shop.options["token_file"]).chmod(0o644)
    wrong = [said for good, said in findings(shop.config) if not good and "login and compute" not in said]
    assert len(wrong) == 2
    assert "readable for its owner only" in wrong[0]
    assert digest[:19] in wrong[1]


@pytest.mark.long
def test_a_warning_that_slurmrestd_cannot_ask_for_the_wrapper_gives_itself(rest, monkeypatch):
    backend, shop = rest
    monkeypatch.setattr("jobs.agent.backends.slurm.SlurmBackend._minutes", lambda *_: (1, False))
    shop.options = {**shop.options, "signal_seconds": 57}
    shop.write()
    backend = backend_for(shop.config)
    submit(backend, order("endless"))
    assert ended(backend).ended == Ended.TIME_LIMIT
    assert (backend.stage(KEY, "out") / "artefacts" / "manifest.json").exists()


def test_a_token_that_is_no_longer_good_is_called_so(rest, slurm_pair):
    backend, shop = rest
    token = Path(shop.options["token_file"])
    good = token.read_text()
    token.write_text("eyJhbGciOiJIUzI1NiJ9.e30.no")
    asked = (lambda: submit(backend, order()), backend.slurm.nodes, lambda: backend.slurm.accounting(["x"], AT))
    for question in asked:  # the accounting answers with an empty list, which is none
        with pytest.raises(SlurmTrouble) as caught:
            question()
        assert (caught.value.reason.code, caught.value.refused) == ("token_refused", False)
    token.write_text(good)
    backend.submit(order())
    assert ended(backend).exit_code == 0


@pytest.mark.long
def test_a_controller_that_is_away_is_not_taken_for_a_bad_token(rest, slurm_pair):
    backend, _shop = rest
    backend.describe()
    slurm_pair.stop("slurmctld", kill=True)
    with pytest.raises(SlurmTrouble) as caught:
        submit(backend, order())
    assert (caught.value.reason.code, caught.value.refused) == ("controller_down", False)
    slurm_pair.all_run()


@pytest.mark.long
def test_a_slurmrestd_that_is_away_is_tried_again(rest, slurm_pair):
    backend, _shop = rest
    slurm_pair.stop("slurmrestd")
    with pytest.raises(SlurmTrouble) as caught:
        backend.submit(order())
    assert (caught.value.reason.code, backend.describe()["gpus_free"]) == ("rest_down", 0)
    slurm_pair.start("slurmrestd")
    submit(backend, order())
    assert ended(backend).exit_code == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "code"), [({"account": "nobodys"}, "account_unknown"), ({"qos": "gold"}, "qos_unknown")]
)
def test_what_slurmrestd_refuses_for_good_has_the_same_reasons(rest, options, code):
    _backend, shop = rest
    shop.options = {**shop.options, **options}
    shop.write()
    backend = backend_for(shop.config)
    submit(backend, order())
    status = ended(backend)
    assert (status.ended, status.reason.code) == (Ended.REFUSED, code)
