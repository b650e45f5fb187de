"""Every page answers, for whom it is meant, in few queries."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import audit
from accounts.models import AidAward, Notification, RoleGrant
from accounts.roles import Role
from accounts.services import declare_size, invite, record_account_year
from accounts.state_aid.services import declare_aid
from portal.kernel.clock import now, today
from tests.factories import grant, make_organisation, make_user, with_second_factor

pytestmark = pytest.mark.django_db


def fill(organisation, owner, rows):
    """As many rows of everything a list can show."""
    for number in range(rows):
        AidAward.objects.create(
            organisation=organisation, event="reserved", granting_state="LU", granting_authority="A ministry",
            origin="national_share", regime="2023/2831", amount_eur=Decimal("10"), granted_on=today(),
            reference=f"ALC-{number}",
        )  # fmt: skip
        Notification.objects.create(user=owner, organisation=organisation, kind="test", title="t", path="/")
        grant(make_user(), Role.MEMBER, organisation=organisation)
        RoleGrant.objects.create(user=make_user(), role=Role.HELPDESK, site_slug=f"site-{number}")
        with transaction.atomic():
            audit.record(actor=owner, action="test.done", target=organisation, organisation=organisation)
        invite(actor=owner, organisation=organisation, email=f"new{number}@example.eu", role=Role.MEMBER, at=now())
        year = date(2000 + number, 12, 31)
        if number < 25:
            record_account_year(
                actor=owner, organisation=organisation, year_end=year, headcount_awu=Decimal(5),
                turnover_eur=Decimal(1), balance_sheet_eur=Decimal(1), basis="approved", on=today(),
            )  # fmt: skip
    declare_size(actor=owner, organisation=organisation, autonomous=True, on=today())
    declare_aid(organisation=organisation, items=[], actor=owner, on=today())


LISTS = ["organisation", "team", "company_facts", "aid", "aid_csv", "notifications", "outbox"]
STAFF_LISTS = ["roles", "audit", "aid_ledger", "aid_verdicts"]
# The account of public support is a page of figures: group, law and declarations are read before anything is summed.
BUDGET = {"organisation": 12, "company_facts": 14, "aid": 16, "aid_csv": 12}


def queries_of(client, name):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = client.get(reverse(f"accounts:{name}"))
        b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == 200, name
    return len(captured), [query["sql"][:160] for query in captured]


@pytest.mark.parametrize("name", LISTS)
def test_a_page_needs_the_same_few_queries_with_one_row_or_fifty(name, signed_in, owner, organisation, settings):
    settings.EMBEDDED = True
    client = signed_in(owner)
    fill(organisation, owner, 1)
    with_one, _sql = queries_of(client, name)
    fill(organisation, owner, 49)
    with_fifty, sql = queries_of(client, name)
    assert with_fifty == with_one, sql
    assert with_fifty <= BUDGET.get(name, 8), sql


@pytest.mark.parametrize("name", STAFF_LISTS)
def test_a_staff_page_needs_at_most_eight_queries(name, signed_in, owner, organisation):
    somebody = with_second_factor(make_user())
    grant(somebody, Role.ADMINISTRATOR)
    grant(somebody, Role.AUDITOR)
    client = signed_in(somebody)
    fill(organisation, owner, 1)
    with_one, _sql = queries_of(client, name)
    fill(organisation, owner, 49)
    with_fifty, sql = queries_of(client, name)
    assert with_fifty == with_one, sql
    assert with_fifty <= 8, sql


PAGES = ["organisation", "organisation_edit", "organisation_create", "team", "company_facts", "aid", "aid_declare",
         "aid_csv", "aid_json", "notifications", "profile"]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_an_owner_opens_the_page_of_an_empty_organisation(name, signed_in, owner, organisation):
    assert signed_in(owner).get(reverse(f"accounts:{name}")).status_code == 200


@pytest.mark.parametrize("name", ["organisation", "organisation_create", "notifications", "profile", "aid"])
def test_somebody_without_an_organisation_is_told_what_to_do(name, signed_in):
    assert signed_in(make_user()).get(reverse(f"accounts:{name}")).status_code == 200


@pytest.mark.parametrize("name", ["team", "company_facts", "organisation_edit", "aid_declare", "aid_csv"])
def test_pages_of_an_organisation_lead_to_the_choice_first(name, signed_in):
    answer = signed_in(make_user()).get(reverse(f"accounts:{name}"))
    assert answer.url == reverse("accounts:organisation")


def test_visitors_read_what_public_support_means(client, db):
    answer = client.get(reverse("accounts:aid"))
    assert b"300,000" in answer.content


@pytest.mark.parametrize(
    "name", ["organisation", "team", "notifications", "profile", "audit", "roles", "aid_ledger", "administration"]
)
def test_visitors_are_asked_to_sign_in(name, client, db):
    assert client.get(reverse(f"accounts:{name}")).url.startswith(reverse("account_login"))


def test_two_organisations_are_switched(signed_in, owner, organisation):
    second = make_organisation(owner=owner)
    client = signed_in(owner)
    client.post(reverse("accounts:switch"), {"organisation": str(organisation.pk)})
    assert client.get(reverse("accounts:organisation")).context["organisation"] == organisation
    client.post(reverse("accounts:switch"), {"organisation": str(second.pk)})
    assert client.get(reverse("accounts:organisation")).context["organisation"] == second


def test_the_outbox_is_for_this_machine_in_the_embedded_mode_only(client, db, settings):
    settings.EMBEDDED = True
    assert client.get(reverse("accounts:outbox")).status_code == 200
    assert client.get(reverse("accounts:outbox"), REMOTE_ADDR="192.0.2.7").status_code == 404
    settings.EMBEDDED = False
    assert client.get(reverse("accounts:outbox")).status_code == 404
