"""A person decides: the accounting stands, or a correction takes its place and the charge follows to the second."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from accounts.models import AuditEvent, Notification
from accounts.roles import Role
from jobs.execution.services.corrections import decide_discrepancy
from jobs.ledger.services import balance
from jobs.metering.book import used_gpu_seconds
from jobs.metering.witnesses import find_missing
from jobs.models import UsageDiscrepancy, UsageRecord
from portal.kernel.errors import DomainError, NotAllowed
from tests.factories import grant, make_user, with_second_factor
from tests.jobs.metering.scene import START, beat, charged, end, metered_scene, questions, use

pytestmark = pytest.mark.django_db
LATER = START + timedelta(days=1)
Outcome = UsageDiscrepancy.Outcome


@pytest.fixture
def scene():
    return metered_scene()


@pytest.fixture
def administrator(db):
    person = with_second_factor(make_user())
    grant(person, Role.ADMINISTRATOR)
    return person


def decide(person, *, outcome=Outcome.CORRECTED, note="The site sent its accounting.", question=None, **words):
    question = question or UsageDiscrepancy.objects.get(resolved_at__isnull=True)
    return decide_discrepancy(discrepancy=question, outcome=outcome, note=note, actor=person, at=LATER, **words)


def in_question(scene, receipt=3000):
    use(scene.attempt, receipt_gpu_seconds=receipt)
    return end(scene.attempt)


def test_keeping_changes_no_row_and_no_charge(scene, administrator):
    job = in_question(scene)
    row = decide(administrator, outcome=Outcome.KEPT)
    assert (charged(job), row.resolved_by, questions()) == (3600, administrator, [])
    assert UsageRecord.objects.count() == 1


def test_a_correction_is_a_new_row_and_the_charge_is_booked_anew(scene, administrator):
    job = in_question(scene)
    row = decide(administrator, gpu_seconds=3000)
    old, new = UsageRecord.objects.order_by("pk")
    assert (old.gpu_seconds, new.gpu_seconds, new.corrects, new.method) == (3600, 3000, old, "correction")
    assert row.correction == new
    assert charged(job) == balance(scene.allocation).used == 3000
    bookings = [entry.gpu_seconds for entry in job.ledger_entries.filter(kind__in=["charge", "reverse"]).order_by("pk")]
    assert bookings == [-3600, 3600, -3000]
    assert AuditEvent.objects.get(action="usage.discrepancy_decided").data["charged_after"] == 3000
    assert Notification.objects.filter(user=scene.owner, kind="charge_corrected").count() == 1


def test_a_correction_upward_is_charged_up_to_what_was_set_aside(scene, administrator):
    scene = metered_scene(slug="second", max_seconds=3700)
    use(scene.attempt, receipt_gpu_seconds=3750)
    job = end(scene.attempt, after=4000)
    decide(administrator, gpu_seconds=3750)
    assert used_gpu_seconds(scene.attempt) == 3750
    assert charged(job) == 3700


def test_a_run_that_is_free_stays_free(scene, administrator):
    use(scene.attempt, receipt_gpu_seconds=3000)
    job = end(scene.attempt, hint_code="disk_full")
    decide(administrator, gpu_seconds=3000)
    assert charged(job) == 0
    assert not Notification.objects.filter(kind="charge_corrected").exists()


def test_a_correction_before_the_end_counts_at_the_settlement(scene, administrator):
    use(scene.attempt, seconds=600, receipt_gpu_seconds=300)
    decide(administrator, gpu_seconds=300)
    use(scene.attempt, begin=700, seconds=600)
    assert charged(end(scene.attempt)) == 900


def test_deciding_twice_changes_nothing_the_second_time(scene, administrator):
    job = in_question(scene)
    question = UsageDiscrepancy.objects.get()
    decide(administrator, question=question, gpu_seconds=3000)
    with pytest.raises(DomainError, match="already_decided"):
        decide(administrator, question=question, gpu_seconds=100)
    assert charged(job) == 3000


def test_two_questions_about_one_start_correct_one_after_the_other(scene, administrator):
    beat(scene.attempt, held=1800, after=3600)
    job = in_question(scene)
    receipt, provisional = UsageDiscrepancy.objects.order_by("-kind")
    decide(administrator, question=receipt, gpu_seconds=3000)
    decide(administrator, question=provisional, gpu_seconds=1800)
    assert charged(job) == 1800
    assert UsageRecord.objects.filter(corrects__isnull=False).count() == 2


def test_a_row_is_never_corrected_twice(scene, administrator):
    in_question(scene)
    decide(administrator, gpu_seconds=3000)
    first = UsageRecord.objects.get(corrects__isnull=False)
    twin = UsageRecord.objects.get(pk=first.pk)
    twin.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


@pytest.mark.parametrize("counted", [True, False])
def test_late_usage_counts_when_an_administrator_says_so(scene, administrator, counted):
    use(scene.attempt, seconds=600)
    job = end(scene.attempt)
    use(scene.attempt, begin=700, seconds=900, at=LATER)
    if counted:
        decide(administrator, gpu_seconds=900)
    else:
        decide(administrator, outcome=Outcome.KEPT)
    assert charged(job) == (1500 if counted else 600)


def test_late_accounting_takes_the_place_of_the_receipt_that_was_charged(scene, administrator):
    use(scene.attempt, seconds=3590, method="receipt")
    job = end(scene.attempt)
    use(scene.attempt, seconds=3600, at=LATER)
    assert charged(job) == 3590
    decide(administrator, gpu_seconds=3600)
    assert charged(job) == 3600


def test_a_missing_run_can_be_counted_without_a_row_to_correct(scene, administrator):
    job = end(scene.attempt)
    find_missing(at=LATER)
    decide(administrator, gpu_seconds=1234)
    assert UsageRecord.objects.get().corrects is None
    assert charged(job) == 1234


def test_where_there_are_several_starts_one_is_named(scene, administrator):
    beat(scene.attempt, held=100, after=3600)
    use(scene.attempt, seconds=600)
    second = use(scene.attempt, begin=700, seconds=900)
    job = end(scene.attempt)
    with pytest.raises(DomainError, match="start_unknown"):
        decide(administrator, gpu_seconds=100)
    decide(administrator, gpu_seconds=100, record=second)
    assert charged(job) == 700


@pytest.mark.parametrize("seconds", [-1, 3602])
def test_more_than_the_run_can_have_held_is_refused(scene, administrator, seconds):
    job = in_question(scene)
    with pytest.raises(DomainError, match="correction_impossible"):
        decide(administrator, gpu_seconds=seconds)
    assert (charged(job), len(questions())) == (3600, 1)


def test_a_decision_gives_its_reason(scene, administrator):
    in_question(scene)
    with pytest.raises(DomainError, match="note_missing"):
        decide(administrator, gpu_seconds=3000, note="  ")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.HELPDESK, None])
def test_nobody_but_an_administrator_decides(scene, role):
    in_question(scene)
    person = make_user()
    if role:
        grant(person, role, site_slug=scene.site.slug)
    with pytest.raises(NotAllowed):
        decide(person, gpu_seconds=3000)


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_one_decides():
    scene = metered_scene()
    person = make_user()
    grant(person, Role.ADMINISTRATOR)
    job = in_question(scene)
    question = UsageDiscrepancy.objects.get()
    barrier, outcomes = threading.Barrier(2), []

    def click(seconds):
        barrier.wait()
        try:
            decide(person, question=question, gpu_seconds=seconds)
            outcomes.append("decided")
        except DomainError as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(seconds,)) for seconds in (3000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_decided", "decided"]
    assert UsageRecord.objects.filter(corrects__isnull=False).count() == 1
    assert charged(job) in (2000, 3000)


# ---- pages ----------------------------------------------------------------------------------------------------------


def page(client, person, question=None):
    client.force_login(person)
    return client.get(reverse("jobs:discrepancy", args=[question.pk]) if question else reverse("jobs:discrepancies"))


def test_an_operator_sees_the_questions_of_the_own_site_and_no_form(client, scene):
    in_question(scene)
    operator, elsewhere = (with_second_factor(make_user()) for _one in range(2))
    grant(operator, Role.OPERATOR, site_slug=scene.site.slug)
    grant(elsewhere, Role.OPERATOR, site_slug="another-site")
    question = UsageDiscrepancy.objects.get()
    assert scene.job.reference in page(client, operator).content.decode()
    detail = page(client, operator, question).content.decode()
    assert "3,000 GPU-seconds" in detail and "<textarea" not in detail
    assert scene.job.name not in detail  # what a company trains is its own
    assert scene.job.reference not in page(client, elsewhere).content.decode()
    assert page(client, elsewhere, question).status_code == 404


def test_a_company_does_not_see_the_list(client, scene):
    assert page(client, scene.owner).status_code == 403


def test_an_administrator_decides_on_the_page_and_a_second_click_says_so(client, scene, administrator):
    job = in_question(scene)
    question = UsageDiscrepancy.objects.get()
    url = reverse("jobs:discrepancy", args=[question.pk])
    assert 'value="3000"' in page(client, administrator, question).content.decode()
    answer = {"outcome": "corrected", "gpu_seconds": "3000", "note": "Their accounting was wrong."}
    assert client.post(url, answer).status_code == 302
    assert client.post(url, answer).status_code == 302
    assert charged(job) == 3000
    assert "Their accounting was wrong." in client.get(url).content.decode()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"outcome": "corrected", "note": "x"}, "Enter the GPU-seconds that count instead."),
        ({"outcome": "kept"}, "This field is required."),
        ({"outcome": "corrected", "gpu_seconds": "99999", "note": "x"}, "cannot have held that much"),
        ({"outcome": "corrected", "gpu_seconds": "many", "note": "x"}, "Enter a whole number."),
    ],
)
def test_a_form_that_cannot_be_says_what_to_do(client, scene, administrator, answer, sentence):
    in_question(scene)
    client.force_login(administrator)
    url = reverse("jobs:discrepancy", args=[UsageDiscrepancy.objects.get().pk])
    assert sentence in client.post(url, answer).content.decode()
    assert len(questions()) == 1


def test_an_operator_who_posts_is_refused(client, scene):
    in_question(scene)
    operator = with_second_factor(make_user())
    grant(operator, Role.OPERATOR, site_slug=scene.site.slug)
    client.force_login(operator)
    url = reverse("jobs:discrepancy", args=[UsageDiscrepancy.objects.get().pk])
    assert client.post(url, {"outcome": "kept", "note": "x"}).status_code == 403
    assert len(questions()) == 1
