# ruff: noqa: F811 (fixtures of the other file)
"""Slurm itself breaks: controller, node, accounting and munge go and come back; no run is lost and none is unpaid."""

import os
import signal
import time

import pytest

from jobs.agent.backends.base import Ended, Phase
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from tests.jobs.agent.test_backends import KEY, order, submit, until
from tests.jobs.agent.test_slurm import changed, ended, metered, name, shop, slurm, steps  # noqa: F401 (fixtures)
from tests.jobs.agent.workshop import eventually

pytestmark = [pytest.mark.slurm, pytest.mark.long]


def test_a_controller_that_dies_young_loses_no_run(slurm, slurm_site, shop, name):
    """Killed so early that it forgets the start; what the accounting then lacks, the receipt still says."""
    slurm = changed(shop, lost_seconds=5)
    submit(slurm, order("slow"))
    until(slurm, Phase.RUNNING)
    slurm_site.stop("slurmctld", kill=True)
    with pytest.raises(SlurmTrouble) as caught:
        eventually(lambda: slurm.poll([KEY]) and None, seconds=10)
    assert caught.value.reason.code == "controller_down"
    about = slurm.describe()
    assert (about["gpus_free"], about["trouble"]["code"]) == (0, "controller_down")
    eventually(lambda: shop.receipts("end"))
    slurm_site.start("slurmctld")
    status = ended(slurm)
    while status.ended in (Ended.KILLED, Ended.SUSPENDED):  # the recovered controller may have ended it
        slurm.submit(order("slow"))
        status = ended(slurm)
    assert (status.ended, status.exit_code) == (Ended.EXITED, 0)
    assert len(shop.receipts("start")) == len(shop.receipts("end"))
    (row,) = slurm.usage([KEY])
    if row.method == "accounting":  # what it has; the receipt beside it says what is missing
        assert row.gpu_seconds == slurm_site.gpu_seconds(name)
        assert 5 <= row.receipt_gpu_seconds <= 60
    else:
        assert 5 <= row.gpu_seconds <= 60


def test_a_controller_that_comes_back_finds_the_run_it_had(slurm, slurm_site, shop, name):
    submit(slurm, order("endless"))
    until(slurm, Phase.RUNNING)
    time.sleep(8)  # until its state has been written to disk
    slurm_site.stop("slurmctld", kill=True)
    time.sleep(2)
    slurm_site.start("slurmctld")
    assert until(slurm, Phase.RUNNING).starts == 1
    slurm.cancel(KEY, 20.0)
    assert ended(slurm).exit_code == 0
    assert metered(slurm) == slurm_site.gpu_seconds(name) >= 8


def test_a_node_that_dies_gives_its_run_back(slurm, slurm_site, shop, name):
    submit(slurm, order("slow"))
    until(slurm, Phase.RUNNING)
    steps(slurm)
    slurm_site.stop(slurm_site.node, kill=True)
    for pid in [*shop.wrappers(), *shop.trainings()]:
        os.kill(pid, signal.SIGKILL)
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=DOWN", "reason=died")
    status = ended(slurm)
    assert (status.ended, status.reason.code, status.kills) == (Ended.KILLED, "node_failed", 1)
    slurm_site.all_run()
    slurm.submit(order("slow"))
    status = eventually(lambda: next((s for s in [slurm.poll([KEY])[KEY]] if s.starts == 2 and s.phase == "ended"), 0))
    assert status.exit_code == 0
    assert metered(slurm) == slurm_site.gpu_seconds(name)


def test_a_slurmd_that_comes_back_keeps_its_run(slurm, slurm_site, shop):
    submit(slurm, order("slow"))
    until(slurm, Phase.RUNNING)
    slurm_site.stop(slurm_site.node, kill=True)
    slurm_site.start(slurm_site.node)
    status = ended(slurm)
    assert (status.ended, status.exit_code, status.starts) == (Ended.EXITED, 0, 1)


def test_accounting_that_is_away_delays_nothing_and_loses_nothing(slurm, slurm_site, name):
    slurm_site.stop("slurmdbd", kill=True)
    submit(slurm, order("slow"))
    status = ended(slurm)
    assert (status.ended, status.exit_code) == (Ended.EXITED, 0)
    assert slurm.describe()["trouble"]["code"] == "accounting_down"
    counted = metered(slurm)
    slurm_site.start("slurmdbd")
    eventually(lambda: slurm_site.gpu_seconds(name) == counted > 0)
    assert metered(slurm) == counted
    slurm.slurm.forget()
    eventually(lambda: slurm.poll([KEY]) and "trouble" not in slurm.describe())


def test_a_munge_that_is_away_is_named(slurm, slurm_site):
    slurm_site.stop("munged")
    with pytest.raises(SlurmTrouble) as caught:
        slurm.slurm.forget()
        submit(slurm, order())
    slurm_site.start("munged")
    assert caught.value.reason.code == "munge_down"
    assert not caught.value.refused
    slurm.submit(order())
    assert ended(slurm).exit_code == 0
