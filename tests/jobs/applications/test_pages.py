"""The pages around a request: one's own only, few queries, and no way in for strangers."""

import re

import pytest
from django.urls import reverse

from accounts.roles import Role
from catalog.models import Site
from jobs.applications.decisions import approve
from jobs.models import Application
from jobs.states import ApplicationState
from tests.factories import (
    grant,
    make_access_mode,
    make_allocation,
    make_partition,
    make_site,
    make_sme,
    make_user,
    with_second_factor,
)
from tests.jobs.applications.test_helpdesk import REASON, make_scene
from tests.jobs.applications.test_starter import AT, complete_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_day_of_the_scene")]


@pytest.fixture
def owner():
    return make_user()


@pytest.fixture
def organisation(owner):
    return make_sme(owner=owner)


def test_choosing_a_way_opens_a_draft(client, owner, organisation):
    make_access_mode(code="playground")
    client.force_login(owner)
    response = client.post(reverse("jobs:application_new"), {"mode": "playground"})
    draft = Application.objects.get()
    assert response.url == reverse("jobs:application_edit", args=[draft.pk])
    assert (draft.organisation, draft.state) == (organisation, ApplicationState.DRAFT)


def test_the_form_keeps_half_an_answer(client, owner, organisation):
    draft = complete_draft(organisation=organisation, mode=make_access_mode(), actor=owner)
    client.force_login(owner)
    url = reverse("jobs:application_edit", args=[draft.pk])
    client.post(url, {"title": "Half", "gpu_hours": "many", "save": "1"})
    draft.refresh_from_db()
    assert draft.title == "Half"
    page = client.get(url)
    assert b"Half" in page.content


def test_autosave_answers_with_value_and_public_support(client, owner, organisation):
    partition = make_partition(rate="2.20")
    draft = complete_draft(organisation=organisation, mode=make_access_mode(), actor=owner, partition=partition)
    client.force_login(owner)
    response = client.post(
        reverse("jobs:application_autosave", args=[draft.pk]),
        {"title": "Sort our post", "gpu_hours": "100", "partition": partition.pk, "months": "1"},
    )
    assert "220.00" in response.content.decode()
    draft.refresh_from_db()
    assert draft.gpu_hours == 100


def test_a_place_that_takes_no_new_work_is_named(client, owner, organisation):
    def shown():
        return client.get(reverse("jobs:application_edit", args=[draft.pk])).content.decode()

    mode = make_access_mode(code="playground")
    partition = make_partition(site=make_site(name="Nordlys", status="draining"))
    draft = complete_draft(organisation=organisation, mode=mode, actor=owner, partition=partition)
    client.force_login(owner)
    assert "Nordlys: no new work at present. Save the draft and come back later; your answers are kept." in shown()
    make_partition(site=make_site(name="Alpha"))
    assert "Takes no new work at present: Nordlys." in shown()
    Site.objects.filter(name="Nordlys").update(name="<img src=x onerror=alert(1)> & Co")
    assert "Takes no new work at present: &lt;img src=x onerror=alert(1)&gt; &amp; Co." in shown()
    assert "<img src=x" not in shown()
    Site.objects.update(status="connected")
    assert "no new work at present" not in shown()
    Site.objects.update(status="known")
    assert "No connected site offers this way of access yet." in shown()


def test_the_check_page_names_what_is_missing(client, owner, organisation):
    draft = complete_draft(organisation=organisation, mode=make_access_mode(), actor=owner, title="")
    client.force_login(owner)
    page = client.get(reverse("jobs:application_check", args=[draft.pk])).content.decode()
    assert "short name" in page
    assert "#id_title" in page


def test_nothing_is_preselected_for_the_officer(client):
    application, _owner, officer = make_scene()
    client.force_login(officer)
    page = client.get(reverse("jobs:review", args=[application.pk])).content.decode()
    assert 'type="radio"' in page
    assert not re.search(r"<input[^>]*\schecked", page)


def test_an_officer_decides_on_one_page(client):
    application, _owner, officer = make_scene()
    client.force_login(officer)
    answer = {"outcome": "less", "gpu_hours": "50", "ends_on": "", "reason": REASON}
    response = client.post(reverse("jobs:review", args=[application.pk]), answer)
    assert response.status_code == 302
    application.refresh_from_db()
    assert application.state == ApplicationState.APPROVED
    assert application.decision.gpu_hours == 50


def test_an_officers_mistake_is_named_and_nothing_is_decided(client):
    application, _owner, officer = make_scene()
    client.force_login(officer)
    response = client.post(reverse("jobs:review", args=[application.pk]), {"reason": REASON})
    assert b"Choose a decision." in response.content
    application.refresh_from_db()
    assert application.state == ApplicationState.SUBMITTED


@pytest.mark.parametrize(
    "name",
    ["application", "application_edit", "application_autosave", "application_check", "application_withdraw", "review"],
)
def test_a_stranger_finds_nothing_under_a_requests_address(client, name):
    application, _owner, _officer = make_scene()
    stranger = make_user()
    make_sme(owner=stranger)
    client.force_login(stranger)
    url = reverse(f"jobs:{name}", args=[application.pk])
    assert {client.get(url).status_code, client.post(url).status_code} <= {404, 405}
    application.refresh_from_db()
    assert application.state == ApplicationState.SUBMITTED


def test_an_officer_sees_no_draft_and_no_other_site(client, owner, organisation):
    application, _owner, officer = make_scene()
    partition = make_partition()
    draft = complete_draft(organisation=organisation, mode=make_access_mode(), actor=owner, partition=partition)
    client.force_login(officer)
    assert client.get(reverse("jobs:review", args=[draft.pk])).status_code == 404
    page = client.get(reverse("jobs:queue")).content.decode()
    assert application.reference in page
    assert draft.reference not in page


def test_without_a_site_there_is_no_queue(client, owner, organisation):
    client.force_login(owner)
    assert client.get(reverse("jobs:queue")).status_code == 404


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("name", ["applications", "allocations"])
def test_a_list_costs_few_queries_however_long(client, owner, organisation, django_assert_max_num_queries, name, rows):
    for _ in range(rows):
        make_allocation(organisation=organisation)
    client.force_login(owner)
    with django_assert_max_num_queries(9):
        assert client.get(reverse(f"jobs:{name}")).status_code == 200


def test_only_an_administrator_changes_hours(client, owner, organisation):
    allocation = make_allocation(organisation=organisation)
    url = reverse("jobs:allocation_adjust", args=[allocation.pk])
    client.force_login(owner)
    assert client.post(url, {"gpu_hours": "5", "reason": "more"}).status_code == 403
    administrator = with_second_factor(make_user())
    grant(administrator, Role.ADMINISTRATOR)
    client.force_login(administrator)
    client.post(url, {"gpu_hours": "-5", "reason": "returned"})
    assert [entry.gpu_seconds for entry in allocation.entries.all()] == [36000, -18000]


def test_strangers_do_not_see_an_allocation(client, organisation):
    allocation = make_allocation(organisation=organisation)
    stranger = make_user()
    make_sme(owner=stranger)
    client.force_login(stranger)
    assert client.get(reverse("jobs:allocation", args=[allocation.pk])).status_code == 404


def test_a_decided_request_shows_the_limit_as_it_was_judged(client):
    application, owner, officer = make_scene(hours=100)
    approve(application=application, gpu_hours=100, ends_on=None, reason=REASON, actor=officer, at=AT)
    client.force_login(owner)
    page = client.get(reverse("jobs:application", args=[application.pk])).content.decode()
    assert "€300,000.00" in page
    assert "€299,780.00" in page
