"""The interview in a real Chromium: a company that stands alone, and one with a partner and a linked company."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import SmeAssessment
from accounts.roles import Role
from accounts.services import declare_size
from tests.accounts.size.conftest import TODAY
from tests.browser import axe, every_look, new_page, no_sideways_scroll, sign_in
from tests.factories import grant, make_user, with_second_factor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press(page, name):
    page.get_by_role("button", name=name).first.click()
    page.wait_for_load_state()


def looked_at(page):
    axe(page)
    no_sideways_scroll(page)


def plain_questions(page, owners, *, look=lambda page: None):
    """From the overview to the page of figures."""
    page.locator("main").get_by_role("link", name="Start").click()
    look(page)
    for label in owners:
        page.get_by_label(label).check()
    press(page, "Continue")
    look(page)
    for answer in page.get_by_label("No", exact=True).all():
        answer.check()
    press(page, "Continue")
    look(page)
    expect(page.get_by_label("On which day did the latest change take effect?")).to_be_hidden()
    page.get_by_label("No", exact=True).check()
    press(page, "Continue")
    look(page)


def own_figures(page, staff, turnover, balance):
    page.get_by_label("Last day of the accounting year").fill("2025-12-31")
    page.get_by_label("Staff in annual work units").fill(staff)
    page.get_by_label("Annual turnover in EUR").fill(turnover)
    page.get_by_label("Balance sheet total in EUR").fill(balance)
    page.get_by_label("Balance sheet total in EUR").blur()


def sign(page):
    page.get_by_label("Your name").fill("Olga Owner")
    page.get_by_label("Your position").fill("Managing director")
    page.get_by_label("I may sign for the company").check()
    press(page, "Sign the statement")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_company_that_stands_alone_is_signed(browser, live_server, owner, organisation, javascript):
    with new_page(browser, javascript=javascript, width=390) as page:
        sign_in(page, live_server.url, owner)
        page.goto(live_server.url + reverse("accounts:company_facts"))
        look = looked_at if javascript else (lambda page: None)
        plain_questions(page, ["A person or a family who controls no other company"], look=look)
        own_figures(page, "9.5", "3,000,000", "1,900,000")
        if javascript:
            expect(page.locator("#size-live")).to_contain_text("Micro enterprise")
        press(page, "Save and continue")
        look(page)
        sign(page)
        expect(page.get_by_role("heading", name="Micro enterprise")).to_be_visible()
        expect(page.get_by_text("Computed again just now: the same.")).to_be_visible()
        look(page)
    assert SmeAssessment.objects.get().declared_autonomous


def test_a_partner_and_its_daughter_make_it_medium_sized(browser, live_server, owner, organisation):
    """Vector V5 of the fact sheet, entered by hand, without a script; then seen in every look."""
    with new_page(browser, javascript=False) as page:
        sign_in(page, live_server.url, owner)
        page.goto(live_server.url + reverse("accounts:company_facts"))
        plain_questions(page, ["Another company"])
        own_figures(page, "40", "8,000,000", "6,000,000")
        press(page, "Save and continue")

        page.get_by_role("link", name="Add an owner").click()
        page.locator("[name=kind][value=enterprise]").check()
        press(page, "Continue")
        add_company(page, "Partner Holding GmbH", "33")
        party_figures(page, "100", "20,000,000", "15,000,000")
        page.get_by_role("link", name="Back to the group").click()
        page.get_by_role("link", name=re.compile("Add what it holds.*Partner Holding GmbH")).click()
        add_company(page, "Quarz Werke GmbH", "100")
        party_figures(page, "50", "10,000,000", "5,000,000")
        page.get_by_role("link", name="Back to the group").click()

        expect(page.locator(".op-est__big")).to_have_text("Medium-sized enterprise")
        page.get_by_role("link", name="Continue").click()
        sign(page)
        expect(page.get_by_role("heading", name="Medium-sized enterprise")).to_be_visible()
    assert SmeAssessment.objects.get().size_class == "medium"


def add_company(page, name, share):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Country").select_option("DE")
    page.get_by_label("Share of the capital").fill(share)
    press(page, "Add to the group")


def party_figures(page, staff, turnover, balance):
    own_figures(page, staff, turnover, balance)
    press(page, "Save the year")


def test_every_page_of_a_group_is_accessible(browser, live_server, v5):
    statement = declare_size(actor=v5.owner, organisation=v5.organisation, on=TODAY)
    person = v5.party("Nora Ek", kind="person")
    v5.holds(person, v5.centre, 20)
    party = v5.organisation.parties.get(name="Partner Holding GmbH")
    names = [
        "company_facts",
        "size_figures",
        "size_group",
        "size_persons",
        "size_check",
        "size_papers",
        "holding_new",
        "party_new",
    ]
    urls = [reverse(f"accounts:{name}") for name in names]
    urls += [reverse("accounts:party", args=[party.pk]), reverse("accounts:size_statement", args=[statement.pk])]
    urls += [
        reverse("accounts:party_new") + "?side=owner&kind=venture_capital",
        reverse("accounts:size_figures") + "?add=1",
    ]
    for page in every_look(browser, widths=(1280, 390)):
        sign_in(page, live_server.url, v5.owner)
        for url in urls:
            page.goto(live_server.url + url)
            looked_at(page)


def test_the_officers_pages_are_accessible(browser, live_server, contested):
    statement = declare_size(actor=contested.owner, organisation=contested.organisation, on=TODAY)
    officer = with_second_factor(make_user(full_name="Maija Virtanen"))
    grant(officer, Role.HELPDESK, site_slug="lumi")
    for page in every_look(browser, widths=(1280, 390)):
        sign_in(page, live_server.url, officer)
        for url in (reverse("accounts:size_reviews"), reverse("accounts:size_review", args=[statement.pk])):
            page.goto(live_server.url + url)
            looked_at(page)
