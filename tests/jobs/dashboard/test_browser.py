"""Dashboard, usage and the public estimator in a real Chromium, in every state, look and width."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from catalog.models import Partition, Site
from catalog.seeding import seed_catalogue
from jobs.models import JobDraft, LedgerEntry
from jobs.states import JobState
from tests.browser import axe, every_look, new_page, no_sideways_scroll, sign_in
from tests.factories import make_allocation, make_foundation_model, make_job, make_sme, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def catalogue():
    seed_catalogue(demonstration=True)


@pytest.fixture
def newcomer():
    return make_user(full_name="Nora Newcomer")


@pytest.fixture
def busy(catalogue):
    """A company in the middle of its work: hours used over weeks, runs in every state, things to do."""
    owner = make_user(full_name="Ana Lindqvist")
    company = make_sme(owner=owner, legal_name="Nordlys Textiles ApS")
    site = Site.objects.get(slug="local")
    allocation = make_allocation(organisation=company, partition=Partition.objects.get(site=site), gpu_hours=20)
    base = make_foundation_model(name="EuroLLM 9B")
    # Bookings are never changed and get their moment from the clock, so all of them fall into this week.
    for hours in (3, 6, 4, 2.5):
        make_job(
            allocation=allocation, base_model=base, charged_gpu_seconds=int(hours * 3600), state=JobState.DONE,
            settled_at=datetime.now(UTC),
        )  # fmt: skip
    make_job(allocation=allocation, base_model=base, name="Return reasons", state=JobState.RUNNING, progress=64,
             eta_seconds=2100, reserved_gpu_seconds=1800)  # fmt: skip
    make_job(allocation=allocation, base_model=base, name="Danish product texts", reserved_gpu_seconds=900)
    failed = make_job(
        allocation=allocation, base_model=base, name="Supplier e-mails", state=JobState.FAILED, charged_gpu_seconds=0,
        sentence="It ran out of memory.", settled_at=datetime.now(UTC),
    )  # fmt: skip
    failed.ended_at = datetime.now(UTC) + timedelta(seconds=1)
    failed.save()
    JobDraft.objects.create(organisation=company, name="Mails", expires_at=datetime.now(UTC) + timedelta(days=5))
    assert LedgerEntry.objects.exists()
    return owner


def test_a_busy_dashboard_is_accessible_in_every_look(browser: Browser, live_server, busy):
    for page in every_look(browser):
        sign_in(page, live_server.url, busy)
        page.goto(f"{live_server.url}/dashboard/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Ana")
        axe(page)
        no_sideways_scroll(page)


def test_the_first_visit_is_accessible_in_every_look(browser: Browser, live_server, catalogue, newcomer):
    for page in every_look(browser):
        sign_in(page, live_server.url, newcomer)
        page.goto(f"{live_server.url}/dashboard/")
        axe(page)
        no_sideways_scroll(page)


def test_usage_is_accessible_in_every_look(browser: Browser, live_server, busy):
    for page in every_look(browser):
        sign_in(page, live_server.url, busy)
        page.goto(f"{live_server.url}/usage/")
        axe(page)
        no_sideways_scroll(page)


def test_usage_with_nothing_and_a_wrong_period_is_accessible(browser: Browser, live_server, catalogue, newcomer):
    make_sme(owner=newcomer)
    with new_page(browser) as page:
        sign_in(page, live_server.url, newcomer)
        page.goto(f"{live_server.url}/usage/?from=2026-05-01&to=2026-04-01")
        expect(page.get_by_text("The last day lies before the first.").first).to_be_visible()
        axe(page)


def test_the_estimator_is_accessible_in_every_look(browser: Browser, live_server, catalogue):
    for page in every_look(browser):
        page.goto(f"{live_server.url}/estimate/")
        axe(page)
        no_sideways_scroll(page)


def test_the_landing_page_estimates_in_place(browser: Browser, live_server, catalogue):
    with new_page(browser) as page:
        page.goto(live_server.url)
        page.get_by_label("How many examples do you have?").fill("500")
        page.get_by_role("button", name="Estimate").click()
        expect(page.locator("#public-estimate")).to_contain_text("EuroLLM 9B Instruct")
        expect(page).to_have_url(f"{live_server.url}/")
        axe(page)


def test_the_landing_page_estimates_without_scripts(browser: Browser, live_server, catalogue):
    with new_page(browser, javascript=False) as page:
        page.goto(live_server.url)
        page.get_by_label("What should the model do?").select_option("classify")
        page.get_by_role("button", name="Estimate").click()
        expect(page.locator("#public-estimate")).to_contain_text("Multilingual E5 base")
        expect(page.get_by_label("What should the model do?")).to_have_value("classify")
