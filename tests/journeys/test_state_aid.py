"""Public support from the first question to the auditor's replay, each step by the person whose step it is.

An owner answers the questions on size with a company that controls hers, declares other support and asks for more hours
than fit. The officer is told the amount that fits and grants it; the letter is there; the register's file is made and
its number recorded. An auditor finds the award, recomputes it, and takes the ledger along.
"""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import AidAward, AidDuty, AidLetter, RegisterExport
from accounts.roles import Role
from accounts.state_aid import rules
from accounts.tasks import duties
from portal.kernel.clock import today
from tests.browser import axe, new_page, no_sideways_scroll, sign_in
from tests.factories import (
    grant,
    make_access_mode,
    make_organisation,
    make_partition,
    make_site,
    make_user,
    with_second_factor,
)
from tests.journeys.walk import Walker, choose, last_closed_year

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ASKED, FITS = 500, 454


class Scene:
    """Who takes part: a company in Luxembourg, a site that gives Finland's time, its officer, and an auditor."""

    def __init__(self) -> None:
        self.owner = make_user(full_name="Olga Owner")
        self.organisation = make_organisation(owner=self.owner, legal_name="Nordlys Textiles")
        site = make_site(name="Kajaani", granting_state="FI", granting_authority="A ministry")
        make_access_mode(code="playground").sites.add(make_partition(site=site, rate="2.20").site)
        self.officer = with_second_factor(make_user(full_name="Maija Officer"))
        grant(self.officer, Role.HELPDESK, site_slug=site.slug)
        self.auditor = make_user(full_name="Audra Auditor")
        grant(self.auditor, Role.AUDITOR)


class People:
    """One browser window for each person, opened when it is their turn."""

    def __init__(self, browser, url: str) -> None:
        self.browser, self.url = browser, url

    def walk_as(self, user):
        window = new_page(self.browser)
        return _Turn(window, self.url, user)


class _Turn:
    def __init__(self, window, url, user) -> None:
        self.window, self.url, self.user = window, url, user

    def __enter__(self) -> Walker:
        page = self.window.__enter__()
        sign_in(page, self.url, self.user)
        return Walker(page, self.url)

    def __exit__(self, *about) -> None:
        self.window.__exit__(*about)


def looked_at(walker: Walker) -> None:
    axe(walker.page)
    no_sideways_scroll(walker.page)


def year_of_the_firm(walker: Walker, staff: str, turnover: str, balance: str) -> None:
    walker.page.locator("[name=year_end]").fill(last_closed_year())
    walker.page.locator("[name=headcount_awu]").fill(staff)
    walker.page.locator("[name=turnover_eur]").fill(turnover)
    walker.page.locator("[name=balance_sheet_eur]").fill(balance)


def the_owner_states_size_and_group(walker: Walker) -> None:
    walker.go(reverse("accounts:company_facts"))
    walker.page.locator("main").get_by_role("link", name="Start").click()
    walker.page.get_by_label("Another company").check()
    walker.press("Continue")
    choose(walker.page, "holds", "no")
    choose(walker.page, "control", "no")
    walker.press("Continue")
    choose(walker.page, "changed", "no")
    walker.press("Continue")
    year_of_the_firm(walker, "14.5", "2,100,000", "1,300,000")
    choose(walker.page, "basis", "approved")
    walker.press("Save and continue")
    walker.page.get_by_role("link", name="Add an owner").click()
    walker.page.locator("[name=kind][value=enterprise]").check()
    walker.press("Continue")
    walker.page.get_by_label("Name").fill("Nordlys Holding")
    walker.page.get_by_label("Country").select_option("DK")
    walker.page.get_by_label("Share of the capital").fill("60")
    walker.press("Add to the group")
    year_of_the_firm(walker, "3", "400,000", "900,000")
    walker.press("Save the year")
    walker.page.get_by_role("link", name="Back to the group").click()
    expect(walker.page.locator(".op-est__big")).to_have_text("Small enterprise")
    walker.page.get_by_role("link", name="Continue").click()
    walker.page.locator("[name=name]").fill("Olga Owner")
    walker.page.locator("[name=position]").fill("Managing director")
    walker.page.locator("[name=confirmed]").check()
    walker.press("Sign the statement")
    expect(walker.page.get_by_role("heading", name="Small enterprise")).to_be_visible()
    walker.go(reverse("accounts:group"))
    expect(walker.page.get_by_text("Nordlys Holding").first).to_be_visible()


def the_owner_declares_other_support(walker: Walker) -> None:
    walker.go(reverse("accounts:aid_declare"))
    choose(walker.page, "other_aid", "some")
    walker.page.locator("[name=lines-0-state]").select_option("FI")
    walker.page.locator("[name=lines-0-granted_on]").fill((today() - timedelta(days=200)).isoformat())
    walker.page.locator("[name=lines-0-amount_eur]").fill("299,000")
    walker.page.locator("[name=signer_name]").fill("Olga Owner")
    walker.page.locator("[name=signer_position]").fill("Managing director")
    walker.page.locator("[name=signed]").check()
    walker.press("Sign the declaration")
    walker.go(reverse("accounts:aid"))
    expect(walker.page.locator(".op-stat strong").first).to_have_text("€1,000.00")
    expect(walker.page.get_by_text("Nordlys Holding").first).to_be_visible()
    looked_at(walker)


