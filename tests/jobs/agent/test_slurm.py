"""Slurm's own ways of going wrong, provoked on a real site: each ends once, with a name, and metered to the second."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from jobs.agent.backends import backend_for
from jobs.agent.backends.base import BackendError, Ended, Phase
from jobs.agent.backends.slurm_witnesses import JOURNAL
from tests.jobs.agent.test_backends import KEY, made, order, submit, until
from tests.jobs.agent.workshop import ROOT, Workshop, eventually

pytestmark = [pytest.mark.slurm, pytest.mark.long]


@pytest.fixture
def shop(slurm_options, tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.agent_table, shop.options = {"backend": "slurm"}, slurm_options
    shop.write()
    return shop


@pytest.fixture
def slurm(slurm_site, shop):
    """A back-end whose jobs are gone after the test, whatever the test has done to the site."""
    yield backend_for(shop.config)
    slurm_site.all_run()
    slurm_site.ask("scancel", "--user=root", fails=True)
    eventually(lambda: not slurm_site.ask("squeue", "-h"), seconds=60)


@pytest.fixture
def name(shop):
    return shop.options["prefix"] + KEY


def changed(shop, **options):
    shop.options = {**shop.options, **options}
    shop.write()
    return backend_for(shop.config)


def steps(backend, least=3):
    eventually(lambda: f"step {least}".encode() in backend.logs(KEY, 0, 100_000))


def ended(backend, seconds=120):
    return eventually(
        lambda: next((s for s in [backend.poll([KEY])[KEY]] if s.phase == Phase.ENDED), None),
        seconds=seconds, note=lambda: str(backend.poll([KEY])),
    )  # fmt: skip


def metered(backend):
    return sum(row.gpu_seconds for row in backend.usage([KEY]))


# ---- submitted once -------------------------------------------------------------------------------------------------


def test_gpu_seconds_are_those_of_sacct(slurm, slurm_site, name):
    submit(slurm, order("slow", gpus=2))
    status = ended(slurm)
    (row,) = slurm.usage([KEY])
    assert (status.ended, status.exit_code, row.method, row.gpus) == (Ended.EXITED, 0, "accounting", 2)
    assert row.gpu_seconds == slurm_site.gpu_seconds(name) == 2 * (row.ended_at - row.started_at).seconds >= 12
    assert row.energy_joules is None
    assert abs(row.receipt_gpu_seconds - row.gpu_seconds) <= 4
    assert row.cluster == slurm_site.name


def test_a_job_sees_the_gpus_it_was_given_and_no_word_of_the_agents(slurm, shop):
    seen = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    backend = changed(shop, command=seen, environment={"EXTRA": "1"})
    os.environ["SECRET_OF_THE_AGENT"] = "x"
    try:
        submit(backend, order(gpus=2))
    finally:
        del os.environ["SECRET_OF_THE_AGENT"]
    ended(backend)
    environment = json.loads(backend.logs(KEY, 0, 100_000))
    assert len(environment["CUDA_VISIBLE_DEVICES"].split(",")) == 2
    assert environment["EXTRA"] == "1"
    assert "SECRET_OF_THE_AGENT" not in environment


def test_an_exit_code_arrives_as_it_was(slurm, slurm_site, name):
    submit(slurm, order("crash"))
    status = ended(slurm)
    assert (status.ended, status.exit_code, status.signal) == (Ended.EXITED, 3, None)
    assert slurm_site.ask("sacct", "-n", "-X", "-P", "--name", name, "-o", "State,ExitCode").strip() == "FAILED|3:0"


@pytest.mark.parametrize("moment", ["before sbatch", "after sbatch"])
def test_an_agent_killed_while_it_submits_makes_the_job_run_once(slurm, slurm_site, shop, name, moment):
    """A process of its own is killed at the very line; the next one finds the job, or hands it over."""
    script = f"""
import os, pickle, signal, sys
from pathlib import Path
from jobs.agent.backends import backend_for
from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.config import read_config
original = Slurm.sbatch
def killed(self, words, script):
    if {moment == "after sbatch"}:
        original(self, words, script)
    os.kill(os.getpid(), signal.SIGKILL)
