# ruff: noqa: F811 (fixtures of the other file)
"""More of Slurm's ways of going wrong, each provoked on a real site and given its name."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from jobs.agent.backends.base import Ended, Phase
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from tests.jobs.agent.test_backends import KEY, order, submit, until
from tests.jobs.agent.test_slurm import account, changed, ended, metered, name, shop, slurm, steps  # noqa: F401 (fixtures)
from tests.jobs.agent.workshop import eventually
from tests.support import require

pytestmark = [pytest.mark.slurm, pytest.mark.long]


def controller_of(site):
    return int(site.tool("status", site.name).partition("slurmctld: pid ")[2].split()[0])


@pytest.fixture
def rules(slurm_site, slurm):
    """Lines of slurm.conf for one test: `rules("MaxJobCount=…")`; the controller reads them at its next start."""
    extra = slurm_site.folder / "etc" / "extra.conf"
    before = extra.read_text()

    def give(*lines, restart=False):
        extra.write_text(before + "\n".join(lines) + "\n")
        if restart:
            slurm_site.stop("slurmctld")
            slurm_site.start("slurmctld")
        else:
            slurm_site.ask("scontrol", "reconfigure")
        slurm_site.all_run()

    yield give
    slurm_site.ask("scancel", "--user=root", fails=True)
    eventually(lambda: not slurm_site.ask("squeue", "-h", fails=True), seconds=60)
    extra.write_text(before)
    slurm_site.stop("slurmctld")
    slurm_site.start("slurmctld")
    slurm_site.all_run()


def refused_with(backend):
    status = ended(backend)
    assert status.ended == Ended.REFUSED
    assert backend.usage([KEY]) == []
    return status.reason.code


def trouble_of(backend, act):
    """The name of what a step of the agent meets; it is the site's trouble, so the job is handed over again later."""
    with pytest.raises(SlurmTrouble) as caught:
        backend.slurm.forget()
        act()
    assert not caught.value.refused
    return caught.value.reason.code


def test_a_training_program_that_is_not_there(slurm, shop, slurm_site, name):
    backend = changed(shop, command=["/nowhere/train"])
    submit(backend, order())
    status = ended(backend)
    assert (status.ended, status.detail.count("/nowhere/train")) == (Ended.CANNOT_START, 1)
    assert metered(backend) == slurm_site.gpu_seconds(name)


def test_a_run_makes_room_for_a_more_urgent_one_and_goes_on(slurm, shop, slurm_site, name, rules):
    rules(
        "PreemptType=preempt/partition_prio", "PreemptMode=CANCEL",
        "PartitionName=urgent Nodes=ALL MaxTime=10 State=UP PriorityTier=10", restart=True,
    )  # fmt: skip
    submit(slurm, order("slow", gpus=4))
    until(slurm, Phase.RUNNING)
    steps(slurm)
    slurm_site.ask("sbatch", "-p", "urgent", "-A", "paas", "--gres=gpu:4", "--wrap", "sleep 2")
    status = ended(slurm)
    assert (status.ended, status.reason.code, status.kills) == (Ended.SUSPENDED, "preempted", 0)
    slurm.submit(order("slow", gpus=4))
    status = eventually(
        lambda: next((s for s in [slurm.poll([KEY])[KEY]] if s.starts == 2 and s.phase == Phase.ENDED), None)
    )
    assert (status.ended, status.exit_code) == (Ended.EXITED, 0)
    assert metered(slurm) == slurm_site.gpu_seconds(name)


def test_a_queue_that_holds_as_many_jobs_as_it_may(slurm, shop, slurm_site):
    account(slurm_site, "crowded", "MaxSubmitJobs=1")
    backend = changed(shop, account="crowded")
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=DRAIN", "reason=test")
    slurm_site.ask("sbatch", "-A", "crowded", "--wrap", "sleep 1")
    assert trouble_of(backend, lambda: submit(backend, order())) == "controller_busy"
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=RESUME")
    eventually(lambda: not slurm_site.ask("squeue", "-h"))
    backend.submit(order())
    assert ended(backend).exit_code == 0


def test_a_controller_that_hangs(slurm, shop, slurm_site):
    backend = changed(shop, timeout_seconds=1)
    pid = controller_of(slurm_site)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert trouble_of(backend, lambda: backend.slurm.queue()) == "controller_slow"
        assert backend.describe()["trouble"]["code"] == "controller_slow"
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: "trouble" not in backend.describe())


