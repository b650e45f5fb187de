"""What hours are worth, in the same words wherever hours are shown."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.urls import reverse

from accounts.models import LegalParameter
from catalog.models import AccessMode
from catalog.selectors import with_rates
from catalog.worth import worth_of, worth_of_mode
from tests.factories import make_access_mode, make_allocation, make_organisation, make_partition, make_site, make_user

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 21)


def site(origin="national_share", state="FI", **fields):
    return make_site(resource_origin=origin, granting_state=state, **fields)


def valued(mode):
    return worth_of_mode(with_rates(AccessMode.objects.filter(pk=mode.pk), on=DAY).get(), on=DAY)


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("national_share", "counts as aid of Finland"),
        ("union_share", "does not count as aid, because the time is the Union"),
        ("ceded_to_ju", "does not count as aid, because the State gave"),
        ("commercial", "does not count as aid, because it is paid for"),
    ],
)
def test_every_origin_says_whether_it_counts_and_why(origin, words):
    worth = worth_of(Decimal("1"), site(origin), on=DAY)
    assert worth.because.startswith(words)
    assert worth.counts is (origin == "national_share")


def test_union_share_counts_where_an_administrator_chose_to_read_the_law_so():
    LegalParameter.objects.create(key="policy", value={"union_share_is_aid": True}, valid_from=DAY, source="Decision")
    assert worth_of(Decimal("1"), site("union_share"), on=DAY).because == "counts as aid of Finland"
    assert worth_of(Decimal("1"), site("union_share"), on=DAY - timedelta(days=1)).counts is False


def test_the_component_says_amount_and_consequence():
    text = Template("{% load worth %}{% worth value site %}").render(
        Context({"value": Decimal("1100"), "site": site()})
    )
    assert "worth about" in text and "€1,100.00" in text and "counts as aid of Finland" in text


@pytest.mark.parametrize("missing", [{"value": None, "site": None}, {"value": Decimal(1), "site": None}])
def test_nothing_is_said_while_nothing_is_known(missing):
    assert Template("{% load worth %}{% worth value site %}").render(Context(missing)) == ""


def test_a_way_decided_by_policy_is_worth_its_fixed_hours():
    mode = make_access_mode(decided_by="policy", min_gpu_hours=1, max_gpu_hours=20)
    mode.sites.add(make_partition(site=site(), rate="2.20").site)
    worth = valued(mode)
    assert (worth.low, worth.high, worth.counts) == (Decimal("44.00"), Decimal("44.00"), True)


def test_a_way_open_at_several_sites_spans_from_the_least_to_the_most():
    mode = make_access_mode(min_gpu_hours=10, max_gpu_hours=100)
    for one, rate in ((site(), "1.00"), (site("union_share"), "3.00")):
        mode.sites.add(make_partition(site=one, rate=rate).site)
    worth = valued(mode)
    assert (worth.low, worth.high, worth.counts) == (Decimal("10.00"), Decimal("300.00"), None)
    assert worth.amount == "€10.00 to €300.00"


def test_a_way_without_any_rate_says_nothing():
    mode = make_access_mode()
    mode.sites.add(make_partition(site=site(), rate=None).site)
    assert valued(mode) is None


PAGES = ["catalog:access", "jobs:application_new", "jobs:allocations", "jobs:wizard_start", "jobs:dashboard"]


@pytest.mark.parametrize("name", PAGES)
def test_the_value_stands_wherever_hours_are_offered_or_left(client, name):
    owner = make_user()
    allocation = make_allocation(organisation=make_organisation(owner=owner), gpu_hours=10)
    mode = make_access_mode(code="more", valid_from=DAY, max_gpu_hours=10, min_gpu_hours=10)
    mode.sites.add(allocation.site)
    client.force_login(owner)
    page = client.get(reverse(name)).content.decode()
    assert "worth about <strong" in page and "€22.00" in page and "counts as aid of Luxembourg" in page


def test_the_value_stands_on_the_page_of_an_allocation(client):
    owner = make_user()
    allocation = make_allocation(organisation=make_organisation(owner=owner), gpu_hours=10)
    client.force_login(owner)
    assert "€22.00" in client.get(reverse("jobs:allocation", args=[allocation.pk])).content.decode()