Slurm.sbatch = killed
backend_for(read_config(Path({str(shop.file)!r}))).submit(pickle.load(sys.stdin.buffer))
"""
    import pickle

    the_order = order("slow")
    for part in ("train", "validation", "test"):
        from tests.jobs.scene import row_lines

        (made(slurm.stage(KEY, "in")) / f"{part}.jsonl").write_bytes(row_lines(4, part))
    done = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(the_order), cwd=ROOT, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert json.loads((shop.work / "jobs" / KEY / JOURNAL).read_text())["submissions"][0]["native_id"] is None
    assert len(slurm_site.jobs(name)) == (1 if moment == "after sbatch" else 0)
    native = slurm.submit(the_order)
    assert slurm.submit(the_order) == native
    assert ended(slurm).exit_code == 0
    assert slurm_site.jobs(name) == [native]
    assert len(shop.receipts("start")) == 1


def test_of_two_copies_of_a_submission_one_runs(slurm, slurm_site, shop, name):
    """What the look-up cannot see, the claim on the node still catches."""
    the_order = order("slow")
    submit(slurm, the_order)
    words, script = slurm.words(the_order, 1, 5), slurm.script(shop.work / "jobs" / KEY, 1)
    second = slurm.slurm.sbatch(words, script)
    until(slurm, Phase.RUNNING)
    assert slurm_site.jobs(name, "PENDING") == [second]
    status = ended(slurm)
    assert (status.exit_code, status.starts) == (0, 1)
    eventually(lambda: not slurm_site.jobs(name, "PENDING", "RUNNING", "COMPLETING"))
    assert len(shop.receipts("start")) == 1
    eventually(lambda: metered(backend_for(shop.config)) == slurm_site.gpu_seconds(name))


def test_a_job_whose_folder_is_gone_leaves_without_a_trace(slurm, slurm_site, shop, name):
    slurm_site.ask("scontrol", "update", "partitionname=gpu", "state=DOWN")
    submit(slurm, order())
    slurm.wipe(KEY)
    slurm_site.ask("scontrol", "update", "partitionname=gpu", "state=UP")
    assert not slurm_site.jobs(name, "PENDING", "RUNNING")
    slurm.slurm.sbatch(slurm.words(order(), 1, 5), slurm.script(shop.work / "jobs" / KEY, 1).replace("exec", "cd /;"))
    eventually(lambda: slurm_site.jobs(name, "COMPLETED", "FAILED"))
    assert not shop.receipts("start")


# ---- ended from outside ---------------------------------------------------------------------------------------------


def test_an_operator_who_cancels_a_run_means_it(slurm, slurm_site, name):
    # One that does not end well at Slurm's own SIGTERM, and has run for some of Slurm's whole seconds.
    native = submit(slurm, order("stubborn"))
    until(slurm, Phase.RUNNING)
    steps(slurm, 20)
    slurm_site.ask("scancel", native)
    status = ended(slurm)
    assert (status.ended, status.reason.code) == (Ended.ENDED_BY_SITE, "ended_by_operator")
    assert "CANCELLED by user 0" in status.detail
    assert slurm.submit(order("stubborn")) == native
    assert metered(slurm) == slurm_site.gpu_seconds(name) > 0


def test_a_job_cancelled_in_the_queue_costs_nothing(slurm, slurm_site, name):
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=DRAIN", "reason=test")
    submit(slurm, order())
    assert slurm.poll([KEY])[KEY].phase == Phase.PENDING
    slurm.cancel(KEY, 60.0)
    assert ended(slurm).ended == Ended.CANCELLED
    assert slurm.usage([KEY]) == []


def test_a_drained_node_takes_no_work_and_is_not_counted(slurm, slurm_site):
    before = slurm.describe()
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=DRAIN", "reason=test")
    eventually(lambda: slurm.describe()["gpus_total"] == 0)
    submit(slurm, order())
    time.sleep(1)
    assert slurm.poll([KEY])[KEY].phase == Phase.PENDING
    eventually(lambda: slurm.describe()["queue"] == 1)
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=RESUME")
    assert ended(slurm).exit_code == 0
    assert before["gpus_total"] == before["gpus_free"] == 4


def test_a_run_requeued_by_the_operator_goes_on_and_both_starts_are_counted(slurm, slurm_site, shop, name):
    native = submit(slurm, order("slow"))
    until(slurm, Phase.RUNNING)
    steps(slurm)
    slurm_site.ask("scontrol", "update", f"jobid={native}", "requeue=1")
    slurm_site.ask("scontrol", "requeue", native)
    status = ended(slurm)
    assert (status.ended, status.exit_code, status.starts, status.native_id) == (Ended.EXITED, 0, 2, native)
    rows = slurm.usage([KEY])
    assert [row.native_id for row in rows] == [native, native]
    assert rows[0].ended_at <= rows[1].started_at
    assert metered(slurm) == slurm_site.gpu_seconds(name)
    first, second = (json.loads((shop.work / f"jobs/{KEY}/runs/{run}/start.json").read_text()) for run in ("1", "1.1"))
    assert first["job_id"] == second["job_id"]


def test_a_run_at_the_sites_limit_ends_there_with_what_it_has(slurm, slurm_site, shop, monkeypatch):
    """The operator shortens the limit: the warning reaches the wrapper, and the training delivers."""
    monkeypatch.setattr("jobs.agent.backends.slurm.SlurmBackend._minutes", lambda *_: (1, False))
    backend = changed(shop, signal_seconds=50)
    submit(backend, order("endless"))
    status = ended(backend)
    assert status.ended == Ended.TIME_LIMIT
    assert (backend.stage(KEY, "out") / "artefacts" / "manifest.json").exists()


def test_a_run_that_ignores_the_limit_is_ended_at_it(slurm, slurm_site, shop, name, monkeypatch):
    monkeypatch.setattr("jobs.agent.backends.slurm.SlurmBackend._minutes", lambda *_: (1, False))
    submit(slurm, order("stubborn"))
    status = ended(slurm, seconds=240)
    assert status.ended == Ended.TIME_LIMIT
    assert "TIMEOUT" in status.detail
    assert metered(slurm) == slurm_site.gpu_seconds(name) >= 60


def test_a_run_longer_than_the_sites_longest_goes_on_in_a_next_job(slurm, slurm_site, shop, name):
    backend = changed(shop, max_minutes=1, signal_seconds=55)
    submit(backend, order("slow"))
    status = ended(backend)
    while status.ended == Ended.SUSPENDED:
        backend.submit(order("slow"))
        status = ended(backend)
    assert (status.ended, status.exit_code) == (Ended.EXITED, 0)
    assert metered(backend) == slurm_site.gpu_seconds(name)


def test_too_much_memory_is_called_by_its_name(slurm, slurm_site, shop, name):
    backend = changed(shop, extra=["--mem=300M"])
    submit(backend, order("memory"))
    status = ended(backend)
    assert status.ended == Ended.OUT_OF_MEMORY
    assert status.reason.hint_code == "out_of_memory"
    assert metered(backend) == slurm_site.gpu_seconds(name)


def test_a_training_killed_on_its_node_may_be_started_again(slurm, shop, slurm_site, name):
    submit(slurm, order("slow"))
    until(slurm, Phase.RUNNING)
    steps(slurm)
    os.kill(shop.trainings()[0], signal.SIGKILL)
    status = ended(slurm)
    assert (status.ended, status.kills) == (Ended.KILLED, 1)
    slurm.submit(order("slow"))
    status = eventually(lambda: next((s for s in [slurm.poll([KEY])[KEY]] if s.starts == 2 and s.phase == "ended"), 0))
    assert (status.ended, status.exit_code, status.kills) == (Ended.EXITED, 0, 1)
    assert metered(slurm) == slurm_site.gpu_seconds(name)


def test_a_program_that_is_not_there_is_said_to_be_missing(slurm, shop):
    backend = changed(shop, python="/nowhere/python")
    submit(backend, order())
    status = ended(backend)
    assert (status.ended, status.reason.code) == (Ended.CANNOT_START, "no_receipt")


# ---- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"account": "nobodys"}, "account_unknown"),
        ({"partition": "nowhere"}, "partition_unknown"),
        ({"qos": "golden"}, "qos_unknown"),
        ({"gpu_type": "abacus"}, "shape_unknown"),
        ({"extra": ["--no-such-option"]}, "option_refused"),
        ({"partition": "short", "extra": ["--time=30"]}, "time_too_long"),
    ],
)
def test_what_slurm_refuses_for_good_ends_the_job_with_its_reason(slurm, slurm_site, shop, name, options, code):
    backend = changed(shop, **options)
    submit(backend, order())
    status = ended(backend)
    assert (status.ended, status.reason.code) == (Ended.REFUSED, code)
    assert backend.usage([KEY]) == []
    assert not slurm_site.jobs(name, "PENDING", "RUNNING")


def test_more_gpus_than_any_node_has_are_refused(slurm):
    submit(slurm, order(gpus=5))
    assert slurm.poll([KEY])[KEY].reason.code == "shape_unknown"


def test_a_job_that_waits_beyond_its_latest_start_expires(slurm, slurm_site):
    """Either the deadline that Slurm was given ends it, or the wrapper refuses; it never runs."""
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=DRAIN", "reason=test")
    submit(slurm, order(not_after=datetime.now(UTC) + timedelta(seconds=3)))
    time.sleep(4)
    slurm_site.ask("scontrol", "update", f"nodename={slurm_site.node}", "state=RESUME")
    status = ended(slurm)
    assert status.ended == Ended.NOT_AFTER
    assert not slurm.logs(KEY, 0, 10)


def test_a_tenants_own_account_pays(slurm, slurm_site, shop, name):
    account(slurm_site, "tenant1")
    backend = changed(shop, accounts={"org-1": "tenant1"})
    submit(backend, order(tenant="org-1"))
    ended(backend)
    assert slurm_site.ask("sacct", "-n", "-X", "-P", "--name", name, "-o", "Account").strip() == "tenant1"


def test_a_budget_kept_by_the_site_itself_stops_what_exceeds_it(slurm, slurm_site, shop):
    """GrpTRESMins is the last stop, should the portal ever be wrong."""
    account(slurm_site, "tenant2", "GrpTRESMins=gres/gpu=2")
    backend = changed(shop, account="tenant2")
    submit(backend, order(gpus=2))
    status = ended(backend)
    assert (status.ended, status.reason.code) == (Ended.REFUSED, "budget_spent")


def account(slurm_site, name, *limits):
    add = ("sacctmgr", "-iQ", "add")
    slurm_site.ask(*add, "account", name, f"Cluster={slurm_site.name}", "Parent=paas", *limits, fails=True)
    slurm_site.ask(*add, "user", "root", f"Account={name}", fails=True)


def test_an_unknown_option_is_named(slurm, shop):
    with pytest.raises(BackendError, match=r"backend\.slurm\.max_minutes"):
        changed(shop, max_minutes="ten")
    del shop.options["max_minutes"]
    with pytest.raises(BackendError, match=r"backend\.slurm\.colour"):
        changed(shop, colour="blue")
