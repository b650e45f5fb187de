"""Where places are compared and chosen: every rank and every exclusion has its sentence on the page."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import Role
from catalog.models import Site, StoredModel
from jobs.execution.services import cancel_job, sweep
from jobs.matching.selectors import weights
from jobs.matching.weights import USUAL
from jobs.models import Job, MatchingWeights
from models_hub.models import Dataset
from portal.kernel.clock import now
from tests.factories import (
    grant,
    make_access_mode,
    make_allocation,
    make_partition,
    make_site,
    make_user,
    with_second_factor,
)
from tests.jobs.applications.test_starter import complete_draft
from tests.jobs.execution.failover import later, make_two_sites
from tests.jobs.scene import make_agent, make_scene
from tests.jobs.wizard.conftest import house, store  # noqa: F401 (fixtures)
from tests.jobs.wizard.walk import url as step_url
from tests.jobs.wizard.walk import walk

pytestmark = pytest.mark.django_db


def text(client, address, **given):
    answer = client.get(address, given)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def scene(client):
    scene = make_scene(name="Kajaani", helpdesk_languages=["en"])
    scene.agent = make_agent(scene.site, last_seen_at=now())
    scene.silent = make_partition(site=make_site(name="Bologna"))
    client.force_login(scene.owner)
    return scene


# ---- the page of its own ---------------------------------------------------------------------------------------------


def test_the_page_ranks_what_can_and_says_why_the_rest_cannot(client, scene):
    page = text(client, reverse("jobs:matching"))
    assert "1. Kajaani" in page and "Best match" in page
    assert "The helpdesk speaks your language." in page
    assert "No agent of the site has spoken yet" in page


def test_a_plan_brings_its_own_energy_value_and_reasons(client, scene):
    plan = {"model": scene.model.slug, "rows": 2000, "words": 100, "runs": 2}
    page = text(client, reverse("jobs:matching"), **plan)
    assert "kWh and" in page and "Worth 0." in page
    StoredModel.objects.all().delete()
    page = text(client, reverse("jobs:matching"), **plan)
    assert "No place can do this now" in page
    assert "store does not hold the model you chose" in page


def test_only_where_we_have_hours_leaves_the_others_out(client, scene):
    other = make_partition(site=make_site(name="Maribor"))
    make_agent(other.site, last_seen_at=now())
    page = text(client, reverse("jobs:matching"), mine="on")
    assert "1. Kajaani" in page and "You have no GPU-hours there." in page


def test_a_plan_that_is_none_is_refused_at_its_field(client, scene):
    assert "greater than or equal to 1" in text(client, reverse("jobs:matching"), rows="-3")


def test_the_weights_are_published_where_the_ranking_stands(client, scene):
    page = text(client, reverse("jobs:matching"))
    assert "35 %" in page and "50 for an hour of waiting" in page
    assert "Change the weights" not in page


def test_of_many_places_the_best_are_shown_and_all_on_request(client, scene):
    for _ in range(20):
        make_agent(make_partition(rate="3.00").site, last_seen_at=now())
    address = reverse("jobs:matching")
    assert "Places that can do it: 21" in text(client, address)
    assert text(client, address).count("points</span>") == 15 * 5
    assert text(client, address, all=1).count("points</span>") == 21 * 5


# ---- weights ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def administrator():
    person = with_second_factor(make_user())
    grant(person, Role.ADMINISTRATOR)
    return person


def test_an_administrator_changes_the_weights_with_a_published_reason(client, scene, administrator):
    client.force_login(administrator)
    address = reverse("jobs:matching_weights")
    assert client.post(address, {**USUAL, "start": 60, "reason": "Waiting hurts most."}).status_code == 302
    assert weights()["start"] == 60
    event = AuditEvent.objects.get(action="matching.weights_set")
    assert (event.data["before"]["start"], event.data["after"]["start"]) == (35, 60)
    assert "Waiting hurts most." in text(client, reverse("jobs:matching"))


@pytest.mark.parametrize("wrong", [{"start": "-1"}, {"start": "x"}, {"reason": ""}, dict.fromkeys(USUAL, 0)])
def test_weights_that_say_nothing_are_refused(client, administrator, wrong):
    client.force_login(administrator)
    answer = client.post(reverse("jobs:matching_weights"), {**USUAL, "reason": "Because", **wrong})
    assert answer.status_code == 200 and answer.context["form"].errors
    assert not MatchingWeights.objects.exists()


def test_nobody_else_changes_the_weights(client, scene):
    assert client.post(reverse("jobs:matching_weights"), {**USUAL, "reason": "Me"}).status_code == 403


# ---- in the request --------------------------------------------------------------------------------------------------


@pytest.fixture
def request_(scene):
    return complete_draft(
        organisation=scene.organisation, mode=make_access_mode(), actor=scene.owner, partition=scene.partition
    )


def test_the_request_offers_the_best_place_first_with_its_reasons(client, scene, request_):
    better = make_partition(site=make_site(name="Espoo", helpdesk_languages=["en"], grid_g_per_kwh=40))
    make_agent(better.site, last_seen_at=now())
    page = text(client, reverse("jobs:application_edit", args=[request_.pk]))
    assert page.index("Espoo ·") < page.index("Kajaani ·") < page.index("Bologna ·")
    assert "Best match" in page and "CO2e" in page
    assert "Not possible now" in page and "No agent of the site has spoken yet" in page


def test_a_place_is_still_chosen_and_saved_as_before(client, scene, request_):
    address = reverse("jobs:application_edit", args=[request_.pk])
    client.post(address, {"partition": scene.silent.pk, "save": "1"})
    request_.refresh_from_db()
    assert request_.partition == scene.silent


def test_the_request_has_a_page_with_all_reasons(client, scene, request_):
    page = text(client, reverse("jobs:application_places", args=[request_.pk]))
    assert "1. Kajaani" in page and "35 %" in page
    Site.objects.update(offers_starter=False)
    request_.mode.decided_by = "policy"
    request_.mode.save()
    assert "This way to access is not open at the site." in text(
        client, reverse("jobs:application_places", args=[request_.pk])
    )


# ---- in the wizard ---------------------------------------------------------------------------------------------------


@pytest.fixture
def homely(client, house):  # noqa: F811
    make_agent(house.site, last_seen_at=now())
    return house


def test_the_wizard_marks_the_best_place_and_chooses_it(client, homely):
    better = make_partition(site=make_site(name="Espoo", grid_g_per_kwh=20, helpdesk_languages=["en"]), rate="1.00")
    make_agent(better.site, last_seen_at=now())
    store(homely.encoder, better.site)
    there = make_allocation(organisation=homely.organisation, partition=better)
    draft = walk(client, homely, until=2)
    page = client.get(step_url(draft, 3))
    assert page.context["form"].initial["place"] == str(there.pk)
    assert "Best match" in page.content.decode()


def test_the_wizards_page_says_why_a_place_cannot(client, homely):
    make_agent(make_partition(site=make_site(name="Maribor")).site, last_seen_at=now())
    draft = walk(client, homely)
    page = text(client, reverse("jobs:wizard_places", args=[draft.pk]))
    assert f"1. {homely.site.name}" in page
    assert "You have no GPU-hours there." in page


def test_data_bound_elsewhere_cannot_be_sent_to_the_place_and_the_card_says_so(client, homely):
    draft = walk(client, homely)
    Dataset.objects.update(residency=["FI"])
    page = text(client, step_url(draft, 3))
    assert "Your data may only go to Finland" in page
    page = text(client, reverse("jobs:wizard_places", args=[draft.pk]))
    assert "Your data may only go to Finland; the site is in Luxembourg." in page
    client.post(step_url(draft, 5), {"action": "start"})
    assert not Job.objects.exists()


@pytest.mark.parametrize(("sent", "consent"), [({}, False), ({"may_move": "1"}, True)])
def test_the_last_step_asks_for_consent_to_move_and_keeps_the_answer(client, homely, sent, consent):
    draft = walk(client, homely)
    assert "let the run go to another site" in text(client, step_url(draft, 5))
    client.post(step_url(draft, 5), {"action": "start", **sent})
    assert Job.objects.get().may_move is consent


# ---- on the job's page -----------------------------------------------------------------------------------------------


def test_consent_is_changed_on_the_jobs_page_while_the_job_waits(client):
    scene = make_two_sites(may_move=False)
    client.force_login(scene.owner)
    address = reverse("jobs:job", args=[scene.job.pk])
    assert scene.spare.site.name in text(client, address)
    client.post(reverse("jobs:job_moving", args=[scene.job.pk]), {"may_move": "1"})
    scene.job.refresh_from_db()
    assert scene.job.may_move
    client.post(reverse("jobs:job_moving", args=[scene.job.pk]))
    scene.job.refresh_from_db()
    assert not scene.job.may_move
    cancel_job(job=scene.job, actor=scene.owner, at=now())
    answer = client.post(reverse("jobs:job_moving", args=[scene.job.pk]), {"may_move": "1"}, follow=True)
    assert "goes nowhere any more" in answer.content.decode()


def test_the_jobs_page_tells_in_plain_words_where_it_went(client):
    scene = make_two_sites()
    scene.spare_agent.last_seen_at = later(minutes=11)
    scene.spare_agent.save()
    sweep(at=later(minutes=11))
    client.force_login(scene.owner)
    page = text(client, reverse("jobs:job", args=[scene.job.pk]))
    assert f"Moved from {scene.site.name} to {scene.spare.site.name}" in page
    assert "has not answered for more than ten minutes" in page
    assert "Nothing was charged, and the GPU time set aside stays the same." in page
    # Its own site is the other one now.
    assert f"That can be: {scene.site.name}." in page
    assert "Moved from" in text(client, reverse("jobs:job_status", args=[scene.job.pk]))
