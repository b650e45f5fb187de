"""The pages in a real Chromium: accessible in every look, and usable without scripts."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import OutboxMessage
from accounts.roles import Role
from accounts.services import invite
from accounts.state_aid.services import assess_grant
from portal.kernel.clock import now, today
from tests.accounts.test_pages import fill
from tests.browser import axe, every_look, new_page, no_sideways_scroll
from tests.factories import grant, make_organisation, make_user, with_second_factor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OWNER_PAGES = ["organisation", "organisation_create", "organisation_edit", "team", "company_facts", "aid",
               "aid_declare", "notifications", "profile", "outbox"]  # fmt: skip
STAFF_PAGES = ["administration", "roles", "audit", "aid_ledger"]


def session_cookie(client, live_server):
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}


@pytest.fixture
def embedded(settings):
    settings.EMBEDDED = True
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"


@pytest.fixture
def company(embedded):
    """The owner of a filled organisation."""
    person = make_user(full_name="Olga Owner", email="olga@example.eu")
    organisation = make_organisation(owner=person, legal_name="Nordlys Textiles")
    fill(organisation, person, 2)
    return person, organisation


@pytest.fixture
def officer(company):
    """Somebody who administers and audits."""
    person = with_second_factor(make_user(full_name="Adrian Moreau", email="adrian@example.eu"))
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        grant(person, role)
    return person


def look_at(browser, client, live_server, paths):
    for page in every_look(browser):
        page.context.add_cookies([session_cookie(client, live_server)])
        for path in paths:
            answer = page.goto(f"{live_server.url}{path}")
            assert answer.status == 200, path
            axe(page)
            no_sideways_scroll(page)


def test_pages_with_content_are_accessible(browser, live_server, client, company):
    person, organisation = company
    client.force_login(person)
    colleague = organisation.role_grants.exclude(user=person).first().user
    paths = [reverse(f"accounts:{name}") for name in OWNER_PAGES]
    look_at(browser, client, live_server, [*paths, reverse("accounts:member", args=[colleague.pk])])


def test_staff_pages_are_accessible(browser, live_server, client, company, officer):
    _person, organisation = company
    assessment = assess_grant(
        organisation=organisation, site_state="LU", authority="A ministry", origin="national_share",
        amount_eur=Decimal("1000"), on=today(),
    )  # fmt: skip
    client.force_login(officer)
    paths = [reverse(f"accounts:{name}") for name in STAFF_PAGES]
    look_at(browser, client, live_server, [*paths, reverse("accounts:aid_assessment", args=[assessment.pk])])


def test_empty_pages_are_accessible(browser, live_server, client, embedded):
    client.force_login(make_user())
    names = ["organisation", "organisation_create", "notifications", "aid", "outbox"]
    look_at(browser, client, live_server, [reverse(f"accounts:{name}") for name in names])
    newcomer = make_user()
    make_organisation(owner=newcomer)
    client.force_login(newcomer)
    names = ["organisation", "company_facts", "aid", "aid_declare", "team"]
    look_at(browser, client, live_server, [reverse(f"accounts:{name}") for name in names])


@pytest.mark.parametrize("who", ["owner", "officer"])
def test_pages_with_errors_are_accessible(browser, live_server, client, company, officer, who):
    client.force_login(company[0] if who == "owner" else officer)
    names = ("organisation_create", "size_check", "aid_declare", "team") if who == "owner" else ("roles",)
    for page in every_look(browser):
        page.context.add_cookies([session_cookie(client, live_server)])
        for name in names:
            page.goto(f"{live_server.url}{reverse(f'accounts:{name}')}")
            page.locator("main form:has(.op-buttons) button.btn-primary").last.click()
            page.get_by_role("heading", name="There is a problem").first.wait_for()
            axe(page)
            no_sideways_scroll(page)


def test_an_invitation_is_accessible_to_whoever_opens_it(browser, live_server, company):
    person, organisation = company
    _invitation, token = invite(
        actor=person, organisation=organisation, email="nora@example.eu", role=Role.MEMBER, at=now()
    )
    for page in every_look(browser):
        page.goto(f"{live_server.url}{reverse('accounts:invitation', args=[token])}")
        axe(page)
        page.goto(f"{live_server.url}{reverse('accounts:invitation', args=['gone'])}")
        axe(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_from_nothing_to_a_signed_company_in_the_browser(browser, live_server, embedded, javascript):
    """The whole chapter by hand: account, code from the outbox, company, figures, both signatures."""
    with new_page(browser, javascript=javascript) as page:
        page.goto(f"{live_server.url}{reverse('account_signup')}")
        page.get_by_label("Your name").fill("Nora Ek")
        page.get_by_label("Email").fill("nora@example.eu")
        page.get_by_label("Password").fill("weaving-looms-by-night")
        page.get_by_role("button", name="Create account").click()
        page.get_by_label("Code").wait_for()
        body = OutboxMessage.objects.get(to="nora@example.eu").body
        page.get_by_label("Code").fill(re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", body, re.M).group(1))
        page.get_by_role("button", name="Confirm").click()

        page.get_by_label("Legal name").fill("Ek Looms")
        page.get_by_label("Country").select_option("SE")
        page.get_by_label("VAT number").fill("123456789701")
        page.get_by_label("Main activity").fill("13")
        page.get_by_label("Street and number").fill("Vävargatan 1")
        page.get_by_label("Town").fill("Borås")
        page.get_by_role("button", name="Register").click()

        page.get_by_role("link", name="Company figures and size").click()
        page.locator("main").get_by_role("link", name="Start").click()
        page.get_by_label("A person or a family who controls no other company").check()
        page.get_by_role("button", name="Continue").click()
        for answer in page.get_by_label("No", exact=True).all():
            answer.check()
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("No", exact=True).check()
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Last day of the accounting year").fill(f"{today().year - 1}-12-31")
        page.get_by_label("Staff in annual work units").fill("12.5")
        page.get_by_label("Annual turnover").fill("1,500,000")
        page.get_by_label("Balance sheet total").fill("900 000")
        page.get_by_role("button", name="Save and continue").click()
        page.get_by_label("Your position").fill("Owner")
        page.get_by_label("I may sign").check()
        page.get_by_role("button", name="Sign the statement").click()
        page.get_by_text("Small enterprise", exact=True).first.wait_for()

        page.goto(f"{live_server.url}{reverse('accounts:aid_declare')}")
        page.locator("[name=other_aid][value=none]").check()
        page.get_by_label("Your name").fill("Nora Ek")
        page.get_by_label("Your position").fill("Owner")
        page.get_by_label("I may sign").check()
        page.get_by_role("button", name="Sign the declaration").click()
        page.get_by_text("Nothing counts yet").wait_for()
