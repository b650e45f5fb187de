"""The Ray back-end on a real cluster: waiting, cancelling, killing, and a head that forgets everything."""

import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.agent.backends import BackendError, backend_for
from jobs.agent.backends.base import Ended, Phase
from jobs.agent.backends.ray_reasons import RayTrouble
from tests.jobs.agent.ray_site import GPUS
from tests.jobs.agent.test_backends import KEY, order, submit, until
from tests.jobs.agent.workshop import Workshop, eventually

pytestmark = pytest.mark.ray
OTHER = "ft-other-1"


@pytest.fixture
def shop(tmp_path, ray_options):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.agent_table, shop.options = {"backend": "ray"}, ray_options
    shop.write()
    yield shop
    backend = backend_for(shop.config)
    for key in (KEY, OTHER):
        backend.cancel(key, 0.0)
    eventually(lambda: not shop.trainings())
    shop.end()


@pytest.fixture
def backend(shop):
    return backend_for(shop.config)


def gone_on(backend, starts):
    return eventually(
        lambda: next((s for s in [backend.poll([KEY])[KEY]] if s.starts == starts and s.phase == Phase.ENDED), None)
    )


def test_the_bill_is_what_ray_itself_held_for_the_job(backend, shop, ray_site):
    submit(backend, order(gpus=2))
    until(backend, Phase.ENDED)
    (row,) = backend.usage([KEY])
    ((gpus, milliseconds),) = ray_site.held_ms(shop.options["prefix"])
    assert (row.method, row.gpus, row.gpu_seconds) == ("accounting", 2, gpus * milliseconds // 1000)
    assert abs(row.gpu_seconds - row.receipt_gpu_seconds) <= 2 * 3


def test_waiting_for_a_gpu_costs_nothing(backend, shop, ray_site):
    """Ray's own start_time of a job is its submission; a job is charged from when it was given its GPUs."""
    submit(backend, order("slow", key=OTHER, gpus=GPUS))
    until(backend, Phase.RUNNING, key=OTHER)
    submit(backend, order())
    time.sleep(1)
    assert backend.poll([KEY])[KEY].phase == Phase.PENDING
    assert backend.describe()["queue"] == 1 or backend.describe()["gpus_free"] == 0
    until(backend, Phase.ENDED)
    (mine,), (others,) = backend.usage([KEY]), backend.usage([OTHER])
    assert mine.started_at >= others.ended_at - timedelta(milliseconds=5)
    by_ray = next(job for job in ray_site.jobs(shop.options["prefix"] + KEY))
    assert (mine.started_at - datetime.fromtimestamp(by_ray["start_time"] / 1000, UTC)).total_seconds() > 1


def test_a_job_cancelled_while_it_waits_ends_at_once_and_never_begins(backend, shop):
    submit(backend, order("endless", key=OTHER, gpus=GPUS))
    until(backend, Phase.RUNNING, key=OTHER)
    submit(backend, order())
    backend.cancel(KEY, 20.0)
    assert backend.poll([KEY])[KEY].ended == Ended.CANCELLED
    backend.cancel(OTHER, 0.0)
    until(backend, Phase.ENDED, key=OTHER)
    eventually(lambda: backend.ray.job(f"{shop.options['prefix']}{KEY}.1").terminal)
    assert not (backend.folder / KEY / "out").exists()
    assert backend.usage([KEY]) == [] and backend.poll([KEY])[KEY].starts == 0


@pytest.mark.long
def test_a_training_killed_on_its_node_goes_on_under_the_next_number(backend, shop, ray_site):
    submit(backend, order("slow"))
    eventually(lambda: b"step 5" in backend.logs(KEY, 0, 10_000))
    os.kill(shop.trainings()[0], signal.SIGKILL)
    status = until(backend, Phase.ENDED)
    assert (status.ended, status.kills) == (Ended.KILLED, 1)
    backend.submit(order("slow"))
    assert gone_on(backend, 2).ended == Ended.EXITED
    rows = backend.usage([KEY])
    assert [row.native_id.rpartition(".")[2] for row in rows] == ["1", "2"]
    held = ray_site.held_ms(shop.options["prefix"])
    assert sum(row.gpu_seconds for row in rows) == sum(gpus * ms // 1000 for gpus, ms in held)


@pytest.mark.long
def test_a_wrapper_killed_on_its_node_takes_the_training_along_and_goes_on(backend, shop):
    submit(backend, order("slow"))
    eventually(lambda: b"step 3" in backend.logs(KEY, 0, 10_000))
    os.kill(shop.wrappers()[0], signal.SIGKILL)
    status = until(backend, Phase.ENDED)
    assert (status.ended, status.reason.code) == (Ended.KILLED, "wrapper_killed")
    assert not shop.trainings()
    backend.submit(order("slow"))
    assert gone_on(backend, 2).ended == Ended.EXITED


def test_what_the_operator_stops_is_not_started_again(backend, shop, ray_site):
    submit(backend, order("stubborn"))
    until(backend, Phase.RUNNING)
    ray_site.stop(f"{shop.options['prefix']}{KEY}.1")
    status = until(backend, Phase.ENDED)
    assert (status.ended, status.reason.code) == (Ended.ENDED_BY_SITE, "stopped_by_operator")
    assert backend.submit(order("stubborn")) == status.native_id
    assert backend.poll([KEY])[KEY].starts == 1


@pytest.mark.long
def test_a_lost_head_is_named_and_the_run_goes_on_at_the_next_one(backend, shop, ray_site):
    """Every record of Ray's is gone with the head: the receipts say how long the start had its GPUs."""
    submit(backend, order("endless"))
    eventually(lambda: b"step 5" in backend.logs(KEY, 0, 10_000))
    ray_site.kill()
    with pytest.raises(RayTrouble, match="does not answer"):
        eventually(lambda: backend.poll([KEY])[KEY].phase == Phase.ENDED)
    assert backend.describe()["trouble"]["code"] == "ray_away" and backend.describe()["gpus_free"] == 0
    ray_site.up()
    eventually(lambda: not shop.trainings())
    status = until(backend, Phase.ENDED)
    assert (status.ended, status.reason.code) == (Ended.KILLED, "ray_head_lost")
    backend.submit(order("endless"))
    until(backend, Phase.RUNNING)
    backend.cancel(KEY, 20.0)
    assert gone_on(backend, 2).ended == Ended.EXITED
    first, second = backend.usage([KEY])
    assert (first.method, second.method) == ("receipt", "accounting")
    assert first.gpu_seconds <= (second.started_at - first.started_at).total_seconds()


def test_an_agent_killed_between_its_journal_and_ray_hands_the_same_number_over(backend, shop, ray_site):
    the_order = order("endless")
    backend.stage(KEY, "in").mkdir(parents=True)
    backend._write_down(KEY, 1, f"{shop.options['prefix']}{KEY}.1")
    assert backend.poll([KEY])[KEY].phase == Phase.UNKNOWN
    assert backend_for(shop.config).submit(the_order) == backend.submit(the_order)
    until(backend, Phase.RUNNING)
    assert len(ray_site.jobs(shop.options["prefix"])) == 1


def test_an_order_no_node_can_hold_is_refused_with_its_reason(backend):
    submit(backend, order(gpus=GPUS + 1))
    status = backend.poll([KEY])[KEY]
    assert (status.ended, status.reason.code) == (Ended.REFUSED, "no_node_so_large")
    submit(backend, order(key=OTHER, gpus=2, nodes=2))
    assert backend.poll([OTHER])[OTHER].reason.code == "multi_node_unsupported"
    submit(backend, order(key="ft-third-1", image="sha256:" + "0" * 64))
    assert backend.poll(["ft-third-1"])["ft-third-1"].reason.code == "containers_unsupported"


def test_a_training_program_that_is_not_there_is_a_typed_reason(backend, shop):
    shop.options = {**shop.options, "python": "/nowhere/python"}
    shop.write()
    backend = backend_for(shop.config)
    submit(backend, order())
    status = until(backend, Phase.ENDED)
    assert (status.ended, status.reason.code) == (Ended.CANNOT_START, "no_receipt")
    assert "/nowhere/python" in status.detail
    assert backend.usage([KEY]) == []


def test_the_training_sees_its_devices_and_nothing_of_the_cluster(shop):
    show = ["/usr/bin/env", "python3", "-c", "import json,os; print(json.dumps(dict(os.environ)))"]
    shop.options = {**shop.options, "command": show}
    shop.command = []
    shop.write()
    backend = backend_for(shop.config)
    submit(backend, order())
    until(backend, Phase.ENDED)
    seen = backend.logs(KEY, 0, 100_000).decode()
    assert '"CUDA_VISIBLE_DEVICES": "' in seen
    assert '"RAY_' not in seen and backend.options.token not in seen


def test_a_wrong_token_and_a_wrong_address_are_told_apart(backend, shop, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("f" * 64)

    def at(**options):
        return backend_for(replace(shop.config, options={**shop.config.options, **options}))

    assert at(token_file=str(wrong)).describe()["trouble"]["code"] == "ray_token_refused"
    assert at(address="http://127.0.0.1:1").describe()["trouble"]["code"] == "ray_away"
    with pytest.raises(BackendError, match="token_file cannot be read"):
        at(token_file=str(tmp_path / "none"))
    with pytest.raises(BackendError, match=r"backend.ray.adress is not known"):
        at(adress="http://127.0.0.1:1")
    with pytest.raises(BackendError, match=r"backend.ray.resources is of another kind"):
        at(resources={"gpu": "many"})


def test_the_doctor_finds_the_cluster_in_order_and_names_what_is_not(backend, shop):
    well = shop.command_line("doctor").stdout
    assert "ok    the cluster answers: Ray 2." in well
    assert "ok    the cluster asks for a token" in well
    assert "ok    a job may have 1 GPUs (allow.max_gpus)" in well
    shop.options["address"], shop.allow = "http://127.0.0.1:1", {"max_gpus": GPUS + 1}
    shop.write()
    ill = shop.command_line("doctor").stdout
    assert "WRONG The site's Ray cluster does not answer." in ill
