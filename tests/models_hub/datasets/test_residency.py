"""Where data may go is its owner's word: on the data's page, and refused while a run lies outside."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import Role
from models_hub.datasets.residency import may_go_to, set_residency
from portal.kernel.errors import DomainError
from tests.factories import grant, make_dataset, make_site, make_user
from tests.jobs.execution.failover import later
from tests.jobs.scene import make_scene, submit

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("residency", "places", "may"),
    [([], ["US"], True), (["FI"], ["FI"], True), (["FI"], ["LU"], False), (["FI"], ["FI", "US"], False)],
)
def test_every_country_a_site_is_in_must_be_allowed(residency, places, may):
    scene = make_scene()
    assert may_go_to(make_dataset(organisation=scene.organisation, residency=residency), places) is may


def test_the_owner_says_it_on_the_datas_page_and_it_is_written_down(client):
    scene = make_scene(country="LU")
    make_site(country="FI")
    client.force_login(scene.owner)
    page = reverse("models_hub:dataset", args=[scene.dataset.pk])
    assert "every site of the federation" in client.get(page).content.decode()
    url = reverse("models_hub:dataset_residency", args=[scene.dataset.pk])
    assert "Finland" in client.get(url).content.decode()
    assert client.post(url, {"countries": ["FI", "LU"]}).url == page
    scene.dataset.refresh_from_db()
    assert scene.dataset.residency == ["FI", "LU"]
    assert "Finland, Luxembourg" in client.get(page).content.decode()
    event = AuditEvent.objects.get(action="dataset.residency_set")
    assert event.data == {"before": [], "after": ["FI", "LU"]}
    client.post(url, {})
    scene.dataset.refresh_from_db()
    assert scene.dataset.residency == []


def test_a_country_without_a_site_is_no_choice(client):
    scene = make_scene()
    client.force_login(scene.owner)
    url = reverse("models_hub:dataset_residency", args=[scene.dataset.pk])
    assert "Select a valid choice" in client.post(url, {"countries": ["XX"]}).content.decode()


def test_it_cannot_be_narrowed_below_a_run_that_has_not_ended(client):
    scene = make_scene(country="LU")
    make_site(country="FI")
    job = submit(scene)
    with pytest.raises(DomainError) as refused:
        set_residency(dataset=scene.dataset, allowed=["FI"], actor=scene.owner)
    assert refused.value.code == "residency_in_use" and job.reference in refused.value.sentence
    set_residency(dataset=scene.dataset, allowed=["FI", "LU"], actor=scene.owner)
    client.force_login(scene.owner)
    url = reverse("models_hub:dataset_residency", args=[scene.dataset.pk])
    assert job.reference in client.post(url, {"countries": ["FI"]}).content.decode()


def test_only_the_companys_people_may_change_it():
    scene = make_scene()
    officer = make_user()
    grant(officer, Role.HELPDESK, site_slug=scene.site.slug)
    with pytest.raises(DomainError) as refused:
        set_residency(dataset=scene.dataset, allowed=["LU"], actor=officer)
    assert refused.value.code == "not_allowed"


def test_a_run_at_a_site_outside_is_refused_with_the_way_out():
    scene = make_scene(country="LU")
    scene.dataset.residency = ["FI"]
    scene.dataset.save(update_fields=["residency"])
    with pytest.raises(DomainError) as refused:
        submit(scene, at=later())
    assert refused.value.code == "residency"
    assert "Finland" in refused.value.sentence and "Luxembourg" in refused.value.sentence
