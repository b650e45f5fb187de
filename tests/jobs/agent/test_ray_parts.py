"""Where a key stands at a Ray cluster, from journal, records and receipts: every combination, without a cluster."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.agent.backends.base import RESUMABLE, Ended, Phase
from jobs.agent.backends.ray_options import RayOptions
from jobs.agent.backends.ray_reasons import NEVER_STARTED, RayTrouble
from jobs.agent.backends.ray_rest import Held, Ray, RayJob
from jobs.agent.backends.ray_status import Facts, Run, Submission, status_of
from jobs.agent.backends.ray_usage import metered
from models_hub.specs.reasons import trouble_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)
HELD = Held(start_ms=MS - 100_000, end_ms=MS - 40_000, gpus=2.0, cpus=4.0)


def job(status="SUCCEEDED", **words):
    terminal = status in ("SUCCEEDED", "FAILED", "STOPPED")
    return RayJob(**{"status": status, "end_ms": MS - 40_000 if terminal else None, "exit_code": None, **words})


def run(why=None, *, number=1, **words):
    end = None
    if why:
        end = {"why": why, "exit_code": 0, "signal": None, "detail": "", "cpu_seconds": 9,
               "ended_at": (NOW - timedelta(seconds=41)).isoformat()}  # fmt: skip
        end |= words.pop("end", {})
    times = {"started_at": NOW - timedelta(seconds=99), "seen_at": NOW - timedelta(seconds=40)}
    return Run(number=number, end=end, **{**times, **words})


def facts(record, *runs, numbers=1, held=HELD, **words):
    handed = [
        Submission(number=n, native_id=f"ft-a-1.{n}", at=NOW, job=record if n == numbers else job(), held=held)
        for n in range(1, numbers + 1)
    ]
    return Facts(key="ft-a-1", submissions=handed, runs=list(runs), **words)


def ended(record, *runs, **words):
    status = status_of(facts(record, *runs, **words), at=NOW)
    assert status.phase == Phase.ENDED
    return status


@pytest.mark.parametrize("code", sorted(NEVER_STARTED))
def test_what_ray_gives_up_before_a_start_has_a_reason_of_the_common_table(code):
    status = status_of(facts(job("FAILED", error_type=code)), at=NOW)
    if NEVER_STARTED[code].ended is None:
        assert status.phase == Phase.UNKNOWN  # handed over again
    else:
        assert status.ended == NEVER_STARTED[code].ended
        assert trouble_of(status.reason.code) is not None


def test_a_node_without_memory_is_told_from_a_node_that_is_lost():
    died = {"status": "FAILED", "error_type": "JOB_SUPERVISOR_ACTOR_DIED"}
    lost = ended(job(**died, message="The node died."), run())
    memory = ended(job(**died, message="Worker killed due to the node running low on memory."), run())
    assert (lost.ended, lost.reason.code, lost.kills) == (Ended.KILLED, "ray_node_lost", 1)
    assert (memory.ended, memory.reason.code) == (Ended.OUT_OF_MEMORY, "node_out_of_memory")


@pytest.mark.parametrize("why", ["exited", "cancelled", "out_of_memory", "not_after", "cannot_start", "time_limit"])
def test_the_wrapper_knows_best_how_the_training_ended(why):
    assert ended(job("FAILED", error_type="JOB_ENTRYPOINT_COMMAND_ERROR", exit_code=1), run(why)).ended == why


def test_a_stop_is_ours_if_we_asked_for_it_and_the_sites_if_not():
    stopped = job("STOPPED")
    assert ended(stopped, run("suspended"), cancelled=True).ended == Ended.CANCELLED
    assert ended(stopped, run("suspended")).ended == Ended.ENDED_BY_SITE
    assert ended(stopped, run("exited", end={"signal": 15})).ended == Ended.ENDED_BY_SITE
    assert ended(stopped).ended == Ended.ENDED_BY_SITE


def test_a_training_whose_supervisor_was_lost_may_go_on():
    assert ended(job("FAILED", error_type="JOB_SUPERVISOR_ACTOR_DIED"), run("suspended")).ended in RESUMABLE


def test_an_end_counts_once_the_cluster_has_taken_its_gpus_back_or_after_a_while():
    fresh, still = job("SUCCEEDED", end_ms=MS - 1000), Held(start_ms=MS - 9000, end_ms=0, gpus=1.0, cpus=0.0)
    assert status_of(facts(fresh, run("exited"), held=still), at=NOW).phase == Phase.RUNNING
    late = status_of(facts(fresh, run("exited"), held=still), at=NOW + timedelta(seconds=20))
    assert late.ended == Ended.EXITED


def test_a_receipt_that_cannot_be_seen_yet_is_waited_for_unless_the_wrapper_was_killed():
    fresh = {"status": "FAILED", "end_ms": MS - 1000, "error_type": "JOB_ENTRYPOINT_COMMAND_ERROR"}
    assert status_of(facts(job(**fresh, exit_code=1), run()), at=NOW).phase == Phase.RUNNING
    assert ended(job(**fresh, exit_code=-9), run()).reason.code == "wrapper_killed"
    assert status_of(facts(job(**fresh, exit_code=1)), at=NOW).phase == Phase.PENDING
    assert ended(job(**fresh, exit_code=127)).reason.code == "no_receipt"


def test_what_the_cluster_has_forgotten_runs_as_long_as_it_gives_signs_of_life():
    alive = run(seen_at=NOW - timedelta(seconds=2))
    assert status_of(facts(None, alive), at=NOW).phase == Phase.RUNNING
    lost = ended(None, run(seen_at=NOW - timedelta(seconds=61)))
    assert (lost.ended, lost.reason.code) == (Ended.KILLED, "ray_head_lost")
    assert ended(None, run("exited")).ended == Ended.EXITED


def test_a_second_start_that_a_lost_head_has_forgotten_is_not_taken_for_a_lost_run():
    status = ended(None, run("killed"), numbers=2)
    assert (status.ended, status.starts, status.kills) == (Ended.SUSPENDED, 1, 1)


def test_a_start_claimed_by_the_agent_is_a_cancelled_job_that_never_began():
    status = ended(job("PENDING"), run(by_agent=True))
    assert (status.ended, status.starts, status.started_at) == (Ended.CANCELLED, 0, None)


def test_the_meter_takes_the_clusters_time_and_keeps_what_it_once_wrote(tmp_path):
    path = tmp_path / "usage.json"
    (row,) = metered(path, facts(job(), run("exited")), gpus=2, at=NOW)
    assert (row.gpu_seconds, row.cpu_seconds, row.method) == (120, 240, "accounting")
    assert row.receipt_gpu_seconds == 2 * 58
    assert metered(path, Facts(key="ft-a-1"), gpus=2, at=NOW) == [row]
    changed = Held(start_ms=HELD.start_ms, end_ms=HELD.end_ms + 5000, gpus=2.0, cpus=4.0)
    assert metered(path, facts(job(), run("exited"), held=changed), gpus=2, at=NOW) == [row]


def test_the_meter_falls_back_to_the_receipt_and_says_so(tmp_path):
    (row,) = metered(tmp_path / "a.json", facts(None, run("killed")), gpus=2, at=NOW)
    assert (row.gpu_seconds, row.method, row.receipt_gpu_seconds) == (2 * 58, "receipt", None)
    (row,) = metered(tmp_path / "b.json", facts(job(), run("exited"), held=None), gpus=2, at=NOW)
    assert row.method == "receipt"


@pytest.mark.parametrize("why", ["not_after", "cannot_start"])
def test_what_never_ran_costs_nothing(tmp_path, why):
    assert metered(tmp_path / "a.json", facts(job(), run(why)), gpus=2, at=NOW) == []


def test_a_cluster_and_a_receipt_far_apart_are_said_to_somebody(tmp_path, caplog):
    long = Held(start_ms=MS - 900_000, end_ms=MS - 40_000, gpus=2.0, cpus=0.0)
    metered(tmp_path / "a.json", facts(job(), run("exited"), held=long), gpus=2, at=NOW)
    assert "Somebody should look" in caplog.text


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [(200, "<html>", "not_a_ray"), (404, "{}", "not_a_ray"), (500, "Traceback\nKeyError: 'x'", "ray_confused"),
     (401, "no", "ray_token_refused")],
)  # fmt: skip
def test_answers_that_are_none_are_named(status, text, code):
    import httpx

    ray = Ray(RayOptions(python="python"))
    ray.http = httpx.Client(
        base_url="http://ray", transport=httpx.MockTransport(lambda request: httpx.Response(status, text=text))
    )
    with pytest.raises(RayTrouble) as trouble:
        ray.version()
    assert trouble.value.reason.code == code and not trouble.value.refused
