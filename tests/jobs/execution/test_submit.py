"""Starting, stopping and repeating jobs."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accounts.roles import Role
from catalog.models import Site, StoredModel
from jobs.execution.services import cancel_job, copy_draft, retry_job
from jobs.execution.services.submit import check_inputs
from jobs.ledger.services import balance
from jobs.models import Job, JobDraft
from jobs.states import AllocationState, DraftState, JobState
from models_hub.models import Dataset
from models_hub.specs import JobSpec
from models_hub.states import DatasetState
from portal.kernel.errors import DomainError
from tests.factories import grant, make_dataset, make_organisation, make_partition, make_user
from tests.jobs.scene import make_scene, spec_json, submit

pytestmark = pytest.mark.django_db


def refusal(scene, **words):
    with pytest.raises(DomainError) as caught:
        submit(scene, **words)
    assert not Job.objects.exists()
    assert balance(scene.allocation).reserved == 0
    return caught.value


def test_a_job_sets_its_longest_time_aside_and_waits_in_the_queue():
    scene = make_scene()
    job = submit(scene, max_seconds=600)
    assert job.state == JobState.QUEUED
    assert balance(scene.allocation).reserved == 600
    assert job.spec_hash and job.reference.startswith("JOB-")


def test_a_draft_starts_one_job_however_often_one_clicks():
    scene = make_scene()
    draft = JobDraft.objects.create(
        organisation=scene.organisation, expires_at=datetime.now(UTC) + timedelta(days=1), recipe="classify"
    )
    first, second = submit(scene, draft=draft), submit(scene, draft=draft)
    draft.refresh_from_db()
    assert first == second
    assert draft.state == DraftState.SUBMITTED
    assert balance(scene.allocation).reserved == 600


def test_more_than_is_left_is_refused_with_what_is_left():
    scene = make_scene(gpu_hours=1)
    error = refusal(scene, max_seconds=4000)
    assert error.code == "not_enough_hours"
    assert "1.00" in error.sentence


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda s: s.allocation.move_to(AllocationState.PAUSED), "allocation_not_active"),
        (lambda s: type(s.allocation).objects.update(ends_on=s.allocation.starts_on), "allocation_not_valid_today"),
        (lambda s: Site.objects.update(status=Site.Status.DRAINING), "site_takes_no_work"),
        (lambda s: s.dataset.move_to(DatasetState.UPLOADED), "dataset_not_ready"),
        (lambda s: StoredModel.objects.all().delete(), "model_not_at_site"),
        (lambda s: StoredModel.objects.update(revision="rev-2"), "model_not_at_site"),
    ],
)
def test_what_stands_in_the_way_has_its_own_name(spoil, code):
    scene = make_scene()
    spoil(scene)
    assert refusal(scene).code == code


def test_data_that_changed_after_the_spec_was_written_is_refused():
    scene = make_scene()
    spec = JobSpec.from_json(spec_json(dataset=scene.dataset, model=scene.model.slug))
    scene.dataset.parts.filter(name="test").update(sha256="a" * 64)
    with pytest.raises(DomainError) as caught:
        check_inputs(
            spec, organisation=scene.organisation, dataset=scene.dataset, base_model=scene.model, site=scene.site
        )
    assert caught.value.code == "dataset_changed"


def test_another_companys_data_and_hours_are_refused():
    scene, other = make_scene(), make_organisation()
    scene.dataset = make_dataset(organisation=other)
    assert refusal(scene).code == "not_your_data"
    scene = make_scene(slug="other-model")
    scene.partition = make_partition()
    assert refusal(scene).code == "wrong_partition"


def test_data_deleted_a_moment_ago_is_refused_even_if_the_page_still_held_it():
    scene = make_scene()
    Dataset.objects.filter(pk=scene.dataset.pk).update(state=DatasetState.DELETED)
    assert scene.dataset.state == DatasetState.READY
    assert refusal(scene).code == "dataset_not_ready"


def test_somebody_from_outside_may_not_start_a_job():
    scene = make_scene()
    scene.owner = make_user()
    assert refusal(scene).code == "not_allowed"


@pytest.mark.django_db(transaction=True)
def test_of_two_simultaneous_submits_for_the_last_seconds_one_wins():
    scene = make_scene(gpu_hours=1)
    barrier, outcomes = threading.Barrier(2), []

    def go():
        barrier.wait()
        try:
            outcomes.append(submit(scene, max_seconds=3600).reference)
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[1] == "not_enough_hours"
    assert Job.objects.count() == 1
    assert balance(scene.allocation).available == 0


def test_a_job_nobody_holds_stops_at_once_and_costs_nothing():
    scene = make_scene()
    job = cancel_job(job=submit(scene), actor=scene.owner, at=datetime.now(UTC))
    assert job.state == JobState.CANCELLED
    assert balance(scene.allocation).used == balance(scene.allocation).reserved == 0


def test_stopping_twice_is_refused_once_it_has_ended():
    scene = make_scene()
    job = cancel_job(job=submit(scene), actor=scene.owner, at=datetime.now(UTC))
    with pytest.raises(DomainError) as caught:
        cancel_job(job=job, actor=scene.owner, at=datetime.now(UTC))
    assert caught.value.code == "job_has_ended"


def test_a_repeat_is_a_new_job_with_its_own_reservation_and_a_second_click_finds_it():
    scene = make_scene()
    job = cancel_job(job=submit(scene), actor=scene.owner, at=datetime.now(UTC))
    again = retry_job(job=job, actor=scene.owner, at=datetime.now(UTC))
    assert again.pk != job.pk
    assert again.spec_hash == job.spec_hash
    assert retry_job(job=job, actor=scene.owner, at=datetime.now(UTC)) == again
    assert balance(scene.allocation).reserved == 600


def test_a_job_that_has_not_ended_is_not_repeated():
    scene = make_scene()
    with pytest.raises(DomainError) as caught:
        retry_job(job=submit(scene), actor=scene.owner, at=datetime.now(UTC))
    assert caught.value.code == "job_still_open"


def test_the_settings_of_a_job_become_a_draft_of_the_same_organisation():
    scene = make_scene()
    member = make_user()
    grant(member, Role.MEMBER, organisation=scene.organisation)
    draft = copy_draft(job=submit(scene), actor=member, at=datetime.now(UTC))
    assert (draft.organisation, draft.answers) == (scene.organisation, {"goal": {"name": "Sort our mail"}})
