"""Results in a real Chromium: accessible in every look, and a download that arrives."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import axe, every_look, new_page, no_sideways_scroll, sign_in
from tests.factories import make_organisation, make_user
from tests.models_hub.tuned.conftest import make_tuned

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def person():
    owner = make_user()
    owner.organisation = make_organisation(owner=owner)
    return owner


@pytest.mark.parametrize("page_of", ["results/", "results/{}/", "results/{}/delete/"])
def test_a_page_is_accessible_in_every_look(browser: Browser, live_server, person, page_of):
    tuned = make_tuned(person.organisation)
    for page in every_look(browser):
        sign_in(page, live_server.url, person)
        page.goto(f"{live_server.url}/{page_of.format(tuned.pk)}")
        axe(page)
        no_sideways_scroll(page)
        if folder := os.environ.get("SHOTS"):
            name = f"{page_of.strip('/').replace('/', '-').replace('{}', 'x')}-{page.viewport_size['width']}"
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_an_empty_list_is_accessible(browser: Browser, live_server, person):
    for page in every_look(browser, widths=(320,)):
        sign_in(page, live_server.url, person)
        page.goto(f"{live_server.url}/results/")
        axe(page)


def test_all_files_are_downloaded_by_one_click(browser: Browser, live_server, person):
    tuned = make_tuned(person.organisation)
    with new_page(browser, javascript=False) as page:
        sign_in(page, live_server.url, person)
        page.goto(f"{live_server.url}/results/{tuned.pk}/")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Download all").click()
        assert waiting.value.suggested_filename == "mail-sorter.zip"
