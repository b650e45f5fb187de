"""The operators' pages in a real browser: accessible in every look, and usable without scripts."""

import os
from pathlib import Path

import pytest
from django.urls import reverse

from catalog.models import Site
from tests.browser import axe, every_look, new_page, no_sideways_scroll, sign_in
from tests.jobs.sites.operators import at, full_scene, make_operator

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(db):
    scene = full_scene()
    scene.operator = make_operator(scene.site)
    return scene


def addresses(scene):
    pages = {name: at(name, scene.site) for name in (
        "site", "jobs", "agents", "maintenance", "messages", "accounts", "removals",
    )}  # fmt: skip
    return {
        "list": reverse("jobs:operated_sites"),
        **pages,
        "agent_revoke": at("agent_revoke", scene.site, agent=scene.agent.pk),
        "key_revoke": at("key_revoke", scene.site, number=scene.key.pk),
        "key_replace": at("key_replace", scene.site, agent=scene.agent.pk),
        "removal": at("removal", scene.site, attempt=scene.ended.pk),
        "public": scene.site.get_absolute_url(),
    }


def test_the_pages_are_accessible(browser, live_server, scene):
    pictures = os.environ.get("PICTURES")
    for number, page in enumerate(every_look(browser, themes=("light", "dark"), widths=(1280, 320))):
        sign_in(page, live_server.url, scene.operator)
        for name, url in addresses(scene).items():
            page.goto(live_server.url + url)
            if pictures:
                page.screenshot(path=str(Path(pictures) / f"{name}-{number}.png"), full_page=True)
            axe(page)
            no_sideways_scroll(page)


def test_drain_and_a_code_without_scripts(browser, live_server, scene):
    with new_page(browser, javascript=False) as page:
        sign_in(page, live_server.url, scene.operator)
        page.goto(live_server.url + at("site", scene.site))
        page.get_by_role("button", name="Drain the site").click()
        page.get_by_role("button", name="Take work again").wait_for()
        page.get_by_role("link", name="Agents and keys").click()
        page.get_by_role("button", name="Make an enrolment code").click()
        page.get_by_text("shown once").wait_for()
    scene.site.refresh_from_db()
    assert scene.site.status == Site.Status.DRAINING
