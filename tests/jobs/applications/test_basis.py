"""What a scheme under Art 25 or Art 22 asks of a request, where it is asked, and that the case carries it."""

from datetime import date

import pytest
from django.urls import reverse

from accounts.state_aid.case import RESEARCH, START_UP, StartUp
from jobs.applications.checks import judge_request
from jobs.models import Application
from tests.jobs.applications.test_support import ON, scheme_scene

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_day_of_the_scene")]


def scene(client, **scheme):
    draft, company = scheme_scene()
    for name, value in scheme.items():
        setattr(draft.site.aid_scheme, name, value)
    draft.site.aid_scheme.save()
    client.force_login(company.owner)
    return draft, reverse("jobs:application_edit", args=[draft.pk])


def send(client, draft, page, **answers):
    asked = {"partition": draft.partition_id, "asked_for": draft.site.aid_scheme_id, "gpu_hours": "500",
             "months": "3", "save": "1"}  # fmt: skip
    return client.post(page, {**asked, **answers})


def judged(draft):
    case, _verdict = judge_request(Application.objects.get(pk=draft.pk), on=ON)
    return case.exemption


def test_a_research_scheme_asks_for_its_additions_and_the_case_carries_them(client):
    draft, page = scene(client, basis=RESEARCH, category="industrial", region="c")
    shown = client.get(page).content.decode()
    assert 'value="dissemination"' in shown and 'value="region_c"' in shown
    assert 'value="region_a"' not in shown and "start_up" not in shown
    send(client, draft, page, bonuses=["dissemination", "region_c"])
    assert judged(draft).bonuses == {"dissemination", "region_c"}


def test_a_category_without_additions_asks_for_none(client):
    _draft, page = scene(client, basis=RESEARCH, category="fundamental")
    assert b"bonuses" not in client.get(page).content


def test_a_start_up_scheme_asks_for_the_facts_with_the_day_filled_in(client):
    draft, page = scene(client, basis=START_UP)
    draft.organisation.registered_on = date(2024, 5, 6)
    draft.organisation.save()
    assert b"2024-05-06" in client.get(page).content
    send(client, draft, page, start_up_listed="no", start_up_registered_on="2024-05-06", start_up_profits="no",
         start_up_took_over="yes")  # fmt: skip
    assert judged(draft).start_up == StartUp(
        unlisted=True, registered_on=date(2024, 5, 6), profits_distributed=False, took_over=True
    )


def test_what_is_left_open_is_not_guessed(client):
    draft, page = scene(client, basis=START_UP)
    send(client, draft, page, start_up_listed="yes")
    assert judged(draft).start_up == StartUp(unlisted=False)


def test_other_schemes_ask_neither(client):
    _draft, page = scene(client)
    shown = client.get(page).content
    assert b"bonuses" not in shown and b"start_up" not in shown


def test_answers_for_another_basis_do_not_reach_the_case(client):
    draft, page = scene(client, basis=RESEARCH, category="industrial")
    send(client, draft, page, bonuses=["collaboration"])
    draft.site.aid_scheme.basis = "651/2014-28"
    draft.site.aid_scheme.save()
    assert judged(draft).bonuses == frozenset()


def test_a_site_chosen_just_now_shows_its_questions_before_the_request_is_sent(client):
    draft, page = scene(client, basis=START_UP)
    answer = client.post(page, {"partition": draft.partition_id, "check": "1"})
    assert answer["Location"] == page
    assert b"start_up_profits" in client.get(page).content
