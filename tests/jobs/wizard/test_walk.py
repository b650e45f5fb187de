"""From a new draft to a job, for both recipes, without a line of JavaScript."""

import pytest
from django.urls import reverse

from jobs.models import Job, LedgerEntry
from jobs.states import DraftState, JobState
from models_hub.specs import JobSpec
from tests.jobs.wizard.walk import answers, begin, url, walk


@pytest.mark.parametrize("recipe", ["classify", "chat"])
def test_five_steps_lead_to_a_job_with_a_valid_spec(client, house, recipe):
    draft = walk(client, house, recipe)
    assert client.get(url(draft, 5)).status_code == 200
    response = client.post(url(draft, 5))
    job = Job.objects.get(draft=draft)
    assert response.url == reverse("jobs:job", args=[job.pk])
    assert job.state == JobState.QUEUED
    assert JobSpec.from_json(job.spec).spec_hash == job.spec_hash
    draft.refresh_from_db()
    assert draft.state == DraftState.SUBMITTED


@pytest.mark.parametrize("recipe", ["classify", "chat"])
def test_every_page_of_the_walk_can_be_seen(client, house, recipe):
    draft = walk(client, house, recipe)
    for step in range(1, 6):
        assert client.get(url(draft, step)).status_code == 200


def test_what_was_set_aside_is_what_the_panel_said(client, house):
    draft = walk(client, house)
    held = client.get(url(draft, 5)).context["panel"].held_seconds
    client.post(url(draft, 5))
    entry = LedgerEntry.objects.get(job__draft=draft, kind=LedgerEntry.Kind.RESERVE)
    assert entry.gpu_seconds == -held


def test_a_second_click_on_start_leads_to_the_same_job(client, house):
    draft = walk(client, house)
    client.post(url(draft, 5))
    again = client.post(url(draft, 5))
    job = Job.objects.get(draft=draft)
    assert again.url == reverse("jobs:job", args=[job.pk])
    assert LedgerEntry.objects.filter(kind=LedgerEntry.Kind.RESERVE).count() == 1


def test_answers_are_kept_step_by_step(client, house):
    draft = walk(client, house, until=2)
    assert draft.answers["data"]["dataset"] == str(house.labelled.pk)
    assert draft.step_reached == 3


def test_a_step_can_be_gone_back_to_and_shows_its_answers(client, house):
    draft = walk(client, house, until=3)
    page = client.get(url(draft, 1))
    assert page.context["form"]["name"].value() == "Our first run"


def test_going_back_does_not_lose_later_steps(client, house):
    draft = walk(client, house)
    client.post(url(draft, 1), {**answers(house, "classify")[1], "name": "A better name"})
    draft.refresh_from_db()
    assert draft.step_reached == 5
    assert draft.answers["evaluation"]["intended_use"] == "Sorting our own mail."


def test_another_goal_asks_for_other_data(client, house):
    draft = walk(client, house)
    client.post(url(draft, 1), answers(house, "chat")[1])
    draft.refresh_from_db()
    assert draft.step_reached == 2
    assert "data" not in draft.answers


def test_a_step_that_was_not_reached_leads_back(client, house):
    draft = begin(client, recipe="classify")
    assert client.get(url(draft, 4)).url == url(draft, 1)


def test_save_and_finish_later_keeps_half_an_answer(client, house):
    draft = begin(client, recipe="classify")
    response = client.post(url(draft, 1), {"goal": "classify", "name": "Half", "action": "later"})
    draft.refresh_from_db()
    assert response.url == reverse("jobs:wizard_start")
    assert draft.name == "Half"
    assert draft.step_reached == 1


def test_a_wrong_answer_is_named_and_nothing_is_saved(client, house):
    draft = walk(client, house, until=2)
    response = client.post(url(draft, 3), {**answers(house, "classify")[3], "learning_rate": "9"})
    assert response.status_code == 422
    assert "learning_rate" in response.context["form"].errors
    draft.refresh_from_db()
    assert "training" not in draft.answers


def test_coming_from_a_model_chooses_it(client, house):
    draft = begin(client, model=house.writer.slug)
    assert draft.recipe == "chat"
    assert client.get(url(draft, 1)).context["form"]["base_model"].value() == house.writer.slug


def test_coming_from_data_chooses_the_goal_and_the_data(client, house):
    draft = begin(client, dataset=str(house.talks.pk))
    assert draft.recipe == "chat"
    assert draft.answers["data"]["dataset"] == str(house.talks.pk)


def test_an_unsure_answer_about_personal_data_stops_the_walk(client, house):
    draft = walk(client, house, until=1)
    response = client.post(url(draft, 2), {**answers(house, "classify")[2], "personal_data": "unsure"})
    assert "personal_data" in response.context["form"].errors


def test_a_forbidden_use_cannot_go_on(client, house):
    draft = walk(client, house, until=3)
    given = {name: value for name, value in answers(house, "classify")[4].items() if name != "prohibited"}
    response = client.post(url(draft, 4), given)
    assert "prohibited" in response.context["safety"].errors


def test_an_area_with_duties_is_named_or_denied(client, house):
    draft = walk(client, house, until=3)
    response = client.post(url(draft, 4), {**answers(house, "classify")[4], "high_risk": "some"})
    assert "areas" in response.context["safety"].errors
