"""What a failing site has not begun goes elsewhere, with consent; what it may be running waits, and is paid once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEvent, Notification
from accounts.roles import Role
from catalog.models import Site, StoredModel
from jobs.execution.charging import Hint
from jobs.execution.moves import MAX_MOVES, Why
from jobs.execution.reports import Event, StateReport, Usage
from jobs.execution.rules import LEASE, SILENCE
from jobs.execution.services import (
    cancel_job,
    heartbeat,
    lease_jobs,
    observe_events,
    observe_state,
    record_usage,
    retry_job,
    set_may_move,
    sweep,
)
from jobs.execution.services.sweep import deadline
from jobs.ledger.services import balance
from jobs.models import JobMove, LedgerEntry
from jobs.siteapi.services.attempts import attempt_under_lease
from jobs.states import AllocationState, JobState
from models_hub.models import Dataset, TunedModel
from portal.kernel.errors import DomainError
from tests.factories import grant, make_user
from tests.jobs.execution.failover import heard, later, make_two_sites
from tests.jobs.execution.telling import deliver

pytestmark = pytest.mark.django_db
SILENT = {"minutes": 11}


def refreshed(scene):
    scene.job.refresh_from_db()
    return scene.job


def sweep_later(scene, **span):
    """A sweep after that time, in which only the further place was heard."""
    at = later(**span)
    heard(scene.spare_agent, at)
    return sweep(at=at)


def run_there(scene, agent, at, **usage):
    """Leases the job and reports that it runs, up to `at`."""
    (attempt,) = lease_jobs(agent=agent, wanted=1, at=at)
    for seq, state in enumerate(("staging", "submitted", "running"), 1):
        words = {"started_at": at} if state == "running" else {}
        attempt = observe_state(attempt=attempt, report=StateReport(seq=seq, state=state, **words), at=at)
    return attempt


def use(attempt, at, *, seconds=100):
    start = attempt.started_at
    return record_usage(
        attempt=attempt,
        usage=Usage(
            cluster="c", native_id=attempt.key, started_at=start, ended_at=start + timedelta(seconds=seconds), gpus=1,
            gpu_seconds=seconds, method="accounting",
        ),
        at=at,
    )  # fmt: skip


# ---- what no site has begun ------------------------------------------------------------------------------------------


def test_a_waiting_job_of_a_silent_site_moves_once_with_its_row_its_notice_and_its_audit():
    scene = make_two_sites()
    before = balance(scene.allocation)
    assert sweep_later(scene, **SILENT)["moved"] == 1
    job = refreshed(scene)
    assert (job.site, job.partition, job.state) == (scene.spare.site, scene.spare, JobState.QUEUED)
    (move,) = job.moves.all()
    assert (move.from_site, move.to_site, move.code) == (scene.site, scene.spare.site, Why.SILENT)
    event = AuditEvent.objects.get(action="job.moved")
    assert (event.data["from_site"], event.data["to_site"]) == (scene.site.slug, scene.spare.site.slug)
    notice = Notification.objects.get(user=scene.owner, kind="job_moved")
    assert scene.site.name in notice.body and "Nothing was charged" in notice.body
    assert balance(scene.allocation) == before
    (attempt,) = lease_jobs(agent=scene.spare_agent, wanted=5, at=later(minutes=12))
    assert attempt.site == scene.spare.site
    assert lease_jobs(agent=scene.agent, wanted=5, at=later(minutes=12)) == []


def test_a_second_sweep_moves_nothing_more():
    scene = make_two_sites()
    sweep_later(scene, **SILENT)
    assert sweep_later(scene, **SILENT)["moved"] == 0
    assert JobMove.objects.count() == 1


@pytest.mark.parametrize("minutes", [0, 2, 9])
def test_a_site_that_is_only_late_keeps_its_jobs(minutes):
    scene = make_two_sites()
    assert sweep_later(scene, minutes=minutes)["moved"] == 0
    assert refreshed(scene).site == scene.site


def test_without_consent_nothing_moves():
    scene = make_two_sites(may_move=False)
    assert sweep_later(scene, **SILENT)["moved"] == 0
    set_may_move(job=scene.job, may_move=True, actor=scene.owner)
    assert sweep_later(scene, **SILENT)["moved"] == 1


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda s: Site.objects.filter(pk=s.site.pk).update(status=Site.Status.DRAINING), Why.DRAINING),
        (lambda s: s.agent.__class__.objects.filter(pk=s.agent.pk).update(capacity={"draining": True}), Why.DRAINING),
        (lambda s: s.agent.__class__.objects.filter(pk=s.agent.pk).update(revoked_at=later()), Why.REVOKED),
    ],
)
def test_jobs_leave_a_site_that_drains_or_lost_its_agent_at_once(spoil, code):
    scene = make_two_sites()
    spoil(scene)
    assert sweep_later(scene, seconds=1)["moved"] == 1
    assert refreshed(scene).moves.get().code == code


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: heard(s.spare_agent, later(minutes=9)),
        lambda s: Site.objects.filter(pk=s.spare.site.pk).update(status=Site.Status.DRAINING),
        lambda s: s.spare_agent.__class__.objects.filter(pk=s.spare_agent.pk).update(revoked_at=later()),
        lambda s: s.spare_agent.__class__.objects.filter(pk=s.spare_agent.pk).update(description={"recipes": []}),
        lambda s: StoredModel.objects.filter(site=s.spare.site).delete(),
        lambda s: StoredModel.objects.filter(site=s.spare.site).update(revision="rev-9"),
        lambda s: Dataset.objects.update(residency=["FR"]),
        lambda s: s.allocation.move_to(AllocationState.PAUSED),
        lambda s: s.place.delete(),
        lambda s: type(s.job).objects.update(estimate={"memory": {"total": {"value": 500.0}}}),
    ],
)
def test_a_place_that_cannot_take_the_job_is_left_alone(spoil):
    scene = make_two_sites()
    heard(scene.spare_agent, later(**SILENT))
    spoil(scene)
    assert sweep(at=later(**SILENT))["moved"] == 0
    assert refreshed(scene).site == scene.site and not JobMove.objects.exists()


@pytest.mark.parametrize("rate", ["2.30", None])
def test_a_place_whose_hours_are_worth_more_today_or_nobody_knows_what_is_left_alone(rate):
    scene = make_two_sites(rate=rate)
    assert sweep_later(scene, **SILENT)["moved"] == 0


def test_data_that_may_go_there_goes_there():
    scene = make_two_sites(spare={"country": "FI"})
    Dataset.objects.update(residency=["FI", "LU"])
    assert sweep_later(scene, **SILENT)["moved"] == 1


def test_slower_hardware_that_might_not_end_in_time_is_left_alone():
    scene = make_two_sites()
    scene.spare.bf16_tflops = 10
    scene.spare.save()
    type(scene.job).objects.update(estimate={"seconds": {"high": 500.0}})
    assert sweep_later(scene, **SILENT)["moved"] == 0


def test_a_lease_the_silent_site_held_is_taken_back_first_and_the_job_moves_in_the_same_sweep():
    scene = make_two_sites()
    (first,) = lease_jobs(agent=scene.agent, wanted=1, at=later())
    counts = sweep_later(scene, **SILENT)
    assert (counts["given_back"], counts["moved"]) == (1, 1)
    (second,) = lease_jobs(agent=scene.spare_agent, wanted=1, at=later(minutes=12))
    assert (first.number, second.number) == (1, 2)
    assert first.lease_token != second.lease_token


def test_a_job_the_site_has_begun_never_moves():
    scene = make_two_sites()
    run_there(scene, scene.agent, later())
    Site.objects.filter(pk=scene.site.pk).update(status=Site.Status.DRAINING)
    assert sweep_later(scene, **SILENT)["moved"] == 0
    job = refreshed(scene)
    assert (job.state, job.site) == (JobState.UNKNOWN, scene.site)


def test_a_job_asked_to_stop_is_not_moved():
    scene = make_two_sites()
    (attempt,) = lease_jobs(agent=scene.agent, wanted=1, at=later())
    cancel_job(job=scene.job, actor=scene.owner, at=later())
    sweep_later(scene, **SILENT)
    assert refreshed(scene).state == JobState.CANCELLED and not JobMove.objects.exists()
    assert attempt.number == 1


def test_a_job_goes_back_to_its_own_site_when_the_further_place_fails_and_not_for_ever():
    scene = make_two_sites()
    for number in range(MAX_MOVES + 2):
        at = later(hours=number + 1)
        here = refreshed(scene).site
        heard(scene.agent, at if here != scene.site else later())
        heard(scene.spare_agent, at if here == scene.site else later())
        sweep(at=at)
    assert JobMove.objects.count() == MAX_MOVES


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_one_moves_the_job():
    scene = make_two_sites()
    heard(scene.spare_agent, later(**SILENT))
    barrier, counts = threading.Barrier(2), []

    def go():
        barrier.wait()
        try:
            counts.append(sweep(at=later(**SILENT))["moved"])
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 1]
    assert JobMove.objects.count() == Notification.objects.filter(kind="job_moved").count() == 1


# ---- what a lost site may have been running -------------------------------------------------------------------------


@pytest.fixture
def lost():
    """A job that ran at a site which fell silent for good: fenced, and queued anew at the further place."""
    scene = make_two_sites()
    scene.first = run_there(scene, scene.agent, later())
    scene.end = deadline(scene.first, scene.job)
    sweep_at(scene, later(minutes=11))
    assert refreshed(scene).state == JobState.UNKNOWN
    sweep_at(scene, scene.end - timedelta(seconds=1))
    assert refreshed(scene).state == JobState.UNKNOWN
    scene.after = scene.end + timedelta(seconds=1)
    scene.counts = sweep_at(scene, scene.after)
    scene.first.refresh_from_db()
    return scene


def sweep_at(scene, at):
    heard(scene.spare_agent, at)
    return sweep(at=at)


def test_a_lost_run_starts_anew_elsewhere_once_nothing_can_be_running_any_more(lost):
    job = refreshed(lost)
    assert (lost.counts["anew"], lost.counts["lost"]) == (1, 0)
    assert (job.state, job.site, job.started_at) == (JobState.QUEUED, lost.spare.site, None)
    assert (lost.first.state, lost.first.hint_code) == (JobState.FAILED, Hint.SITE_LOST)
    assert job.moves.get().code == Why.LOST
    assert "starts anew" in Notification.objects.get(kind="job_moved").body
    second = run_there(lost, lost.spare_agent, lost.after)
    assert second.number == 2 and second.lease_token != lost.first.lease_token
    assert balance(lost.allocation).reserved == job.reserved_gpu_seconds


def test_the_zombies_reports_change_nothing(lost):
    second = run_there(lost, lost.spare_agent, lost.after)
    at = lost.after + timedelta(minutes=1)
    observe_events(attempt=second, events=[Event(seq=1, at=at, type="progress", data={"step": 1, "steps": 10})], at=at)
    before = (refreshed(lost).state, lost.job.progress, second.lease_token)
    # Its agent is back, with everything it had to say, under the token it was given.
    heartbeat(attempts=[lost.first], at=at)
    observe_events(
        attempt=lost.first, events=[Event(seq=1, at=at, type="progress", data={"step": 9, "steps": 10})], at=at
    )
    said = observe_state(attempt=lost.first, report=StateReport(seq=9, state="done", exit_code=0), at=at)
    assert said.state == JobState.FAILED
    second.refresh_from_db()
    assert (refreshed(lost).state, lost.job.progress, second.lease_token) == before
    with pytest.raises(DomainError) as closed:
        attempt_under_lease(agent=lost.agent, key=lost.first.key, token=lost.first.lease_token)
    assert closed.value.code == "attempt_closed"
    assert not TunedModel.objects.exists()


def test_only_the_attempt_that_ends_the_job_is_charged(lost):
    use(lost.first, lost.after, seconds=500)
    second = run_there(lost, lost.spare_agent, lost.after)
    at = lost.after + timedelta(minutes=5)
    use(second, at)
    deliver(second)
    observe_state(attempt=second, report=StateReport(seq=9, state="done"), at=at)
    use(lost.first, at + timedelta(hours=1), seconds=500)
    sweep_at(lost, at + timedelta(days=1))
    assert refreshed(lost).state == JobState.DONE
    charges = LedgerEntry.objects.filter(job=lost.job, kind=LedgerEntry.Kind.CHARGE)
    assert [entry.gpu_seconds for entry in charges] == [-100]
    assert (balance(lost.allocation).used, balance(lost.allocation).reserved) == (100, 0)
    assert TunedModel.objects.get(job_id=lost.job.pk)


def test_a_site_that_comes_back_in_time_keeps_its_run():
    scene = make_two_sites()
    attempt = run_there(scene, scene.agent, later())
    at = later(minutes=11)
    sweep_at(scene, at)
    heartbeat(attempts=[attempt], at=at)
    assert refreshed(scene).state == JobState.RUNNING
    sweep_at(scene, at + SILENCE - timedelta(seconds=1))
    assert (refreshed(scene).state, refreshed(scene).site) == (JobState.RUNNING, scene.site)


@pytest.mark.parametrize(
    "spoil", [lambda s: set_may_move(job=s.job, may_move=False, actor=s.owner), lambda s: s.place.delete()]
)
def test_a_lost_run_without_consent_or_place_ends_free_as_before(spoil):
    scene = make_two_sites()
    attempt = run_there(scene, scene.agent, later())
    sweep_at(scene, later(minutes=11))
    spoil(scene)
    assert sweep_at(scene, deadline(attempt, scene.job) + timedelta(seconds=1))["lost"] == 1
    job = refreshed(scene)
    assert (job.state, job.hint_code) == (JobState.FAILED, Hint.SITE_LOST)
    assert (balance(scene.allocation).used, balance(scene.allocation).reserved) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_one_starts_the_lost_run_anew():
    scene = make_two_sites()
    attempt = run_there(scene, scene.agent, later())
    sweep_at(scene, later(minutes=11))
    at = deadline(attempt, scene.job) + timedelta(seconds=1)
    heard(scene.spare_agent, at)
    barrier, counts = threading.Barrier(2), []

    def go():
        barrier.wait()
        try:
            counts.append(sweep(at=at)["anew"])
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 1]
    assert JobMove.objects.count() == 1
    assert lease_jobs(agent=scene.spare_agent, wanted=5, at=at)[0].number == 2


# ---- consent ---------------------------------------------------------------------------------------------------------


def test_consent_is_the_companys_and_ends_with_the_job():
    scene = make_two_sites(may_move=False)
    assert set_may_move(job=scene.job, may_move=True, actor=scene.owner).may_move
    assert AuditEvent.objects.get(action="job.may_move_set").data == {"may_move": True}
    stranger = make_user()
    grant(stranger, Role.HELPDESK, site_slug=scene.site.slug)
    with pytest.raises(DomainError) as refused:
        set_may_move(job=scene.job, may_move=False, actor=stranger)
    assert refused.value.code == "not_allowed"
    cancel_job(job=scene.job, actor=scene.owner, at=later())
    with pytest.raises(DomainError) as over:
        set_may_move(job=scene.job, may_move=False, actor=scene.owner)
    assert over.value.code == "job_has_ended"


def test_starting_again_after_a_move_begins_where_the_hours_were_granted_with_the_same_consent():
    scene = make_two_sites()
    sweep_later(scene, **SILENT)
    cancel_job(job=refreshed(scene), actor=scene.owner, at=later(minutes=12))
    again = retry_job(job=scene.job, actor=scene.owner, at=later(minutes=12))
    assert (again.site, again.partition, again.may_move) == (scene.site, scene.partition, True)


def test_a_lease_of_a_site_that_is_heard_is_not_given_back_early():
    scene = make_two_sites()
    lease_jobs(agent=scene.agent, wanted=1, at=later())
    assert sweep_later(scene, seconds=LEASE.total_seconds() - 1)["given_back"] == 0
