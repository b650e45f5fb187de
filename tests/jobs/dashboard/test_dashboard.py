"""The dashboard: what needs a person, what is left, what runs; and the way to a first model."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from accounts.models import AidAward, AidDeclaration
from accounts.roles import Role
from accounts.state_aid.regimes import GENERAL
from jobs.models import ApplicationMessage, JobDraft, LedgerEntry
from jobs.states import ApplicationState, JobState
from models_hub.models import TunedFile, TunedModel
from tests.factories import (
    grant,
    make_allocation,
    make_foundation_model,
    make_job,
    make_organisation,
    make_partition,
    make_sme,
    make_user,
    with_second_factor,
)

pytestmark = pytest.mark.django_db
DASHBOARD = 15


@pytest.fixture
def owner():
    return make_user(full_name="Ana Lindqvist")


@pytest.fixture
def company(owner):
    organisation = make_sme(owner=owner)
    AidDeclaration.objects.create(organisation=organisation, signed_by=owner, signed_on=datetime.now(UTC).date())
    return organisation


@pytest.fixture
def board(client, owner):
    client.force_login(owner)

    def get(**query):
        response = client.get(reverse("jobs:dashboard"), query)
        assert response.status_code == 200
        return response

    return get


def titles(response) -> list[str]:
    return [task.title for task in response.context["tasks"]]


def test_a_person_without_a_company_is_led_to_register_one(board):
    response = board()
    states = [(step["title"], step["state"]) for step in response.context["steps"]]
    assert states[0] == ("Register your company", "todo")
    assert {state for _title, state in states[1:]} == {"later"}


def test_a_new_company_is_led_to_its_size_first(board, owner):
    make_organisation(owner=owner)
    steps = {step["title"]: step["state"] for step in board().context["steps"]}
    assert steps["Register your company"] == "done"
    assert steps["Tell us its size"] == "todo"
    assert steps["Get GPU-hours"] == "later"


def test_a_company_with_its_papers_is_led_to_ask_for_hours(board, company):
    response = board()
    steps = {step["title"]: step for step in response.context["steps"]}
    assert steps["Get GPU-hours"]["url"] == reverse("jobs:application_new")
    assert response.context["tasks"] == []


@pytest.mark.parametrize(
    ("hour", "words"), [(7, "Good morning, Ana"), (13, "Good afternoon, Ana"), (19, "Good evening, Ana")]
)
def test_it_greets_by_the_time_of_the_reader(board, owner, hour, words):
    owner.time_zone = "UTC"
    owner.save()
    with time_machine.travel(datetime(2026, 11, 21, hour, tzinfo=UTC), tick=False):
        assert words in board().content.decode()


@pytest.mark.parametrize(
    ("role", "room"), [(Role.ADMINISTRATOR, "accounts:administration"), (Role.AUDITOR, "accounts:audit")]
)
def test_people_without_a_company_go_to_their_room(client, role, room):
    user = with_second_factor(make_user())
    grant(user, role)
    client.force_login(user)
    assert client.get(reverse("jobs:dashboard")).url == reverse(room)


def test_an_officer_goes_to_the_queue(client):
    user = with_second_factor(make_user())
    grant(user, Role.HELPDESK, site_slug="somewhere")
    client.force_login(user)
    assert client.get(reverse("jobs:dashboard")).url == reverse("jobs:queue")


def test_a_visitor_is_asked_to_sign_in(client):
    assert client.get(reverse("jobs:dashboard")).status_code == 302


def test_hours_left_are_counted_over_every_active_allocation(board, company):
    first = make_allocation(organisation=company, gpu_hours=100)
    make_allocation(organisation=company, gpu_hours=50)
    make_job(allocation=first, charged_gpu_seconds=10 * 3600, state=JobState.DONE)
    make_job(allocation=first, reserved_gpu_seconds=5 * 3600)
    card = board().context["quotas"][0]
    assert (card["big"], card["unit"]) == ("135", "left of 150")
    assert (card["used_text"], card["held_text"]) == ("10 used", "5 set aside")


def test_a_reversed_charge_is_no_use(board, company):
    allocation = make_allocation(organisation=company, gpu_hours=10)
    job = make_job(allocation=allocation, charged_gpu_seconds=3600, state=JobState.FAILED)
    charge = job.ledger_entries.get(kind=LedgerEntry.Kind.CHARGE)
    LedgerEntry.objects.create(
        allocation=allocation, job=job, kind=LedgerEntry.Kind.REVERSE, gpu_seconds=3600, reverses=charge
    )
    response = board()
    assert response.context["pace"].this_week == 0
    assert response.context["rows"][0].charged == 0


def test_use_of_this_week_stands_in_the_last_column(board, company):
    allocation = make_allocation(organisation=company, gpu_hours=10)
    make_job(allocation=allocation, charged_gpu_seconds=2 * 3600, state=JobState.DONE)
    chart = board().context["chart"]
    assert chart.series[0].name == allocation.site.name
    assert chart.series[0].values[-1] == 2.0
    assert len(chart.labels) == 12


def test_more_than_four_sites_become_four_series(board, company):
    for hours in range(1, 7):
        allocation = make_allocation(organisation=company, partition=make_partition(), gpu_hours=20)
        make_job(allocation=allocation, charged_gpu_seconds=hours * 3600, state=JobState.DONE)
    chart = board().context["chart"]
    assert [one.values[-1] for one in chart.series] == [6.0, 5.0, 4.0, 6.0]
    assert chart.series[-1].name == "Other sites"


def test_the_pace_that_lasts_divides_what_is_left_by_the_weeks_left(board, company, owner):
    allocation = make_allocation(organisation=company, gpu_hours=100)
    allocation.ends_on = datetime.now(UTC).date() + timedelta(days=69)
    allocation.save()
    owner.time_zone = "UTC"
    owner.save()
    assert board().context["pace"].lasting == pytest.approx(100 * 3600 / 10)


def test_a_question_of_the_helpdesk_comes_first(board, company):
    allocation = make_allocation(organisation=company)
    application = allocation.application
    application.state, application.question_since = ApplicationState.QUESTION, datetime.now(UTC)
    application.save()
    ApplicationMessage.objects.create(application=application, from_helpdesk=True, body="Where is your data stored?")
    ApplicationMessage.objects.create(application=application, from_helpdesk=False, body="Not shown")
    response = board()
    task = response.context["tasks"][0]
    assert task.url == reverse("jobs:application", args=[application.pk])
    assert task.note == f"The helpdesk of {allocation.site.name} asks: Where is your data stored?"


@pytest.mark.parametrize(
    ("used", "title", "tone"),
    [
        (74, None, None),
        (75, "25.0 GPU-hours are left of {}", ""),
        (90, "10.0 GPU-hours are left of {}", "warn"),
        (100, "{} is used up: ask for more to start new runs", "bad"),
    ],
)
def test_limits_inform_warn_and_block(board, company, used, title, tone):
    allocation = make_allocation(organisation=company, gpu_hours=100)
    make_job(allocation=allocation, charged_gpu_seconds=used * 3600, state=JobState.DONE)
    found = board().context["tasks"]
    if title is None:
        assert found == []
    else:
        assert (found[0].title, found[0].tone) == (title.format(allocation.reference), tone)


def test_an_allocation_that_ends_soon_is_told(board, company):
    allocation = make_allocation(organisation=company)
    allocation.ends_on = datetime.now(UTC).date() + timedelta(days=10)
    allocation.save()
    assert titles(board()) == [f"{allocation.reference} ends soon"]


def test_a_failure_is_told_until_another_run_was_started(board, company):
    allocation = make_allocation(organisation=company)
    job = make_job(
        allocation=allocation, charged_gpu_seconds=0, state=JobState.FAILED, name="Mail sorter",
        sentence="It ran out of memory.",
    )  # fmt: skip
    job.ended_at = job.created_at
    job.save()
    response = board()
    assert titles(response) == ["Mail sorter did not finish"]
    assert response.context["rows"][0].progress == "It ran out of memory. · not charged"
    make_job(allocation=allocation)
    assert titles(board()) == []


def test_unfinished_drafts_are_offered_again(board, company):
    make_allocation(organisation=company)
    later = datetime.now(UTC) + timedelta(days=5)
    JobDraft.objects.create(organisation=company, name="Mails", step_reached=3, expires_at=later)
    JobDraft.objects.create(organisation=company, name="Old", expires_at=datetime.now(UTC) - timedelta(days=1))
    response = board()
    assert titles(response) == ["Go on preparing your run: Mails"]
    assert response.context["tasks"][0].note == "You reached step 3 of 5."


def test_missing_papers_are_asked_of_owners_only(client, owner):
    company = make_organisation(owner=owner)
    make_allocation(organisation=company)
    member = make_user()
    grant(member, Role.MEMBER, organisation=company)
    client.force_login(owner)
    assert "Tell us the size of your company" in titles(client.get(reverse("jobs:dashboard")))
    client.force_login(member)
    assert titles(client.get(reverse("jobs:dashboard"))) == []


def test_public_support_shows_what_the_state_can_still_grant(board, company):
    make_allocation(organisation=company)
    AidAward.objects.create(
        organisation=company, event=AidAward.Event.RESERVED, granting_state="LU", granting_authority="A ministry",
        origin=AidAward.Origin.NATIONAL_SHARE, regime=GENERAL, amount_eur=Decimal("38580"),
        granted_on=datetime.now(UTC).date(), reference="ALC-1",
    )  # fmt: skip
    card = board().context["quotas"][-1]
    assert (card["big"], card["unit"]) == ("€261,420", "left of €300,000 in Luxembourg")
    assert card["note"] == "Includes €38,580.00 from this portal."


def test_storage_counts_data_and_models(board, company):
    allocation = make_allocation(organisation=company)
    job = make_job(allocation=allocation, charged_gpu_seconds=1, state=JobState.DONE)
    tuned = make_tuned(job)
    TunedFile.objects.create(tuned_model=tuned, path="model/a", file="a", sha256="0" * 64, bytes=2_000_000)
    card = board().context["quotas"][2]
    assert (card["used_text"], card["held_text"]) == ("Data 13.0\xa0kB", "Models 2.0\xa0MB")


def make_tuned(job):
    result = {
        "state": "succeeded", "headline": "accuracy",
        "before": {"what": "majority_class", "accuracy": 0.2, "rows": 100},
        "after": {"what": "tuned_model", "accuracy": 0.9, "rows": 100},
    }  # fmt: skip
    return TunedModel.objects.create(
        organisation=job.organisation, job_id=job.pk, name=job.name, recipe=job.recipe, method=job.method,
        base_model=job.base_model, dataset_digest="", spec={}, spec_hash="", licence_spdx="MIT", result=result,
        manifest={},
    )  # fmt: skip


def test_a_finished_run_says_how_much_better_it_is(board, company):
    job = make_job(allocation=make_allocation(organisation=company), charged_gpu_seconds=1, state=JobState.DONE)
    tuned = make_tuned(job)
    row = board().context["rows"][0]
    assert row.progress.startswith("Better by")
    assert row.action == (reverse("models_hub:result", args=[tuned.pk]), "Results")


def test_the_chips_narrow_the_jobs(board, company):
    allocation = make_allocation(organisation=company)
    make_job(allocation=allocation, name="Runs", state=JobState.RUNNING, progress=64)
    make_job(allocation=allocation, name="Waits")
    make_job(allocation=allocation, name="Broken", state=JobState.FAILED, charged_gpu_seconds=0)
    response = board(jobs="running")
    assert [row.job.name for row in response.context["rows"]] == ["Runs"]
    assert [chip["count"] for chip in response.context["chips"]] == [3, 1, 1, 0, 1]
    assert "64%" in response.content.decode()


def test_an_empty_group_says_so(board, company):
    make_job(allocation=make_allocation(organisation=company))
    assert b"No job in this group" in board(jobs="failed").content


def test_nothing_of_another_company_is_shown(board, company):
    other = make_organisation(owner=make_user())
    foreign = make_allocation(organisation=other, gpu_hours=999)
    make_job(allocation=foreign, name="Secret run", charged_gpu_seconds=3600, state=JobState.DONE)
    make_allocation(organisation=company, gpu_hours=10)
    response = board()
    text = response.content.decode()
    assert "Secret run" not in text and foreign.reference not in text and foreign.site.name not in text
    assert response.context["quotas"][0]["unit"] == "left of 10.0"


@pytest.mark.parametrize("rows", [1, 50])
def test_it_costs_the_same_for_one_and_fifty_rows(board, company, owner, django_assert_max_num_queries, rows):
    base = make_foundation_model()
    for _ in range(rows):
        allocation = make_allocation(organisation=company)
        make_job(allocation=allocation, base_model=base, charged_gpu_seconds=60, state=JobState.DONE)
        JobDraft.objects.create(organisation=company, expires_at=datetime.now(UTC) + timedelta(days=5))
    with django_assert_max_num_queries(DASHBOARD):
        board()


def test_the_first_visit_stays_within_the_budget(board, company, django_assert_max_num_queries):
    with django_assert_max_num_queries(DASHBOARD):
        board()
