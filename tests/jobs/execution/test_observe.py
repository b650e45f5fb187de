"""What a site reports comes twice, late, and in any order; a job ends once."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import AuditEvent, Notification
from catalog.models import Site
from jobs.execution.charging import RULES, Hint
from jobs.execution.reports import Event, LogPiece, ReportRefused, StateReport, Usage
from jobs.execution.rules import LEASE, MAX_LEASES, SILENCE
from jobs.execution.selectors import curves, log_since, log_tail_start
from jobs.execution.services import (
    cancel_job,
    clear_leftovers,
    heartbeat,
    lease_jobs,
    observe_events,
    observe_log,
    observe_state,
    record_usage,
    sweep,
    used_gpu_seconds,
)
from jobs.execution.services.observe import event_position, log_position
from jobs.execution.services.sweep import deadline
from jobs.ledger.services import balance
from jobs.models import LedgerEntry
from jobs.siteapi.services import receive_chunk
from jobs.states import AllocationState, JobState
from models_hub.models import TunedModel
from models_hub.specs import Failure
from tests.jobs.scene import make_agent, make_scene, submit

pytestmark = pytest.mark.django_db
AT = datetime.now(UTC)


@pytest.fixture
def scene():
    scene = make_scene()
    scene.agent = make_agent(scene.site)
    scene.job = submit(scene)
    return scene


def lease(scene, at=None):
    (attempt,) = lease_jobs(agent=scene.agent, wanted=1, at=at or datetime.now(UTC))
    return attempt


def say(attempt, seq, state, at=None, **words):
    return observe_state(attempt=attempt, report=StateReport(seq=seq, state=state, **words), at=at or datetime.now(UTC))


def state_of(scene):
    scene.job.refresh_from_db()
    return scene.job.state


def use(attempt, *, seconds=100, started=None, **fields):
    started = started or attempt.created_at
    facts = {
        "cluster": "local", "native_id": attempt.key, "started_at": started,
        "ended_at": started + timedelta(seconds=seconds), "gpus": 1, "gpu_seconds": seconds, "method": "receipt",
        **fields,
    }  # fmt: skip
    return record_usage(attempt=attempt, usage=Usage(**facts), at=datetime.now(UTC) + timedelta(hours=1))


def deliver(attempt, *, spoil=None, spec_hash=None):
    """What a good run sends back: two files and their manifest."""
    job = attempt.job
    files = {
        "model/classifier.safetensors": b"weights",
        "result.json": json.dumps({"state": "succeeded", "base_model": {"revision": "rev-1"}}).encode(),
    }
    manifest = {
        "schema": "open-paas/manifest/1",
        "spec_hash": spec_hash or job.spec_hash,
        "base_model": job.spec["base_model"]["id"],
        "base_digest": "b" * 64,
        "files": [
            {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for path, content in files.items()
        ],
    }
    files["manifest.json"] = json.dumps(manifest).encode()
    for path, content in files.items():
        if path != spoil:
            receive_chunk(
                attempt=attempt, path=path, offset=0, total=len(content), sha256=hashlib.sha256(content).hexdigest(),
                content=content, at=AT,
            )  # fmt: skip


# ---- leases ---------------------------------------------------------------------------------------------------------


def test_only_the_sites_own_work_is_leased_and_each_job_once(scene):
    other = make_agent(make_scene(slug="elsewhere").site)
    assert lease_jobs(agent=other, wanted=5, at=AT) == []
    attempt = lease(scene)
    assert attempt.key == f"ft-{scene.job.pk.hex[:12]}-1"
    assert lease_jobs(agent=scene.agent, wanted=5, at=AT) == []
    assert state_of(scene) == JobState.LEASED


def test_a_paused_allocation_keeps_its_jobs_waiting(scene):
    scene.allocation.move_to(AllocationState.PAUSED)
    assert lease_jobs(agent=scene.agent, wanted=1, at=AT) == []


def test_an_agent_gets_only_what_it_says_it_can_run(scene):
    scene.agent.description = {"recipes": ["chat"]}
    assert lease_jobs(agent=scene.agent, wanted=1, at=AT) == []


@pytest.mark.parametrize("state", ["leased", "staging"])
def test_a_lease_that_expires_before_the_site_commits_goes_back_to_the_queue(scene, state):
    attempt = lease(scene)
    say(attempt, 1, state)
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    assert state_of(scene) == JobState.QUEUED
    second = lease(scene)
    assert (second.number, second.lease_token != attempt.lease_token) == (2, True)


@pytest.mark.parametrize("state", ["submitted", "running", "collecting"])
def test_work_the_site_committed_to_is_never_sent_elsewhere(scene, state):
    say(lease(scene), 1, state)
    late = datetime.now(UTC) + SILENCE + timedelta(minutes=1)
    sweep(at=late)
    assert state_of(scene) == JobState.UNKNOWN
    assert lease_jobs(agent=scene.agent, wanted=1, at=late) == []


def test_a_site_that_comes_back_takes_up_where_it_was(scene):
    attempt = lease(scene)
    say(attempt, 3, "running")
    late = datetime.now(UTC) + timedelta(hours=1)
    sweep(at=late)
    heartbeat(attempts=[attempt], at=late)
    assert state_of(scene) == JobState.RUNNING


def test_a_site_that_never_comes_back_costs_nothing_and_ends_at_a_known_time(scene):
    attempt = lease(scene)
    attempt = say(attempt, 3, "running", started_at=datetime.now(UTC))
    use(attempt)
    sweep(at=datetime.now(UTC) + timedelta(hours=1))
    end = deadline(attempt, scene.job)
    sweep(at=end - timedelta(seconds=1))
    assert state_of(scene) == JobState.UNKNOWN
    sweep(at=end + timedelta(seconds=1))
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.SITE_LOST)
    assert balance(scene.allocation).used == balance(scene.allocation).reserved == 0


def test_a_site_that_takes_and_never_starts_a_job_is_not_asked_for_ever(scene):
    at = datetime.now(UTC)
    for _ in range(MAX_LEASES):
        lease(scene, at)
        at += LEASE + timedelta(seconds=1)
        sweep(at=at)
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.NEVER_STARTED)


def test_a_closed_attempt_can_say_nothing_any_more(scene):
    attempt = lease(scene)
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    lease(scene)
    say(attempt, 9, "done")
    assert state_of(scene) == JobState.LEASED


def test_work_nobody_takes_is_given_back_after_a_week(scene):
    sweep(at=datetime.now(UTC) + timedelta(days=8))
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.NEVER_STARTED)
    assert balance(scene.allocation).reserved == 0


def test_stopping_leased_work_takes_effect_when_its_lease_expires(scene):
    lease(scene)
    cancel_job(job=scene.job, actor=scene.owner, at=AT)
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    assert state_of(scene) == JobState.CANCELLED


# ---- states, events, logs -------------------------------------------------------------------------------------------


def test_older_and_repeated_states_change_nothing(scene):
    attempt = lease(scene)
    say(attempt, 5, "running")
    say(attempt, 4, "staging")
    say(attempt, 5, "collecting")
    assert state_of(scene) == JobState.RUNNING


def test_a_job_walks_through_states_the_site_skipped(scene):
    say(lease(scene), 1, "collecting")
    assert state_of(scene) == JobState.COLLECTING


def test_going_backwards_is_refused(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    with pytest.raises(ReportRefused):
        say(attempt, 2, "staging")


def event(seq, kind="metrics", **data):
    return Event(seq=seq, at=datetime.now(UTC), type=kind, data=data)


def test_events_in_any_order_and_twice_end_in_the_same_curve(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    observe_events(attempt=attempt, events=[event(3, step=2, steps=4, loss=1.0)], at=AT)
    assert event_position(attempt) == (0, [[1, 2]])
    observe_events(attempt=attempt, events=[event(2, step=1, steps=4, loss=2.0), event(1, "state")], at=AT)
    observe_events(attempt=attempt, events=[event(3, step=9, steps=9, loss=9.0)], at=AT)
    assert event_position(attempt) == (3, [])
    assert curves(attempt, ["loss"])["loss"] == [(1, 2.0), (2, 1.0)]
    state_of(scene)
    assert scene.job.progress == 50


def test_a_log_is_put_together_by_its_offsets(scene):
    attempt = lease(scene)
    observe_log(attempt=attempt, piece=LogPiece(offset=7, text="wörld"))
    assert log_position(attempt) == 0
    observe_log(attempt=attempt, piece=LogPiece(offset=0, text="héllo "))
    observe_log(attempt=attempt, piece=LogPiece(offset=0, text="another text"))
    assert log_position(attempt) == 13
    assert log_since(attempt, 0) == ("héllo wörld", 13)
    assert log_since(attempt, 7) == ("wörld", 13)
    assert log_tail_start(attempt, most=3) == 7


# ---- usage ----------------------------------------------------------------------------------------------------------


def test_usage_counts_once_however_often_it_is_reported(scene):
    attempt = lease(scene)
    assert use(attempt) == use(attempt)
    assert used_gpu_seconds(attempt) == 100


def test_a_second_start_is_a_second_row(scene):
    attempt = lease(scene)
    use(attempt)
    use(attempt, seconds=50, started=attempt.created_at + timedelta(seconds=200))
    assert used_gpu_seconds(attempt) == 150


def test_accounting_counts_before_the_receipt_of_the_same_start(scene):
    attempt = lease(scene)
    use(attempt, seconds=100)
    use(attempt, seconds=90, method="accounting")
    assert used_gpu_seconds(attempt) == 90


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("usage_negative", {"gpu_seconds": -1}),
        ("usage_negative", {"seconds": -10, "gpu_seconds": 0}),
        ("usage_in_the_future", {"seconds": 86400}),
        ("usage_before_lease", {"started": AT - timedelta(days=1)}),
        ("usage_too_many_gpus", {"gpus": 2}),
        ("usage_beyond_wall_time", {"gpu_seconds": 101}),
        ("usage_method", {"method": "correction"}),
        ("usage_unnamed", {"native_id": ""}),
    ],
)
def test_usage_that_cannot_be_true_is_refused(scene, code, fields):
    attempt = lease(scene)
    with pytest.raises(ReportRefused) as caught:
        use(attempt, **fields)
    assert caught.value.code == code
    assert not attempt.usage_records.exists()


def test_usage_that_overlaps_or_contradicts_is_refused(scene):
    attempt = lease(scene)
    use(attempt)
    with pytest.raises(ReportRefused, match="usage_conflict"):
        use(attempt, gpu_seconds=99)
    with pytest.raises(ReportRefused, match="usage_overlaps"):
        use(attempt, started=attempt.created_at + timedelta(seconds=50))
    assert used_gpu_seconds(attempt) == 100


# ---- the end --------------------------------------------------------------------------------------------------------


def test_a_finished_job_is_charged_once_and_leaves_a_model(scene):
    attempt = lease(scene)
    say(attempt, 1, "running", started_at=datetime.now(UTC))
    use(attempt)
    deliver(attempt)
    for seq in (2, 2, 3):
        say(attempt, seq, "done")
    assert state_of(scene) == JobState.DONE
    assert (balance(scene.allocation).used, balance(scene.allocation).reserved) == (100, 0)
    tuned = TunedModel.objects.get(job_id=scene.job.pk)
    assert {file.path for file in tuned.files.all()} == {"model/classifier.safetensors", "result.json", "manifest.json"}
    assert (tuned.licence_spdx, tuned.base_revision, tuned.stopped_early) == ("Apache-2.0", "rev-1", False)
    assert tuned.files.get(path="result.json").file.open().read().startswith(b'{"state"')
    assert LedgerEntry.objects.filter(job=scene.job, kind="charge").count() == 1
    assert AuditEvent.objects.filter(action="job.done").count() == 1
    assert Notification.objects.get(user=scene.owner).kind == "job_done"


@pytest.mark.parametrize(
    "spoiling", [{"spoil": "manifest.json"}, {"spoil": "model/classifier.safetensors"}, {"spec_hash": "c" * 64}]
)
def test_done_without_its_files_is_a_failure_and_free(scene, spoiling):
    attempt = lease(scene)
    say(attempt, 1, "running")
    use(attempt)
    deliver(attempt, **spoiling)
    say(attempt, 2, "done")
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.RESULTS_DAMAGED)
    assert balance(scene.allocation).used == 0
    assert not TunedModel.objects.exists()


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.code not in ("done", Hint.STOPPED)])
def test_every_reason_charges_as_its_rule_says(scene, rule):
    attempt = lease(scene)
    say(attempt, 1, "running")
    use(attempt)
    say(attempt, 2, "failed", hint_code=str(rule.code))
    assert state_of(scene) == JobState.FAILED
    assert balance(scene.allocation).used == (100 if rule.charged else 0)
    assert balance(scene.allocation).reserved == 0


def test_every_failure_of_the_runtime_has_its_rule():
    assert {str(failure) for failure in Failure} <= {str(rule.code) for rule in RULES}


def test_an_unknown_reason_is_never_charged(scene):
    attempt = lease(scene)
    use(attempt)
    say(attempt, 2, "failed", hint_code="something new")
    assert balance(scene.allocation).used == 0


def test_a_run_is_never_charged_more_than_was_set_aside(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    use(attempt, seconds=900)
    deliver(attempt)
    say(attempt, 2, "done")
    assert balance(scene.allocation).used == 600


def test_a_stopped_run_keeps_what_was_trained_and_pays_for_what_it_held(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    cancel_job(job=scene.job, actor=scene.owner, at=AT)
    use(attempt, seconds=40)
    deliver(attempt)
    say(attempt, 2, "cancelled")
    assert state_of(scene) == JobState.CANCELLED
    assert balance(scene.allocation).used == 40
    assert TunedModel.objects.filter(job_id=scene.job.pk).exists()


def test_a_run_the_site_ended_by_itself_is_an_interruption_and_free(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    use(attempt)
    say(attempt, 2, "cancelled")
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.INTERRUPTED)
    assert balance(scene.allocation).used == 0


def test_files_that_belong_to_no_result_are_cleared_after_a_day(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    deliver(attempt, spoil="manifest.json")
    say(attempt, 2, "done")
    paths = [Path(artefact.file.path) for artefact in attempt.artefacts.all()]
    assert clear_leftovers(at=datetime.now(UTC) + timedelta(hours=1)) == 0
    assert all(path.exists() for path in paths)
    assert clear_leftovers(at=datetime.now(UTC) + timedelta(days=2)) == len(paths)
    assert not attempt.artefacts.exists()
    assert not any(path.exists() for path in paths)


def test_the_files_of_a_result_are_never_cleared(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    deliver(attempt)
    say(attempt, 2, "done")
    assert clear_leftovers(at=datetime.now(UTC) + timedelta(days=400)) == 0
    assert attempt.artefacts.count() == 3


def test_usage_that_arrives_after_the_end_is_kept_and_not_charged(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    say(attempt, 2, "failed", hint_code="bad_data_row")
    attempt.refresh_from_db()
    attempt.job.refresh_from_db()
    use(attempt)
    assert balance(scene.allocation).used == 0
    assert AuditEvent.objects.filter(action="usage.after_settlement").exists()


def test_a_deleted_data_set_ends_the_job_before_any_site_sees_it(scene):
    scene.dataset.move_to("deleted")
    assert lease_jobs(agent=scene.agent, wanted=1, at=AT) == []
    assert (state_of(scene), scene.job.hint_code) == (JobState.FAILED, Hint.DATASET_GONE)


def test_a_draining_site_keeps_what_it_has(scene):
    attempt = lease(scene)
    Site.objects.update(status=Site.Status.DRAINING)
    say(attempt, 1, "running")
    assert state_of(scene) == JobState.RUNNING