def the_owner_asks(walker: Walker) -> None:
    walker.go(reverse("jobs:application_new"))
    expect(walker.page.get_by_text("counts as aid of Finland").first).to_be_visible()
    walker.ask_for_playground_hours(ASKED)


def the_officer_is_told_what_fits_and_grants_it(walker: Walker) -> None:
    walker.go(reverse("jobs:queue"))
    walker.page.locator("tbody a").first.click()
    expect(walker.page.get_by_text(f"Today €1,000.00 would fit: {FITS} GPU-hours.")).to_be_visible()
    walker.page.locator("[name=outcome][value=all]").check()
    walker.page.locator("[name=reason]").fill("As asked.")
    walker.press("Record the decision")
    expect(walker.page.get_by_text("At most €1,000.00 can be granted today").first).to_be_visible()
    assert not AidAward.objects.exists()
    walker.page.locator("[name=outcome][value=less]").check()
    walker.page.locator("[name=gpu_hours]").fill(str(FITS))
    walker.page.locator("[name=reason]").fill("This is what the limit leaves today.")
    walker.press("Record the decision")
    expect(walker.page.get_by_text(f"approved: {FITS} GPU-hours").first).to_be_visible()


def the_owner_finds_the_letter(walker: Walker) -> None:
    walker.go(reverse("accounts:letters"))
    expect(walker.page.get_by_text("Notice of an award")).to_be_visible()
    letter = AidLetter.objects.get()
    assert (
        walker.page.request.get(walker.url + reverse("accounts:letter_file", args=[letter.pk])).body()[:5] == b"%PDF-"
    )
    walker.go(reverse("accounts:aid"))
    expect(walker.page.locator(".op-stat strong").first).to_have_text("€1.20")
    expect(walker.page.get_by_text("Due by").first).to_be_visible()
    looked_at(walker)


def the_officer_feeds_the_register(walker: Walker) -> None:
    walker.go(reverse("jobs:supported"))
    walker.page.get_by_role("link", name="Nordlys Textiles").click()
    expect(walker.page.get_by_text("Enter in the register")).to_be_visible()
    looked_at(walker)
    walker.go(reverse("accounts:register"))
    walker.press("CSV")
    expect(walker.page.get_by_text("The file is made and kept below.")).to_be_visible()
    duty = AidDuty.objects.get(kind="register")
    walker.go(reverse("accounts:duty", args=[duty.pk]))
    walker.page.get_by_label("Number or address").fill("AIR-2026-4711")
    walker.press("Record")
    duty.refresh_from_db()
    assert (duty.state, duty.reference) == ("done", "AIR-2026-4711")


def the_auditor_finds_recomputes_and_takes_along(walker: Walker) -> None:
    walker.go(reverse("accounts:aid_ledger"))
    walker.page.get_by_label("Company, number or reference").fill("nordlys")
    walker.press("Search")
    expect(walker.page.locator("tbody tr")).to_have_count(2)
    looked_at(walker)
    walker.page.locator("tbody a").first.click()
    expect(walker.page.get_by_text("€998.80").first).to_be_visible()
    walker.press("Recompute and compare")
    expect(walker.page.get_by_text("the same verdict, bit by bit")).to_be_visible()
    looked_at(walker)
    walker.go(reverse("accounts:aid_verdicts"))
    walker.press("Recompute the whole selection")
    expect(walker.page.get_by_text("the same bits")).to_be_visible()
    answer = walker.page.request.get(walker.url + reverse("accounts:aid_ledger_export") + "?format=json&q=nordlys")
    rows = json.loads(answer.body())
    assert rows and all(rules.replay(row["case"]) == row["verdict"] for row in rows)


def test_support_from_the_first_question_to_the_auditors_replay(browser, live_server):
    scene, people = Scene(), People(browser, live_server.url)
    with people.walk_as(scene.owner) as walker:
        the_owner_states_size_and_group(walker)
        the_owner_declares_other_support(walker)
        the_owner_asks(walker)
    with people.walk_as(scene.officer) as walker:
        the_officer_is_told_what_fits_and_grants_it(walker)
    assert AidAward.objects.get(event="reserved").amount_eur == Decimal("998.80")
    duties()
    with people.walk_as(scene.owner) as walker:
        the_owner_finds_the_letter(walker)
    with people.walk_as(scene.officer) as walker:
        the_officer_feeds_the_register(walker)
    assert RegisterExport.objects.get().granting_state == "FI"
    with people.walk_as(scene.owner) as walker:
        walker.go(reverse("accounts:aid"))
        expect(walker.page.get_by_text("AIR-2026-4711")).to_be_visible()
    with people.walk_as(scene.auditor) as walker:
        the_auditor_finds_recomputes_and_takes_along(walker)
