"""Heartbeats, accounting and the job's own receipt: what differs becomes a question, and nothing is averaged."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, Notification
from accounts.roles import Role
from jobs.metering.book import used_gpu_seconds
from jobs.metering.rules import receipt_differs
from jobs.metering.witnesses import find_missing
from jobs.models import UsageDiscrepancy, UsageRecord
from tests.factories import grant, make_user
from tests.jobs.metering.scene import START, beat, charged, end, lease, metered_scene, questions, use
from tests.jobs.scene import submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return metered_scene()


# ---- accounting and receipt -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accounting", "receipt", "gpus", "differs"),
    [
        (3600, 3600, 1, False),
        (3600, 3595, 1, False),
        (100, 90, 1, False),  # ten seconds: starting and ending a program takes as long
        (100, 89, 1, True),  # more than 1 %
        (3600, 3563, 1, True),
        (3600, 3564, 1, False),  # 1 % of an hour
        (86400, 86341, 1, False),
        (86400, 86339, 1, True),  # more than 60 s, though far below 1 %
        (8 * 86400, 8 * 86400 - 470, 8, False),
        (8 * 86400, 8 * 86400 - 481, 8, True),
        (0, 3600, 1, True),  # accounting that lost a whole run
        (3600, 4800, 4, True),
    ],
)
def test_sixty_seconds_or_one_percent_are_too_much(accounting, receipt, gpus, differs):
    assert receipt_differs(accounting=accounting, receipt=receipt, gpus=gpus) is differs


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(1, 64))
def test_more_than_sixty_seconds_of_every_gpu_never_pass(accounting, receipt, gpus):
    if abs(accounting - receipt) > 60 * gpus:
        assert receipt_differs(accounting=accounting, receipt=receipt, gpus=gpus)
    if abs(accounting - receipt) <= 10 * gpus:
        assert not receipt_differs(accounting=accounting, receipt=receipt, gpus=gpus)


def test_a_receipt_that_agrees_asks_nobody(scene):
    row = use(scene.attempt, receipt_gpu_seconds=3597)
    assert row.receipt_gpu_seconds == 3597
    assert questions() == []


def test_a_receipt_that_differs_asks_a_person_and_the_accounting_is_charged_until_then(scene):
    use(scene.attempt, receipt_gpu_seconds=3000)
    job = end(scene.attempt)
    assert questions() == [("receipt", 3600, 3000)]
    assert charged(job) == 3600
    assert AuditEvent.objects.filter(action="usage.discrepancy_opened").count() == 1


@pytest.mark.parametrize("first", ["accounting", "receipt"])
def test_two_rows_of_one_start_are_compared_whichever_comes_first(scene, first):
    words = {"accounting": {"seconds": 3600}, "receipt": {"seconds": 3000, "begin": 4, "method": "receipt"}}
    second = "receipt" if first == "accounting" else "accounting"
    use(scene.attempt, **words[first])
    use(scene.attempt, **words[second])
    assert questions() == [("receipt", 3600, 3000)]
    assert used_gpu_seconds(scene.attempt) == 3600


def test_a_second_receipt_that_explains_the_rest_closes_the_question(scene):
    use(scene.attempt, seconds=3600)
    use(scene.attempt, seconds=1800, method="receipt")
    assert questions() == [("receipt", 3600, 1800)]
    use(scene.attempt, begin=1805, seconds=1795, method="receipt")
    assert questions() == []
    assert UsageDiscrepancy.objects.get().note == "Accounting and receipt agree."


def test_every_start_of_a_requeued_attempt_counts(scene):
    use(scene.attempt, seconds=600, receipt_gpu_seconds=598)
    use(scene.attempt, begin=700, seconds=900, receipt_gpu_seconds=895)
    job = end(scene.attempt)
    assert charged(job) == 1500
    assert questions() == []


def test_an_older_agents_row_is_no_contradiction_when_its_receipt_comes_later(scene):
    first = use(scene.attempt)
    assert use(scene.attempt, receipt_gpu_seconds=3600) == first


# ---- heartbeats -----------------------------------------------------------------------------------------------------


def test_heartbeats_grow_and_are_never_charged(scene):
    for held, after in [(10, 20), (300, 320), (200, 400)]:
        beat(scene.attempt, held=held, after=after)
    scene.attempt.refresh_from_db()
    assert scene.attempt.provisional_gpu_seconds == 300
    assert charged(end(scene.attempt)) == 0


def test_a_heartbeat_of_more_than_the_time_since_the_lease_is_dropped(scene):
    beat(scene.attempt, held=90_000, after=600)
    beat(scene.attempt, held=-5, after=600)
    scene.attempt.refresh_from_db()
    assert scene.attempt.provisional_gpu_seconds == 0


def test_heartbeats_that_agree_as_far_as_they_go_ask_nobody(scene):
    """The portal was away for the last half of the run."""
    beat(scene.attempt, held=1790, after=1800)
    use(scene.attempt)
    end(scene.attempt)
    assert questions() == []


@pytest.mark.parametrize(("seconds", "accounted"), [(900, 900), (3600, 3600)])
def test_accounting_that_heartbeats_do_not_bear_out_asks_a_person(scene, seconds, accounted):
    """Accounting may have lost time that the site reported as held, or hold time that nothing was seen of."""
    beat(scene.attempt, held=1800, after=3600)
    use(scene.attempt, seconds=seconds)
    end(scene.attempt)
    assert questions() == [("provisional", accounted, 1800)]


# ---- missing and late -----------------------------------------------------------------------------------------------


def test_a_run_without_usage_is_missed_after_an_hour(scene):
    beat(scene.attempt, held=1800, after=1810)
    end(scene.attempt)
    assert find_missing(at=START + timedelta(minutes=90)) == 0
    assert find_missing(at=START + timedelta(hours=3)) == 1
    assert find_missing(at=START + timedelta(hours=3)) == 0
    assert questions() == [("missing", None, 1800)]


def test_a_job_that_never_began_is_not_missed(scene):
    scene.attempt.refresh_from_db()
    scene.job.refresh_from_db()
    end(scene.attempt, state="failed", hint_code="not_started_in_time")
    scene.attempt.refresh_from_db()
    scene.attempt.started_at = None
    scene.attempt.save()
    assert find_missing(at=START + timedelta(hours=3)) == 0


@pytest.mark.parametrize("missed", [False, True])
def test_usage_after_the_settlement_waits_for_a_person(scene, missed):
    job = end(scene.attempt)
    if missed:
        find_missing(at=START + timedelta(hours=3))
    use(scene.attempt, at=START + timedelta(days=2))
    assert charged(job) == 0
    assert questions() == [("late", 3600, 0)]
    assert used_gpu_seconds(scene.attempt) == 0


def test_of_two_starts_the_late_one_alone_waits(scene):
    use(scene.attempt, seconds=600)
    job = end(scene.attempt)
    use(scene.attempt, begin=700, seconds=900, at=START + timedelta(days=1))
    assert charged(job) == 600
    assert questions() == [("late", 900, 600)]


# ---- people ---------------------------------------------------------------------------------------------------------


def test_operators_of_the_site_and_administrators_are_told_once_a_day(scene):
    operator, elsewhere, administrator = make_user(), make_user(), make_user()
    grant(operator, Role.OPERATOR, site_slug=scene.site.slug)
    grant(elsewhere, Role.OPERATOR, site_slug="another-site")
    grant(administrator, Role.ADMINISTRATOR)
    use(scene.attempt, receipt_gpu_seconds=3000)
    scene.job = submit(scene, name="second", at=START)
    use(lease(scene), receipt_gpu_seconds=3000, native_id="4712")
    assert len(questions()) == 2
    told = Notification.objects.filter(kind="usage_discrepancy").values_list("user", flat=True)
    assert sorted(told) == sorted([operator.pk, administrator.pk])


def test_no_row_is_ever_changed(scene):
    use(scene.attempt, receipt_gpu_seconds=3000)
    end(scene.attempt)
    assert UsageRecord.objects.get().gpu_seconds == 3600


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(3))
def test_usage_and_settlement_at_the_same_moment_lose_nothing(turn):
    """Either the settlement sees the row and charges it, or the row sees the settlement and is late."""
    scene = metered_scene()
    barrier = threading.Barrier(2)

    def at_once(act):
        barrier.wait()
        try:
            act()
        finally:
            connection.close()

    acts = [lambda: use(scene.attempt, at=START + timedelta(hours=2)), lambda: end(scene.attempt)]
    threads = [threading.Thread(target=at_once, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    late = [accounting for kind, accounting, _other in questions() if kind == "late"]
    assert charged(scene.job) + sum(late) == 3600
