"""The facts that the rules look at are read in as many queries for one place as for hundreds."""

from datetime import timedelta
from decimal import Decimal

import pytest

from catalog.models import RateCard, Site, StoredModel
from jobs.matching import selectors
from jobs.matching.facts import Need
from jobs.matching.rules import rank
from jobs.models import MaintenanceWindow, MatchingWeights, PartitionReport
from tests.factories import (
    make_access_mode,
    make_allocation,
    make_foundation_model,
    make_organisation,
    make_partition,
    make_rate,
    make_site,
)
from tests.jobs.scene import AT, make_agent

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_partition(site=make_site(name="Kajaani", country="FI", sectors=["energy"], helpdesk_languages=["fi"]))


def only(need=None, **words):
    (offer,) = selectors.offers(need or Need(), at=AT, **words)
    return offer


def report(place, agent=None, **fields):
    given = {"measured_at": AT, "gpus_total": 16, "gpus_free": 0, "queued": 3, "good_for_seconds": 120}
    return PartitionReport.objects.create(
        agent=agent or make_agent(place.site, last_seen_at=AT),
        site=place.site,
        **{"name": place.name, **given, **fields},
    )


def test_an_offer_holds_what_the_catalogue_and_the_agents_say(place):
    said = {"recipes": ["chat"], "limits": {"gpus": 4, "max_seconds": 600, "nodes": 2}, "country": "fi"}
    make_agent(place.site, last_seen_at=AT - timedelta(seconds=7), description=said, capacity={"draining": True})
    offer = only()
    assert (offer.site, offer.country, offer.sectors, offer.languages) == ("Kajaani", "FI", ("energy",), ("fi",))
    assert (offer.eur_per_gpu_hour, offer.nodes, offer.max_seconds) == (Decimal("2.20"), 4, 86400)
    (agent,) = offer.agents
    assert (agent.recipes, agent.gpus, agent.seconds, agent.nodes) == (frozenset({"chat"}), 4, 600, 2)
    assert (agent.country, agent.draining, agent.silent_seconds) == ("FI", True, 7)


def test_a_site_with_one_queue_means_that_one_whatever_it_is_called(place):
    agent = make_agent(place.site, last_seen_at=AT)
    report(place, agent, name="batch", gpus_free=16, queued=0)
    assert only().wait_seconds == 0
    report(place, agent, name="debug", gpus_free=16, queued=0)
    assert only().wait_seconds is None
    report(place, agent, expected_starts=[{"gpus": 1, "seconds": 90}])
    assert only().wait_seconds == 90


def test_maintenance_of_the_only_queue_is_maintenance_of_the_hardware(place):
    agent = make_agent(place.site, last_seen_at=AT)
    report(place, agent, name="batch")
    times = {"starts_at": AT - timedelta(hours=1), "ends_at": AT + timedelta(hours=2)}
    MaintenanceWindow.objects.create(site=place.site, partition_name="other", **times)
    assert only().closed_seconds == 0
    MaintenanceWindow.objects.create(site=place.site, partition_name="batch", **times)
    assert only().closed_seconds == 7200


def test_known_sites_and_revoked_agents_offer_nothing(place):
    make_partition(site=make_site(status=Site.Status.KNOWN))
    make_agent(place.site, last_seen_at=AT, revoked_at=AT)
    assert only().agents == ()


def test_the_newest_rate_in_force_that_day_counts(place):
    make_rate(place, "3.00", valid_from=AT.date() - timedelta(days=1))
    make_rate(place, "9.00", valid_from=AT.date() + timedelta(days=1))
    assert only().eur_per_gpu_hour == Decimal("3.00")
    assert RateCard.objects.count() == 3


def test_a_rate_that_has_ended_without_a_successor_is_none(place):
    make_rate(place, "3.00", valid_from=AT.date() - timedelta(days=9), valid_to=AT.date() - timedelta(days=1))
    assert only().eur_per_gpu_hour is None
    assert not RateCard.objects.valid_on(AT.date()).exists()


def test_the_model_in_the_sites_store_counts_with_its_version(place):
    model = make_foundation_model()
    StoredModel.objects.create(site=place.site, model=model, revision="r7", last_reported_at=AT)
    assert only(Need(model=model.slug)).models == {model.slug: "r7"}
    assert only(Need(model="another")).models == {}


