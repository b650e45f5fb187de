"""The wizard in a real Chromium: accessible in every look, figures that follow the choices, and no need of scripts."""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect

from jobs.models import JobDraft
from portal.kernel.clock import now
from tests.browser import axe, every_look, new_page, no_sideways_scroll, sign_in
from tests.jobs.wizard.test_estimate import enlarge
from tests.jobs.wizard.walk import url, walk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def draft(house):
    client = Client()
    client.force_login(house.owner)
    return walk(client, house, "chat")


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_step_is_accessible_in_every_look(browser: Browser, live_server, house, draft, step):
    for page in every_look(browser):
        sign_in(page, live_server.url, house.owner)
        page.goto(live_server.url + url(draft, step))
        axe(page)
        no_sideways_scroll(page)
        if folder := os.environ.get("SHOTS"):
            theme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
            page.screenshot(path=Path(folder) / f"step{step}-{theme}-{page.viewport_size['width']}.png", full_page=True)


def test_the_list_and_the_pages_of_a_closed_draft_are_accessible(browser: Browser, live_server, house, draft):
    expired = JobDraft.objects.create(
        organisation=house.organisation, name="Old", recipe="chat", expires_at=now() - timedelta(days=1)
    )
    paths = ["/fine-tuning/", f"/fine-tuning/{draft.pk}/discard/", f"/fine-tuning/{expired.pk}/step/1/"]
    for page in every_look(browser):
        sign_in(page, live_server.url, house.owner)
        for path in [*paths, f"/fine-tuning/?model={house.writer.slug}"]:
            page.goto(live_server.url + path)
            axe(page)
            no_sideways_scroll(page)
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=Path(folder) / f"start-{page.viewport_size['width']}.png", full_page=True)


def test_the_estimate_follows_a_choice_without_a_reload(browser: Browser, live_server, house, draft):
    enlarge(house)
    with new_page(browser) as page:
        sign_in(page, live_server.url, house.owner)
        page.goto(live_server.url + url(draft, 3))
        before = page.locator("#estimate .op-est__big").inner_text()
        page.get_by_role("radio", name="Thorough").check()
        expect(page.locator("#estimate .op-est__big")).not_to_have_text(before)
        expect(page.get_by_role("radio", name="Thorough")).to_be_checked()
        expect(page.locator("#est-live")).to_contain_text("GPU-hours")


def test_the_focus_stays_on_the_choice_that_was_made(browser: Browser, live_server, house, draft):
    with new_page(browser) as page:
        sign_in(page, live_server.url, house.owner)
        page.goto(live_server.url + url(draft, 3))
        page.locator("[name=method][value=lora]").focus()
        with page.expect_response(lambda response: "/estimate/" in response.url):
            page.keyboard.press("ArrowDown")
        expect(page.locator("[name=method][value=qlora]")).to_be_focused()
        expect(page.locator("[name=method][value=qlora]")).to_be_checked()


def test_choosing_another_goal_shows_other_models(browser: Browser, live_server, house, draft):
    with new_page(browser) as page:
        sign_in(page, live_server.url, house.owner)
        page.goto(live_server.url + url(draft, 1))
        page.locator("[name=goal][value=classify]").check()
        expect(page.locator("#models")).to_contain_text("Little Encoder")
        expect(page.locator("#models")).not_to_contain_text("Little Writer")


def test_the_whole_way_works_without_scripts(browser: Browser, live_server, house):
    with new_page(browser, javascript=False) as page:
        sign_in(page, live_server.url, house.owner)
        page.goto(f"{live_server.url}/fine-tuning/")
        page.get_by_role("button", name=re.compile("Begin.*sorts texts")).click()
        page.get_by_role("radio", name="Little Encoder").check()
        page.get_by_label("A name for this run").fill("Without scripts")
        page.get_by_role("button", name="Continue to your data").click()
        page.get_by_role("radio", name="Messages").check()
        page.get_by_role("button", name="Show what is in it").click()
        expect(page.locator("#data-checks")).to_contain_text("What we found in it")
        page.locator("[name=personal_data][value=none]").check()
        page.locator("[name=rights]").check()
        page.get_by_role("button", name="Continue to training").click()
        page.locator("[name=effort][value=quick]").check()
        page.get_by_role("button", name="Update the estimate").click()
        expect(page.locator("[name=effort][value=quick]")).to_be_checked()
        page.get_by_role("button", name="Continue to evaluation").click()
        page.get_by_label("What will you use the model for?").fill("Sorting our own mail.")
        page.locator("[name=high_risk][value=none]").check()
        page.locator("[name=prohibited]").check()
        page.locator("[name=licence_accepted]").check()
        page.get_by_role("button", name="Continue to the last check").click()
        page.get_by_role("button", name="Start the run").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Without scripts")
