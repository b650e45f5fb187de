# ruff: noqa: F811 (fixtures of the other file)
"""Job arrays on a real site: sweeps and bursts go in together, and each task is an attempt of its own."""

import contextlib
import json
import os
import signal
from dataclasses import replace

import pytest

from jobs.agent.backends import backend_for
from jobs.agent.backends.base import Ended, Phase
from tests.jobs.agent.test_backends import made, order
from tests.jobs.agent.test_slurm_pair import ended, shop, slurm  # noqa: F401 (fixtures)
from tests.jobs.agent.test_slurm_rest import rest  # noqa: F401 (fixtures)
from tests.jobs.agent.workshop import eventually
from tests.jobs.scene import row_lines

pytestmark = pytest.mark.slurm


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


def test_the_id_of_an_array_stands_in_one_place_until_its_last_job_is_gone(slurm, slurm_pair):
    orders = sweep_of(slurm, 2)
    with partition_down(slurm_pair):
        slurm.submit_together(orders)
    (folder,) = slurm.sweeps.iterdir()
    array = json.loads((folder / "handed_over.json").read_text())["native_id"]
    first, second = [one.key for one in orders]
    assert not list(slurm.folder.glob("*/slurm.json"))
    assert [slurm.poll([key])[key].native_id for key in (first, second)] == [f"{array}_0", f"{array}_1"]
    for key in (first, second):
        assert ended(slurm, key).exit_code == 0
    slurm.wipe(first)
    assert slurm.poll([second])[second].native_id == f"{array}_1"
    slurm.wipe(second)
    assert list(slurm.sweeps.iterdir()) == []


@pytest.mark.long
def test_a_task_whose_array_was_never_there_is_handed_over_alone_under_the_same_number(slurm, shop, monkeypatch):
    """The order names an array that Slurm has never heard of; what is submitted next is written down beside it."""
    orders = sweep_of(slurm, 2)
    monkeypatch.setattr(slurm.slurm, "sbatch", lambda words, script: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        slurm.submit_together(orders)
    monkeypatch.undo()
    again = backend_for(shop.config)
    key = orders[0].key
    assert again.poll([key])[key].phase == Phase.UNKNOWN
    native = again.submit(orders[0])
    status = ended(again, key)
    assert (status.native_id, status.exit_code, status.starts) == (native, 0, 1)
    (submission,) = json.loads((again.folder / key / "slurm.json").read_text())["submissions"]
    assert (submission["number"], submission["native_id"], "array" in submission) == (1, native, False)
    assert json.loads((again.folder / key / "order.json").read_text())["first_submission"]["native_id"] is None


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


ONE_CANCELLED = [(Ended.CANCELLED, None), (Ended.EXITED, 0), (Ended.EXITED, 0)]


def one_leaves_the_queue(backend, cluster):
    """One of three waiting tasks is cancelled, the others run under the ids they were given; how the three ended."""
    orders = sweep_of(backend, 3)
    (gone, *kept) = [one.key for one in orders]
    with partition_down(cluster):
        backend.submit_together(orders)
        natives = {one.key: backend.submit(one) for one in orders}
        backend.cancel(gone, 60.0)
        if backend.slurm.takes_out_tasks:
            assert ended(backend, gone).ended == Ended.CANCELLED
        assert {status.phase for status in backend.poll(kept).values()} == {Phase.PENDING}
    ends = [ended(backend, key) for key in (gone, *kept)]
    assert {key: row.native_id for key in kept for row in backend.usage([key])} == {key: natives[key] for key in kept}
    assert not (backend.stage(gone, "out") / "result.json").exists()
    return [(status.ended, status.exit_code) for status in ends]


def test_one_task_of_an_array_that_waits_is_cancelled_and_the_others_run(slurm, slurm_pair):
    """scancel of 22.05 would end them all with it."""
    assert slurm.slurm.takes_out_tasks
    assert one_leaves_the_queue(slurm, slurm_pair) == ONE_CANCELLED


def test_where_slurmrestd_cannot_end_one_waiting_task_its_wrapper_does_unbegun(rest, slurm_pair):
    assert not rest[0].slurm.takes_out_tasks
    assert one_leaves_the_queue(rest[0], slurm_pair) == ONE_CANCELLED


@pytest.mark.long
def test_a_burst_of_no_sweep_is_an_array_where_one_can_leave_it(slurm, slurm_pair, rest):
    orders = [replace(one, sweep="") for one in sweep_of(slurm, slurm.options.arrays_from)]
    assert len(orders) == 8
    with partition_down(slurm_pair):
        assert rest[0].submit_together(orders) == []  # none could leave it by itself
        assert slurm.submit_together(orders[1:]) == []  # too few
        assert not slurm_pair.ask("squeue", "-h", "--array")
        assert slurm.submit_together(orders) == [one.key for one in orders]
        assert len({slurm.submit(one).partition("_")[0] for one in orders}) == 1
        slurm_pair.ask("scancel", "--user=root")  # the site's people end all of it while it waits
        for one in orders:
            status = ended(slurm, one.key, seconds=20)
            assert (status.ended, status.starts) == (Ended.ENDED_BY_SITE, 0)
            assert slurm.usage([one.key]) == []


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
