"""The contract every back-end keeps. It runs over BACKENDS: a new back-end is tested by being listed."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from jobs.agent.backends import BACKENDS, BackendError, backend_for
from jobs.agent.backends.base import RESUMABLE, Ended, Order, Phase
from jobs.agent.config import read_config
from models_hub.specs import JobSpec
from tests.jobs.agent.workshop import Workshop, eventually, remembers
from tests.jobs.scene import row_lines

KEY = "ft-0123456789ab-1"


class Parts:
    """A data set's parts without a database."""

    name, digest = "rows", "d" * 64

    def __init__(self):
        self.parts = self

    def all(self):
        import hashlib
        from types import SimpleNamespace

        return [
            SimpleNamespace(
                name=name, sha256=hashlib.sha256(row_lines(4, name)).hexdigest(), bytes=len(row_lines(4, name)), rows=4
            )
            for name in ("train", "validation", "test")
        ]


# What a back-end needs beside its code to be tried: a mark for pytest, and a fixture with its options.
NEEDS = {"slurm": (pytest.mark.slurm, "slurm_options"), "ray": (pytest.mark.ray, "ray_options")}


@pytest.fixture(
    params=[
        pytest.param(kind, marks=NEEDS[kind.code][0] if kind.code in NEEDS else (), id=kind.code) for kind in BACKENDS
    ]
)
def site(request, tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.agent_table = {"backend": request.param.code}
    if request.param.code in NEEDS:
        shop.options = request.getfixturevalue(NEEDS[request.param.code][1])
    shop.write()
    backend = backend_for(shop.config)
    yield backend, shop
    for key in (KEY, "ft-other-1"):
        backend.cancel(key, 0.0)
    eventually(lambda: not shop.trainings())
    shop.end()


def order(name="ok", key=KEY, **words):
    from tests.jobs.scene import spec_json

    spec = JobSpec.from_json(spec_json(dataset=Parts(), model="m", name=name))
    return Order(
        **{
            "key": key, "spec": spec, "gpus": 1, "max_seconds": 600,
            "not_after": datetime.now(UTC) + timedelta(hours=1), **words,
        }
    )  # fmt: skip


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def submit(backend, the_order):
    folder = made(backend.stage(the_order.key, "in"))
    for name in ("train", "validation", "test"):
        (folder / f"{name}.jsonl").write_bytes(row_lines(4, name))
    return backend.submit(the_order)


def until(backend, *phases, key=KEY):
    return eventually(lambda: next((s for s in [backend.poll([key])[key]] if s.phase in phases), None))


def test_it_describes_itself(site):
    about = site[0].describe()
    assert about["gpus_total"] >= about["gpus_free"] >= 0
    assert {"backend", "partitions", "limits", "egress", "versions"} <= about.keys()


def test_a_job_runs_and_is_metered_once(site):
    backend, _shop = site
    submit(backend, order())
    status = until(backend, Phase.ENDED)
    assert (status.ended, status.exit_code, status.starts) == (Ended.EXITED, 0, 1)
    (row,) = backend.usage([KEY])
    assert backend.usage([KEY]) == [row]
    assert row.gpu_seconds <= row.gpus * (row.ended_at - row.started_at).total_seconds()
    assert (backend.stage(KEY, "out") / "artefacts" / "manifest.json").exists()


def test_submitting_twice_is_submitting_once(site):
    backend, shop = site
    the_order = order("endless")
    native = submit(backend, the_order)
    assert backend.submit(the_order) == native
    until(backend, Phase.RUNNING)
    assert backend_for(shop.config).submit(the_order) == native
    time.sleep(0.5)
    assert len(shop.trainings()) == 1
    assert backend.poll([KEY])[KEY].starts == 1


def test_submitting_what_has_ended_does_not_start_it_again(site):
    backend, _shop = site
    submit(backend, order())
    until(backend, Phase.ENDED)
    backend.submit(order())
    assert backend.poll([KEY])[KEY].starts == 1


def test_a_key_never_heard_of_is_unknown_and_may_be_cancelled(site):
    backend, _shop = site
    assert backend.poll(["ft-never-1"])["ft-never-1"].phase == Phase.UNKNOWN
    backend.cancel("ft-never-1", 1.0)
    backend.wipe("ft-never-1")
    assert backend.usage(["ft-never-1"]) == []


def test_a_job_that_may_not_start_any_more_does_not_and_costs_nothing(site):
    backend, _shop = site
    submit(backend, order(not_after=datetime.now(UTC) - timedelta(seconds=1)))
    assert until(backend, Phase.ENDED).ended == Ended.NOT_AFTER
    assert backend.usage([KEY]) == []


def test_cancelling_lets_it_finish_its_step(site):
    backend, _shop = site
    submit(backend, order("endless"))
    until(backend, Phase.RUNNING)
    for _ in range(3):
        backend.cancel(KEY, 20.0)
    status = until(backend, Phase.ENDED)
    assert (status.exit_code, status.ended) == (0, Ended.EXITED)


def test_what_does_not_stop_is_ended_after_the_grace(site):
    backend, shop = site
    submit(backend, order("stubborn"))
    until(backend, Phase.RUNNING)
    backend.cancel(KEY, 0.5)
    status = until(backend, Phase.ENDED)
    assert (status.ended, status.signal) == (Ended.CANCELLED, 9)
    assert not shop.trainings()


def test_suspending_ends_it_and_submitting_goes_on_with_it(site):
    backend, _shop = site
    submit(backend, order("slow"))
    until(backend, Phase.RUNNING)
    eventually(lambda: b"step 3" in backend.logs(KEY, 0, 10_000))
    backend.suspend(KEY)
    status = until(backend, Phase.ENDED)
    if status.ended not in RESUMABLE:
        return  # a scheduler that keeps its jobs by itself
    backend.submit(order("slow"))
    status = eventually(
        lambda: next((s for s in [backend.poll([KEY])[KEY]] if s.starts == 2 and s.phase == Phase.ENDED), None)
    )
    assert (status.ended, status.exit_code) == (Ended.EXITED, 0)
    first, second = backend.usage([KEY])
    assert first.started_at < first.ended_at <= second.started_at


def test_the_log_is_read_from_any_byte(site):
    backend, _shop = site
    submit(backend, order())
    until(backend, Phase.ENDED)
    whole = backend.logs(KEY, 0, 10_000)
    assert whole.startswith(b"step 1 of 3\n")
    assert backend.logs(KEY, 5, 3) == whole[5:8]
    assert backend.logs(KEY, len(whole), 10) == b""


def test_wiping_removes_the_data_and_keeps_the_meter(site):
    backend, shop = site
    submit(backend, order())
    until(backend, Phase.ENDED)
    rows = backend.usage([KEY])
    backend.wipe(KEY)
    assert backend.usage([KEY]) == rows
    assert not list(shop.work.rglob("train.jsonl"))
    # What was last read of the scheduler's queue may speak of it a while longer.
    assert not remembers(backend, KEY, but=(getattr(backend, "slurm", None),))


@pytest.mark.parametrize("key", ["../escape", "/abs", "a/b", ".hidden", ""])
def test_a_key_is_a_name_and_never_a_path(site, key):
    backend, _shop = site
    with pytest.raises(BackendError):
        made(backend.stage(key, "in"))


def test_a_free_slot_is_taken_and_given_back(site):
    backend, _shop = site
    free = backend.describe()["gpus_free"]
    submit(backend, order("endless"))
    until(backend, Phase.RUNNING)
    assert backend.describe()["gpus_free"] == free - 1
    backend.cancel(KEY, 0.0)
    until(backend, Phase.ENDED)
    assert backend.describe()["gpus_free"] == free


def test_an_unknown_backend_is_named(tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.agent_table = {"backend": "mainframe"}
    shop.write()
    with pytest.raises(BackendError, match=r"mainframe.*local"):
        backend_for(read_config(shop.file))
