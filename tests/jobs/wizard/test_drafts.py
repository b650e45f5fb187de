"""Drafts belong to an organisation, live 30 days, and survive what happens to their parts."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.roles import Role
from jobs.models import Job, JobDraft, LedgerEntry
from jobs.states import AllocationState, DraftState
from models_hub.states import DatasetState
from portal.kernel.clock import now
from tests.factories import grant, make_organisation, make_user
from tests.jobs.wizard.walk import answers, begin, url, walk

NAMES = ["wizard_resume", "wizard_discard"]
POSTS = ["wizard_estimate", "wizard_reopen", "wizard_sample", "wizard_discard"]


def outdate(draft):
    JobDraft.objects.filter(pk=draft.pk).update(expires_at=now() - timedelta(days=1))


@pytest.fixture
def stranger(house, client):
    def enter():
        person = make_user()
        make_organisation(owner=person)
        client.force_login(person)
        return person

    return enter


def test_another_organisation_finds_no_draft_under_any_address(client, house, stranger):
    draft = walk(client, house)
    stranger()
    assert all(client.get(url(draft, step)).status_code == 404 for step in range(1, 6))
    assert all(client.post(url(draft, step), {}).status_code == 404 for step in range(1, 6))
    assert all(client.get(reverse(f"jobs:{name}", args=[draft.pk])).status_code == 404 for name in NAMES)
    assert all(client.post(reverse(f"jobs:{name}", args=[draft.pk])).status_code == 404 for name in POSTS)


def test_a_colleague_can_go_on_with_a_draft(client, house):
    draft = walk(client, house, until=2)
    colleague = make_user()
    grant(colleague, Role.MEMBER, organisation=house.organisation)
    client.force_login(colleague)
    assert client.post(url(draft, 3), answers(house, "classify")[3]).url == url(draft, 4)


def test_data_of_another_organisation_cannot_be_chosen(client, house, stranger):
    foreign = house.labelled
    person = stranger()
    draft = begin(client, recipe="classify")
    JobDraft.objects.filter(pk=draft.pk).update(step_reached=2, recipe="classify")
    response = client.post(url(draft, 2), {"dataset": str(foreign.pk), "personal_data": "none", "rights": "on"})
    assert person.role_grants.exists()
    assert "dataset" in response.context["form"].errors


def test_hours_of_another_organisation_cannot_be_chosen(client, house, stranger):
    draft = walk(client, house)
    other = make_organisation()
    JobDraft.objects.filter(pk=draft.pk).update(organisation=other)
    grant(house.owner, Role.MEMBER, organisation=other)
    response = client.post(url(draft, 3), answers(house, "classify")[3])
    assert response.status_code in (302, 422)
    assert not Job.objects.exists()


def test_signed_out_people_are_asked_to_sign_in(client, house):
    draft = begin(client, recipe="classify")
    client.logout()
    assert "/account/login/" in client.get(url(draft, 1)).url


def test_an_expired_draft_says_so_and_opens_again_with_its_answers(client, house):
    draft = walk(client, house)
    outdate(draft)
    page = client.get(url(draft, 3))
    assert page.status_code == 410
    assert "All answers are kept" in page.content.decode()
    client.post(reverse("jobs:wizard_reopen", args=[draft.pk]))
    draft.refresh_from_db()
    assert draft.state == DraftState.OPEN
    assert client.get(url(draft, 5)).status_code == 200


def test_an_expired_draft_starts_nothing(client, house):
    draft = walk(client, house)
    outdate(draft)
    assert client.post(url(draft, 5)).status_code == 410
    assert not Job.objects.exists()


def test_saving_puts_the_end_of_a_draft_off(client, house):
    draft = walk(client, house, until=1)
    outdate_at = now() + timedelta(days=2)
    JobDraft.objects.filter(pk=draft.pk).update(expires_at=outdate_at)
    client.post(url(draft, 2), answers(house, "classify")[2])
    draft.refresh_from_db()
    assert draft.expires_at > outdate_at


def test_a_discarded_draft_is_gone(client, house):
    draft = walk(client, house, until=2)
    assert client.get(reverse("jobs:wizard_discard", args=[draft.pk])).status_code == 200
    client.post(reverse("jobs:wizard_discard", args=[draft.pk]))
    assert client.get(url(draft, 1)).status_code == 404


def test_data_deleted_meanwhile_leads_back_with_one_sentence(client, house):
    draft = walk(client, house)
    type(house.labelled).objects.filter(pk=house.labelled.pk).update(state=DatasetState.DELETED)
    response = client.get(url(draft, 4), follow=True)
    assert response.redirect_chain[-1][0] == url(draft, 2)
    assert "gone or cannot be used" in str(next(iter(response.context["messages"])))


def test_a_model_that_left_the_catalogue_leads_back_with_one_sentence(client, house):
    draft = walk(client, house)
    house.encoder.stored_at.all().delete()
    house.encoder.delete()
    response = client.get(url(draft, 5), follow=True)
    assert response.redirect_chain[-1][0] == url(draft, 1)
    assert "no longer offered" in str(next(iter(response.context["messages"])))


def test_a_model_that_left_the_site_stops_the_start(client, house):
    draft = walk(client, house)
    house.encoder.stored_at.all().delete()
    response = client.post(url(draft, 5))
    assert response.url.startswith(url(draft, 1))
    assert not Job.objects.exists()


def test_a_paused_allocation_stops_the_start_and_takes_nothing(client, house):
    draft = walk(client, house)
    type(house.allocation).objects.filter(pk=house.allocation.pk).update(state=AllocationState.PAUSED)
    response = client.post(url(draft, 5))
    assert response.url.startswith(url(draft, 3))
    assert LedgerEntry.objects.exclude(kind=LedgerEntry.Kind.GRANT).count() == 0


def test_too_few_hours_are_refused_with_a_sentence(client, house):
    draft = walk(client, house)
    LedgerEntry.objects.create(allocation=house.allocation, kind=LedgerEntry.Kind.ADJUST, gpu_seconds=-35_990)
    response = client.post(url(draft, 5))
    assert response.status_code == 409
    assert "GPU-hours" in response.context["refusal"].sentence
    assert not Job.objects.exists()


def test_an_answer_saved_in_another_tab_is_not_lost(client, house):
    draft = walk(client, house, until=3)
    client.post(url(draft, 2), {**answers(house, "classify")[2], "personal_data": "lawful"})
    client.post(url(draft, 3), {**answers(house, "classify")[3], "effort": "thorough"})
    draft.refresh_from_db()
    assert draft.answers["data"]["personal_data"] == "lawful"
    assert draft.answers["training"]["effort"] == "thorough"


def test_the_list_shows_drafts_and_how_far_they_are(client, house):
    walk(client, house, until=2)
    page = client.get(reverse("jobs:wizard_start")).content.decode()
    assert "Our first run" in page
    assert "3 of 5" in page


def test_nobody_without_a_company_starts_a_run(client, db):
    client.force_login(make_user())
    assert client.get(reverse("jobs:wizard_start")).url == reverse("accounts:organisation_create")


# Comparing the places of the federation takes nine more, whatever their number.
QUERIES = {1: 10, 2: 10, 3: 19, 4: 10, 5: 10}


@pytest.mark.parametrize("step", QUERIES)
def test_a_step_stays_within_its_queries(client, house, step, django_assert_max_num_queries):
    draft = walk(client, house)
    with django_assert_max_num_queries(QUERIES[step]):
        client.get(url(draft, step))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_fifty_of_everything_cost_no_further_query(client, house, step, django_assert_max_num_queries):
    from tests.factories import make_allocation, make_dataset, make_foundation_model, make_partition, make_site
    from tests.jobs.wizard.conftest import store

    draft = walk(client, house)
    for _ in range(50):
        store(make_foundation_model(task="embedding"), house.site)
        make_dataset(organisation=house.organisation)
        make_allocation(organisation=house.organisation, partition=house.partition)
        make_partition(site=make_site())
    with django_assert_max_num_queries(QUERIES[step]):
        client.get(url(draft, step))


@pytest.mark.parametrize("drafts", [1, 50])
def test_the_list_costs_the_same_for_one_and_for_many(client, house, drafts, django_assert_max_num_queries):
    for _ in range(drafts):
        begin(client, recipe="classify")
    with django_assert_max_num_queries(8):
        client.get(reverse("jobs:wizard_start"))