def test_the_wait_is_the_one_of_the_smallest_shape_that_is_large_enough(place):
    report(place, expected_starts=[
        {"gpus": 1, "nodes": 1, "seconds": 60}, {"gpus": 4, "nodes": 1, "seconds": 600},
        {"gpus": 8, "nodes": 2, "seconds": 6000},
    ])  # fmt: skip
    assert only(Need(gpus=1)).wait_seconds == 60
    assert only(Need(gpus=2)).wait_seconds == 600
    assert only(Need(gpus=4, nodes=2)).wait_seconds == 6000
    assert only(Need(gpus=16)).wait_seconds is None


def test_a_wait_shrinks_as_its_report_ages_and_is_dropped_when_the_promise_is_over(place):
    row = report(place, expected_starts=[{"gpus": 1, "seconds": 60}], measured_at=AT - timedelta(seconds=50))
    assert only().wait_seconds == 10
    row.measured_at = AT - timedelta(seconds=121)
    row.save()
    assert only().wait_seconds is None


@pytest.mark.parametrize(
    ("fields", "wait"),
    [
        ({"gpus_free": 2, "queued": 0}, 0),
        ({"gpus_free": 2, "queued": 1}, None),
        ({"gpus_free": 2, "queued": 0, "health": "down"}, None),
        ({"expected_starts": ["?", {"gpus": "many", "seconds": 1}, {"gpus": 1}]}, None),
    ],
)
def test_without_a_forecast_only_free_gpus_and_an_empty_queue_say_something(place, fields, wait):
    report(place, **fields)
    assert only().wait_seconds == wait


def test_a_maintenance_that_has_begun_closes_its_partition_until_its_end(place):
    def window(name, begins, ends):
        return MaintenanceWindow.objects.create(
            site=place.site, partition_name=name, starts_at=AT + begins, ends_at=AT + ends
        )

    hour = timedelta(hours=1)
    window("another", -hour, 9 * hour)
    window("", hour, 5 * hour)
    assert only().closed_seconds == 0
    window(place.name, -hour, 2 * hour)
    assert only().closed_seconds == 7200
    window("", -hour, 3 * hour)
    assert only().closed_seconds == 10800


@pytest.mark.parametrize(
    ("decided_by", "here", "starter", "open_here"),
    [
        ("helpdesk", True, False, True),
        ("helpdesk", False, True, False),
        ("policy", True, True, True),
        ("policy", True, False, False),
    ],
)
def test_a_way_to_access_is_open_where_its_terms_say(place, decided_by, here, starter, open_here):
    Site.objects.update(offers_starter=starter)
    mode = make_access_mode(decided_by=decided_by)
    mode.sites.add(place.site if here else make_site(status=Site.Status.KNOWN))
    need = Need(mode=mode.code)
    against = [one.code for row in rank(need, [only(need, mode=mode)]).excluded for one in row.reasons]
    assert ("mode" not in against) is open_here


def test_hours_are_the_largest_allocation_of_that_hardware(place):
    organisation = make_organisation()
    need = Need(needs_hours=True)
    assert only(need, organisation=organisation).hours_left is None
    make_allocation(organisation=organisation, partition=place, gpu_hours=2)
    make_allocation(organisation=organisation, partition=place, gpu_hours=7)
    make_allocation(organisation=make_organisation(), partition=place, gpu_hours=99)
    assert only(need, organisation=organisation).hours_left == 7 * 3600


def test_the_newest_weights_of_an_administrator_hold():
    assert sum(selectors.weights().values()) == 100
    MatchingWeights.objects.create(weights={"start": 1, "carbon": 0}, reason="First")
    MatchingWeights.objects.create(weights={"start": 2, "carbon": 0, "gone": 5}, reason="Second")
    held = selectors.weights()
    assert (held["start"], held["carbon"], held["price"]) == (2, 0, 20)
    assert "gone" not in held


def test_many_places_cost_no_further_query(place, django_assert_num_queries):
    organisation, mode, model = make_organisation(), make_access_mode(), make_foundation_model()
    mode.sites.add(place.site)
    need = Need(model=model.slug, needs_hours=True, mode=mode.code)

    def look():
        return selectors.offers(need, at=AT, organisation=organisation, mode=mode)

    with django_assert_num_queries(9):
        assert len(look()) == 1
    for _ in range(5):
        site = make_site()
        agent = make_agent(site, last_seen_at=AT)
        StoredModel.objects.create(site=site, model=model, revision="r", last_reported_at=AT)
        for _ in range(4):
            make_allocation(organisation=organisation, partition=(found := make_partition(site=site)))
            report(found, agent)
        MaintenanceWindow.objects.create(site=site, starts_at=AT, ends_at=AT + timedelta(hours=1))
    with django_assert_num_queries(9):
        assert len(look()) == 21