def test_a_controller_that_finds_a_request_too_old(slurm, slurm_site, rules):
    """Credentials of one second, and a controller that reads ours only after three."""
    rules(f"AuthInfo=socket={slurm_site.folder}/munge/socket,cred_expire=5,ttl=1", restart=True)
    pid = controller_of(slurm_site)
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(3.0, os.kill, (pid, signal.SIGCONT)).start()
    assert trouble_of(slurm, lambda: submit(slurm, order())) == "munge_expired"
    slurm.submit(order())
    status = ended(slurm)
    assert (status.exit_code, status.starts) == (0, 1)


@pytest.fixture
def small_disk(slurm_site):
    """The controller keeps its state on a disk of its own for a while; what it has there is carried back."""
    state, kept = slurm_site.folder / "state", slurm_site.folder / "state.kept"
    slurm_site.stop("slurmctld")
    carry(state, kept)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "none", state], capture_output=True, check=False
    )
    try:
        require(mounted.returncode == 0, f"a disk of its own (mount -t tmpfs): {mounted.stderr.decode().strip()}")
        carry(kept, state)
        slurm_site.start("slurmctld")
        slurm_site.all_run()
        yield state
        slurm_site.stop("slurmctld")
        shutil.rmtree(kept)
        carry(state, kept)
    finally:
        subprocess.run(["umount", state], capture_output=True, check=mounted.returncode == 0)
        carry(kept, state)
        shutil.rmtree(kept)
        slurm_site.start("slurmctld")
        slurm_site.all_run()


def carry(source, target):
    """With owners and modes: slurmctld writes there as a user of its own."""
    done = subprocess.run(["cp", "-a", f"{source}/.", str(target)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_controller_whose_disk_is_full(slurm, small_disk):
    fill = small_disk / "fill"
    with contextlib.suppress(OSError), fill.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    try:
        assert trouble_of(slurm, lambda: submit(slurm, order())) == "scheduler_disk_full"
    finally:
        fill.unlink()
    slurm.submit(order())
    status = ended(slurm)
    assert (status.exit_code, status.starts) == (0, 1)


def test_a_node_without_slurm(shop, slurm, tmp_path):
    backend = changed(shop, bin=str(tmp_path))
    assert trouble_of(backend, lambda: submit(backend, order())) == "commands_missing"


def test_a_node_without_the_clusters_configuration(shop, slurm, tmp_path):
    backend = changed(shop, conf=str(tmp_path / "slurm.conf"))
    assert trouble_of(backend, lambda: submit(backend, order())) == "configuration_missing"


def test_a_site_whose_own_rules_refuse_the_job(shop, slurm, slurm_site, rules, tmp_path):
    """A plug-in of the site's that takes no job without a time limit; the agent is told to name none."""
    rules("JobSubmitPlugins=require_timelimit", restart=True)
    with pytest.MonkeyPatch.context() as patch:
        words = type(slurm).words
        patch.setattr(
            type(slurm), "words",
            lambda self, *some, **more: [one for one in words(self, *some, **more) if not one.startswith("--time=")],
        )  # fmt: skip
        submit(slurm, order())
    assert refused_with(slurm) in ("job_script_refused", "time_too_long")


def test_a_controller_that_has_forgotten_everything(slurm, shop, slurm_site):
    """Its state and the accounting's rows are gone while the run is on, and the run's processes with them."""
    slurm = changed(shop, lost_seconds=3)
    native = submit(slurm, order("endless"))
    until(slurm, Phase.RUNNING)
    steps(slurm)
    slurm_site.stop("slurmctld", kill=True)
    slurm_site.stop(slurm_site.node, kill=True)
    for pid in [*shop.wrappers(), *shop.trainings()]:
        os.kill(pid, signal.SIGKILL)
    for path in (slurm_site.folder / "state").glob("*"):
        if path.is_file() and path.name.startswith(("job_state", "resv_state")):
            path.unlink()
    table = f"{slurm_site.name}_job_table"
    words = ("mariadb", "--no-defaults", "-uroot", "-S", str(slurm_site.folder / "mysql/socket"), "slurm_acct", "-e")
    slurm_site.ask(*words, f"delete from {table} where id_job={native}")  # noqa: S608
    slurm_site.start("slurmctld")
    slurm_site.all_run()
    time.sleep(4)
    status = ended(slurm)
    assert (status.ended, status.reason.code) == (Ended.KILLED, "lost_by_scheduler")
