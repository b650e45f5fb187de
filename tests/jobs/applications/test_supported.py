"""The helpdesk's account of public support: the own sites' companies and States only."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AidDuty
from accounts.roles import Role
from accounts.state_aid.services import declare_aid
from jobs.ledger.economic import seconds_of
from portal.kernel.clock import today
from tests.accounts.state_aid.ledger.scene import award
from tests.factories import grant, make_allocation, make_job, make_partition, make_site
from tests.jobs.applications.test_helpdesk import make_scene

pytestmark = pytest.mark.django_db


def asked(**fields):
    """A sent request of a company that declared its other support today."""
    application, owner, officer = make_scene(**fields)
    declare_aid(organisation=application.organisation, items=[], actor=owner, on=today())
    return application, owner, officer


@pytest.fixture
def scene(client):
    application, owner, officer = asked()
    client.force_login(officer)
    return application, owner, officer


def test_an_officer_finds_the_companies_that_asked_at_the_own_sites(client, scene):
    application, _owner, officer = scene
    other, _owner, _officer = make_scene(partition=make_partition(site=make_site()))
    rows = client.get(reverse("jobs:supported")).context["rows"]
    assert [row.organisation for row in rows] == [application.organisation]
    url = reverse("jobs:supported_company", args=[other.organisation_id])
    assert client.get(url).status_code == 404
    grant(officer, Role.HELPDESK, site_slug=other.site.slug)
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("by", ["name", "number", "request"])
def test_a_company_is_found_by_name_number_and_request(client, scene, by):
    application, _owner, _officer = scene
    organisation = application.organisation
    words = {"name": organisation.legal_name[:5].lower(), "number": organisation.euid, "request": application.reference}
    assert len(client.get(reverse("jobs:supported"), {"q": words[by]}).context["rows"]) == 1
    assert "Nobody found" in client.get(reverse("jobs:supported"), {"q": "zzz"}).content.decode()


def test_a_draft_tells_the_helpdesk_nothing(client, scene):
    application, _owner, _officer = scene
    type(application).objects.filter(pk=application.pk).update(state="draft")
    assert client.get(reverse("jobs:supported")).context["rows"] == []
    assert client.get(reverse("jobs:supported_company", args=[application.organisation_id])).status_code == 404


def test_the_list_shows_what_the_own_state_granted_and_what_is_due(client, scene):
    application, _owner, _officer = scene
    award(application.organisation, "1100", state="LU")
    award(application.organisation, "7000", state="FI")
    AidDuty.objects.all().delete()
    AidDuty.objects.create(
        kind="register", granting_state="LU", organisation=application.organisation, subject="ALC-1",
        opened_on=today(), due_on=today() - timedelta(days=1),
    )  # fmt: skip
    answer = client.get(reverse("jobs:supported"))
    (row,) = answer.context["rows"]
    assert row.granted == Decimal("1100.00")
    assert "Overdue" in answer.content.decode()


def test_the_companys_page_shows_what_is_left_in_the_own_state_only(client, scene):
    application, _owner, _officer = scene
    award(application.organisation, "1100", state="LU")
    award(application.organisation, "7000", state="FI")
    answer = client.get(reverse("jobs:supported_company", args=[application.organisation_id]))
    assert [card.state for card in answer.context["accounts"]] == ["LU"]
    text = answer.content.decode()
    assert "€298,900.00" in text and "€7,000.00" not in text


def test_a_company_does_not_see_the_helpdesks_pages(client, scene):
    application, owner, _officer = scene
    client.force_login(owner)
    assert client.get(reverse("jobs:supported")).status_code == 404
    assert client.get(reverse("jobs:supported_company", args=[application.organisation_id])).status_code == 404


def test_the_list_needs_the_same_queries_for_one_company_or_thirty(client, scene):
    application, _owner, _officer = scene
    counts = []
    for wanted in (1, 25):
        while len(client.get(reverse("jobs:supported")).context["rows"]) < wanted:
            award(asked(partition=application.partition)[0].organisation, "10", state="LU")
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("jobs:supported"))
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 14


def test_the_helpdesk_is_warned_when_companies_use_much_of_its_system(client, scene):
    application, _owner, _officer = scene
    page = reverse("jobs:supported")
    assert "capacity of" not in client.get(page).content.decode()
    partition = application.partition
    type(partition).objects.filter(pk=partition.pk).update(gpus_total=1)
    allocation = make_allocation(organisation=application.organisation, partition=partition)
    make_job(allocation=allocation, charged_gpu_seconds=int(seconds_of(today().year) * 0.16))
    assert "16.0% of the year" in client.get(page).content.decode()
