"""How Slurm's words are read, on lines that real versions have printed; no Slurm is needed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.agent.backends.base import Ended, Phase, Status
from jobs.agent.backends.slurm_reasons import COMPLAINTS, ENDS, hopeless, trouble_from
from jobs.agent.backends.slurm_rows import FINAL, SACCT_FIELDS, node_rows, queue_rows, sacct_rows, seconds
from jobs.agent.backends.slurm_status import Facts, Run, merged, status_of
from jobs.agent.outcome import outcome
from jobs.execution.charging import RULES

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def line(**words):
    known = {
        "JobIDRaw": "7", "JobName": "k", "State": "COMPLETED", "Reason": "None", "Submit": "1795248890",
        "Start": "1795248896", "End": "1795248899", "AllocTRES": "billing=1,cpu=2,gres/gpu:h100=4,gres/gpu=4,node=1",
        "ExitCode": "0:0", "NodeList": "n1", "Cluster": "c", "ElapsedRaw": "3", "CPUTimeRAW": "6",
        "ConsumedEnergyRaw": "", "JobID": "7", "Account": "paas",
    }  # fmt: skip
    return "|".join({**known, **words}[name] for name in SACCT_FIELDS)


def row(**words):
    (found,) = sacct_rows(line(**words))
    return found


@pytest.mark.parametrize(
    ("words", "what", "value"),
    [
        ({}, "gpus", 4),
        ({"AllocTRES": "cpu=1,gres/gpu:a100=2,gres/gpu:h100=1"}, "gpus", 3),
        ({"AllocTRES": ""}, "gpus", 0),
        ({"ExitCode": "3:0", "State": "FAILED"}, "exit_code", 3),
        ({"ExitCode": "0:9", "State": "FAILED"}, "signal", 9),
        ({"State": "CANCELLED by 1000"}, "by_uid", 1000),
        ({"State": "CANCELLED by 1000", "ElapsedRaw": "0"}, "turned_away", False),
        ({"State": "CANCELLED by 0", "ElapsedRaw": "0"}, "turned_away", True),
        ({"State": "CANCELLED by 0", "ElapsedRaw": "0", "NodeList": "None assigned"}, "turned_away", False),
        ({"State": "CANCELLED", "ElapsedRaw": "1"}, "turned_away", True),
        ({"State": "CANCELLED by 0", "ElapsedRaw": "2"}, "turned_away", False),
        ({"State": "FAILED", "ElapsedRaw": "0"}, "turned_away", False),
        ({"State": "CANCELLED by 1000"}, "state", "CANCELLED"),
        ({"End": "Unknown", "State": "RUNNING"}, "ended_at", None),
        ({"Start": "None", "NodeList": "None assigned", "State": "CANCELLED by 0"}, "ran", False),
    ],
)
def test_a_line_of_sacct_is_read(words, what, value):
    assert getattr(row(**words), what) == value


@pytest.mark.parametrize(
    ("job", "step", "joules"),
    [
        ("", "1200", 1200),
        ("", "0", None),
        ("", "-2", None),
        ("900", "1200", 1200),
        ("", "4294967294", None),
        ("", "", None),
    ],
)
def test_energy_that_was_not_measured_is_unknown(job, step, joules):
    text = "\n".join(
        [line(ConsumedEnergyRaw=job), line(JobIDRaw="7.batch", ConsumedEnergyRaw=step), line(JobIDRaw="8")]
    )
    first, second = sacct_rows(text)
    assert (first.energy_joules, second.energy_joules) == (joules, None)


@pytest.mark.parametrize(("text", "code", "number"), [("768", 3, 0), ("9", 0, 9), ("3:0", 3, 0), ("0:9", 0, 9)])
def test_a_line_of_squeue_is_read(text, code, number):
    cells = ["5", "k", "FAILED", "NonZeroExitCode", "1795248890", "1795248896", "1795248899", "cpu=1,gres/gpu=2", text]
    (found,) = queue_rows("\x1f".join([*cells, "1", "n1", "c", "paas", "5", "N/A", ""]))
    assert (found.exit_code, found.signal, found.gpus, found.elapsed, found.restarts) == (code, number, 2, 3, 1)


def test_nodes_of_sinfo_are_counted_by_type():
    held = "gpu:h100:3(IDX:0-2),gpu:a100:0(IDX:N/A)"
    cells = ["n1", "gpu*", "mix", "gpu:h100:4(S:0-1),gpu:a100:2", held, "1-00:00:00", "24.11.5", "up", "none", ""]
    text = "\x1f".join(cells)
    (any_kind,), (h100,) = node_rows(text), node_rows(text, "h100")
    assert (any_kind.gpus, any_kind.used, h100.gpus, h100.used) == (6, 3, 4, 3)
    assert (h100.partition, h100.max_seconds, h100.version) == ("gpu", 86400, "24.11.5")


@pytest.mark.parametrize(("text", "value"), [("1-02:03:04", 93784), ("10:00", 600), ("infinite", None), ("n/a", None)])
def test_times_of_slurm_are_seconds(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("said", "code", "refused"),
    [
        ("sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
         "account_unknown", True),
        ("sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition "
         "name specified", "partition_unknown", True),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available",
         "shape_unknown", True),
        ("sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
         "time_too_long", True),
        ("sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's "
         "size and/or time limits)", "budget_spent", True),
        ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", "controller_down", False),
        ("slurm_load_jobs error: Socket timed out on send/recv operation", "controller_down", False),
        ("sbatch: error: If munged is up, restart with --num-threads=10\nsbatch: error: Munge encode failed: Failed to "
         'access "/run/munge/munge.socket.2": No such file or directory', "munge_down", False),
        ("error: Munge decode failed: Expired credential", "munge_expired", False),
        ("slurm_load_jobs error: Zero Bytes were transmitted or received", "munge_expired", False),
        ("sbatch: error: Batch job submission failed: I/O error writing script/environment to file",
         "scheduler_disk_full", False),
        ("sacct: error: _open_persist_conn: failed to open persistent connection to host:127.0.0.1:6819: Connection "
         "refused\nsacct: error: Sending PersistInit msg: Connection refused\nsacct: error: Problem talking to the "
         "database: Connection refused", "accounting_down", False),
        ("sinfo: fatal: Could not establish a configuration source", "configuration_missing", False),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying. Maximum job count",
         "controller_busy", False),
        ("something nobody has seen", "slurm_unforeseen", False),
    ],
)  # fmt: skip
def test_a_complaint_has_a_name(said, code, refused):
    trouble = trouble_from(said)
    assert (trouble.reason.code, trouble.refused) == (code, refused)


def test_every_reason_has_a_sentence_a_next_step_and_a_rule_of_charging():
    reasons = [end.reason for end in ENDS.values() if end.reason] + [one.reason for one in COMPLAINTS]
    rules = {str(rule.code) for rule in RULES}
    for reason in reasons:
        assert reason.sentence.endswith(".")
        assert reason.next_step.endswith(".")
        assert reason.hint_code in rules
    assert set(ENDS) >= FINAL


def test_a_job_that_waits_without_hope_is_known_by_its_reason():
    assert hopeless("AssocGrpGRESMinutes").code == "budget_spent"
    assert hopeless("Resources") is hopeless("Priority") is None


# ---- witnesses ------------------------------------------------------------------------------------------------------


def facts(*rows, runs=(), journal=None, **words):
    submissions = [{"number": 1, "at": AT.isoformat(), "native_id": "7"}]
    return Facts(key="k", journal=journal or {"submissions": submissions}, rows=list(rows), runs=list(runs), **words)


def run(why="exited", code=0, number=1, job_id="7", **words):
    end = {"why": why, "exit_code": code, "signal": None, "ended_at": AT.isoformat(), "detail": ""} if why else None
    return Run(**{
        "number": number, "restart": 0, "job_id": job_id, "started_at": AT, "seen_at": AT, "end": end, **words,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("state", "runs", "words", "ended", "code"),
    [
        ("COMPLETED", [run()], {}, Ended.EXITED, None),
        ("COMPLETED", [], {}, Ended.KILLED, "node_did_not_start"),
        ("FAILED", [run(code=3)], {}, Ended.EXITED, None),
        ("FAILED", [], {}, Ended.CANNOT_START, "no_receipt"),
        ("FAILED", [run(why=None)], {}, Ended.KILLED, None),
        ("FAILED", [run(why=None)], {"said": "error: Exceeded job memory limit"}, Ended.OUT_OF_MEMORY, "out_of_memory"),
        ("OUT_OF_MEMORY", [run(why="killed")], {}, Ended.OUT_OF_MEMORY, "out_of_memory"),
        ("TIMEOUT", [run(why="suspended")], {}, Ended.TIME_LIMIT, "time_limit"),
        ("TIMEOUT", [run(why="suspended")], {"goes_on": True}, Ended.SUSPENDED, None),
        ("CANCELLED by 0", [run(why="suspended")], {}, Ended.ENDED_BY_SITE, "ended_by_operator"),
        ("CANCELLED by 0", [run(why="suspended")], {"cancelled": True}, Ended.CANCELLED, None),
        ("CANCELLED by 0", [], {}, Ended.ENDED_BY_SITE, "ended_by_operator"),
        ("PREEMPTED", [run(why="suspended")], {}, Ended.SUSPENDED, "preempted"),
        ("NODE_FAIL", [run(why=None)], {}, Ended.KILLED, "node_failed"),
        ("BOOT_FAIL", [], {}, Ended.KILLED, "node_did_not_start"),
        ("DEADLINE", [], {}, Ended.NOT_AFTER, "deadline"),
        ("DEADLINE", [run(why="suspended")], {}, Ended.TIME_LIMIT, "time_limit"),
        ("REVOKED", [], {}, Ended.KILLED, "revoked"),
    ],
)  # fmt: skip
def test_each_state_of_slurm_has_its_meaning(state, runs, words, ended, code):
    status = status_of(facts(row(State=state), runs=runs, **words), at=AT + timedelta(days=300))
    assert (status.phase, status.ended, status.reason.code if status.reason else None) == (Phase.ENDED, ended, code)


@pytest.mark.parametrize(
    ("runs", "words", "ended", "code"),
    [
        ([], {}, Ended.KILLED, "node_did_not_start"),
        ([], {"cancelled": True}, Ended.CANCELLED, None),
        ([run(why=None)], {}, Ended.ENDED_BY_SITE, "ended_by_operator"),
    ],
)
def test_a_job_that_its_node_turned_away_is_started_again_unless_we_wanted_its_end(runs, words, ended, code):
    status = status_of(facts(row(State="CANCELLED by 0", ElapsedRaw="0"), runs=runs, **words), at=AT)
    assert (status.ended, status.reason.code if status.reason else None) == (ended, code)


def test_where_nobody_says_whose_word_it_was_it_is_the_operators():
    """The controller and slurmrestd do not say it."""
    told = replace(row(State="CANCELLED", ElapsedRaw="0"), by_uid=None)
    assert status_of(facts(told), at=AT).ended == Ended.ENDED_BY_SITE


def test_the_reason_of_the_site_reaches_the_portal(tmp_path):
    status = status_of(facts(row(State="NODE_FAIL"), runs=[run(why=None)]), at=AT)
    state, said = outcome(status, tmp_path, cancelled=False)
    assert (state, said["hint_code"], said["sentence"]) == ("failed", "interrupted", "The run's node failed.")
    assert said["result"]["reason"] == "node_failed"
    assert "NODE_FAIL" in said["result"]["detail"]


def test_a_run_cut_off_by_its_limit_delivers_and_says_so(tmp_path):
    (tmp_path / "result.json").write_text('{"state": "stopped"}')
    status = Status(key="k", phase=Phase.ENDED, ended=Ended.TIME_LIMIT)
    assert outcome(status, tmp_path, cancelled=False)[1]["hint_code"] == "time_limit"


def test_preemptions_are_no_kills_and_node_failures_are():
    journal = {"submissions": [{"number": n, "at": AT.isoformat(), "native_id": str(n)} for n in (1, 2, 3)]}
    runs = [run(why=None, number=1, job_id="1"), run(why=None, number=2, job_id="2"), run(number=3, job_id="3")]
    rows = [row(JobIDRaw="1", State="PREEMPTED"), row(JobIDRaw="2", State="NODE_FAIL"), row(JobIDRaw="3")]
    assert status_of(facts(*rows, runs=runs, journal=journal), at=AT).kills == 1


def test_a_job_that_nobody_knows_any_more_ends_by_its_receipt_after_a_while():
    known = facts(runs=[run(code=0)], lost_seconds=60)
    assert status_of(known, at=AT + timedelta(seconds=59)).phase == Phase.RUNNING
    late = status_of(known, at=AT + timedelta(seconds=61))
    assert (late.phase, late.ended, late.exit_code) == (Phase.ENDED, Ended.EXITED, 0)


def test_a_submission_without_an_id_is_handed_over_again():
    journal = {"submissions": [{"number": 1, "at": AT.isoformat(), "native_id": None}]}
    assert status_of(facts(journal=journal), at=AT).phase == Phase.UNKNOWN


def test_a_cancelled_job_that_left_the_queue_without_a_trace_has_ended():
    soon, later = AT + timedelta(seconds=1), AT + timedelta(seconds=10)
    assert status_of(facts(cancelled=True), at=soon).phase == Phase.PENDING
    status = status_of(facts(cancelled=True), at=later)
    assert (status.phase, status.ended, status.starts) == (Phase.ENDED, Ended.CANCELLED, 0)
    assert status_of(facts(), at=later).phase == Phase.PENDING
    assert status_of(facts(cancelled=True, runs=[run(why=None, seen_at=later)]), at=later).phase == Phase.RUNNING


def test_a_second_copy_that_waits_is_not_the_job():
    status = status_of(facts(row(), row(JobIDRaw="8", State="PENDING"), runs=[run()]), at=AT)
    assert (status.phase, status.native_id) == (Phase.ENDED, "7")


def test_the_accounting_is_given_a_moment_before_the_controllers_word_counts():
    ended = row(End=str(int(AT.timestamp())), Start=str(int(AT.timestamp()) - 9))
    soon, later = AT + timedelta(seconds=1), AT + timedelta(seconds=20)
    assert not merged([ended], [], at=soon, waiting=True)[0].final
    assert merged([ended], [], at=soon, waiting=False)[0].final
    assert merged([ended], [], at=later, waiting=True)[0].final
    assert merged([ended], [ended], at=soon, waiting=True) == [ended]


def test_a_runaway_line_of_the_accounting_is_no_running_job():
    assert merged([], [row(State="RUNNING", End="Unknown")], at=AT, waiting=True) == []


def test_a_requeued_job_has_a_row_for_each_start():
    first = row(State="REQUEUED")
    second = row(Start="1795248909", End="1795248915", ElapsedRaw="6")
    assert merged([second], [first, second], at=AT, waiting=True) == [first, second]
    assert merged([second], [first], at=AT + timedelta(days=1), waiting=False) == [first, second]
