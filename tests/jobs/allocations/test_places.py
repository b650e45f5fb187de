"""A further place never gives more than was granted, and nobody gives away another site's time."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import Role
from catalog.models import Site
from jobs.allocations.places import add_place, remove_place
from jobs.models import AllocationPlace
from jobs.states import AllocationState
from portal.kernel.errors import DomainError
from tests.factories import grant, make_partition, make_site, make_user, with_second_factor
from tests.jobs.scene import AT, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    scene = make_scene()
    scene.spare = make_partition(rate="2.20")
    scene.administrator = with_second_factor(make_user())
    grant(scene.administrator, Role.ADMINISTRATOR)
    return scene


def add(scene, **words):
    given = {"partition": scene.spare, "reason": "The other machine is down.", "actor": scene.administrator, "at": AT}
    return add_place(allocation=scene.allocation, **{**given, **words})


def refused(scene, **words):
    with pytest.raises(DomainError) as caught:
        add(scene, **words)
    assert not AllocationPlace.objects.exists()
    return caught.value.code


def test_an_administrator_adds_a_place_once_and_it_is_written_down(scene):
    first, second = add(scene), add(scene)
    assert first == second and first.site == scene.spare.site
    event = AuditEvent.objects.get(action="allocation.place_added")
    assert (event.actor, event.data["eur_per_gpu_hour"], event.data["judged_at"]) == (
        scene.administrator, "2.2000", "2.2000",
    )  # fmt: skip


def test_hours_worth_more_than_was_judged_are_refused(scene):
    assert refused(scene, partition=make_partition(rate="2.21")) == "place_worth_more"
    assert add(scene, partition=make_partition(rate="0.50"))


def test_hours_nobody_has_valued_are_refused(scene):
    assert refused(scene, partition=make_partition(rate=None)) == "no_rate"


def test_time_that_is_aid_is_never_added_to_time_that_was_not_judged_as_aid(scene):
    Site.objects.filter(pk=scene.site.pk).update(resource_origin=Site.Origin.COMMERCIAL)
    assert refused(scene) == "place_is_aid"
    other = make_partition(site=make_site(resource_origin=Site.Origin.COMMERCIAL))
    assert add(scene, partition=other)


def test_another_states_time_needs_a_note_of_who_agreed(scene):
    other = make_partition(site=make_site(granting_state="FI"))
    assert refused(scene, partition=other) == "other_state"
    assert refused(scene, partition=other, note="yes") == "other_state"
    place = add(scene, partition=other, note="Ministry of Finland, letter of 3 March 2027, file 12/34")
    assert "file 12/34" in place.reason
    assert AuditEvent.objects.get(action="allocation.place_added").data["other_state"] is True


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda s: s.allocation.move_to(AllocationState.ENDED), "not_active"),
        (lambda s: type(s.allocation).objects.update(ends_on=s.allocation.starts_on), "not_active"),
        (lambda s: Site.objects.filter(pk=s.spare.site.pk).update(status=Site.Status.KNOWN), "site_not_connected"),
        (lambda s: setattr(s, "spare", make_partition(site=s.site)), "same_site"),
    ],
)
def test_what_stands_in_the_way_has_its_own_name(scene, spoil, code):
    spoil(scene)
    scene.spare = type(scene.spare).objects.select_related("site").get(pk=scene.spare.pk)
    assert refused(scene) == code


def officer(*sites):
    person = with_second_factor(make_user())
    for site in sites:
        grant(person, Role.HELPDESK, site_slug=site.slug)
    return person


def test_an_officer_must_be_of_both_sites(scene):
    assert refused(scene, actor=officer(scene.site)) == "not_allowed"
    assert refused(scene, actor=officer(scene.spare.site)) == "not_allowed"
    assert add(scene, actor=officer(scene.site, scene.spare.site))


def test_the_company_itself_may_not_add_or_remove_a_place(scene):
    assert refused(scene, actor=scene.owner) == "not_allowed"
    place = add(scene)
    with pytest.raises(DomainError):
        remove_place(place=place, actor=scene.owner)
    assert AllocationPlace.objects.exists()


def test_removing_a_place_is_written_down(scene):
    remove_place(place=add(scene), actor=officer(scene.site))
    assert not AllocationPlace.objects.exists()
    assert AuditEvent.objects.get(action="allocation.place_removed").data["site"] == scene.spare.site.slug


# ---- the page --------------------------------------------------------------------------------------------------------


def url(scene):
    return reverse("jobs:allocation_places", args=[scene.allocation.pk])


def test_the_page_adds_and_removes(client, scene):
    client.force_login(scene.administrator)
    assert client.get(url(scene)).status_code == 200
    answer = client.post(url(scene), {"partition": scene.spare.pk, "reason": "Agreed."})
    assert answer.url == url(scene)
    place = AllocationPlace.objects.get()
    assert scene.spare.site.name in client.get(url(scene)).content.decode()
    assert scene.spare.site.name in client.get(reverse("jobs:allocation", args=[scene.allocation.pk])).content.decode()
    client.post(reverse("jobs:allocation_place_remove", args=[scene.allocation.pk, place.pk]))
    assert not AllocationPlace.objects.exists()


def test_a_refusal_stands_beside_its_field(client, scene):
    client.force_login(scene.administrator)
    dear = make_partition(rate="9.00")
    page = client.post(url(scene), {"partition": dear.pk, "reason": "Agreed."})
    assert "9.00" in page.content.decode() and page.context["form"].errors["partition"]


def test_the_company_reads_the_page_and_changes_nothing(client, scene):
    place = add(scene)
    client.force_login(scene.owner)
    page = client.get(url(scene)).content.decode()
    assert scene.spare.site.name in page and "Add a place" not in page
    assert client.post(url(scene), {"partition": scene.spare.pk, "reason": "x"}).status_code == 403
    gone = client.post(reverse("jobs:allocation_place_remove", args=[scene.allocation.pk, place.pk]))
    assert gone.status_code == 403 and AllocationPlace.objects.exists()


def test_a_place_of_another_allocation_is_not_found(client, scene):
    place, other = add(scene), make_scene(slug="other-model")
    client.force_login(scene.administrator)
    address = reverse("jobs:allocation_place_remove", args=[other.allocation.pk, place.pk])
    assert client.post(address).status_code == 404
