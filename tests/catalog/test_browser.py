"""The catalogue in a real Chromium: accessible in every look, without sideways scrolling, usable without scripts."""

import pytest
from playwright.sync_api import Browser

from catalog.models import FoundationModel, Site, StoredModel
from catalog.seeding import seed_catalogue
from portal.kernel.clock import now
from tests.browser import axe, every_look, new_page, no_sideways_scroll

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATHS = (
    "/models/",
    "/models/?q=nothing-like-this&language=pl",
    "/models/eurollm-9b-instruct/",
    "/models/compare/?model=qwen3-4b&model=phi-4&model=llama-3-1-8b-instruct",
    "/sites/",
    "/sites/local/",
    "/sites/antenna-lv/",
    "/access-modes/",
)


@pytest.fixture
def catalogue():
    seed_catalogue(demonstration=True)
    StoredModel.objects.create(
        site=Site.objects.get(slug="local"),
        model=FoundationModel.objects.get(slug="minilm-demo"),
        revision="demo",
        last_reported_at=now(),
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_in_every_look(browser: Browser, live_server, catalogue, path):
    for page in every_look(browser):
        page.goto(f"{live_server.url}{path}")
        axe(page)
        no_sideways_scroll(page)


def test_three_models_are_compared_without_scripts(browser: Browser, live_server, catalogue):
    with new_page(browser, javascript=False) as page:
        page.goto(f"{live_server.url}/models/?country=CN")
        for box in page.get_by_role("checkbox", name="Compare Qwen").all()[:3]:
            box.check()
        page.get_by_role("button", name="Compare the ticked ones").click()
        assert page.get_by_role("columnheader").all_inner_texts()[-1].startswith("Qwen3")
        assert page.get_by_role("columnheader").count() == 3


def test_filters_work_without_scripts(browser: Browser, live_server, catalogue):
    with new_page(browser, javascript=False) as page:
        page.goto(f"{live_server.url}/models/")
        page.get_by_label("Ready at a connected site").check()
        page.get_by_role("button", name="Show", exact=True).click()
        assert page.get_by_role("rowheader").all_inner_texts()[0].startswith("MiniLM")
