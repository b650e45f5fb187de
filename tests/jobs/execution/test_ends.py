"""How a job ends: what is delivered, what is charged, and what comes too late."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import AuditEvent, Notification
from catalog.models import Site
from jobs.execution.charging import RULES, Hint
from jobs.execution.services import (
    cancel_job,
    clear_leftovers,
    lease_jobs,
)
from jobs.ledger.services import balance
from jobs.models import LedgerEntry
from jobs.states import JobState
from models_hub.models import TunedModel
from models_hub.specs import Failure
from tests.jobs.execution.telling import AT, deliver, lease, make_told, say, state_of, use

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return make_told()


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
