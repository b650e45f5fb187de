"""The frame, the pattern page and the refusals in a real browser."""

import gzip

import pytest

from portal.env import ROOT
from portal.ui import landing
from portal.ui.samples import pattern_context
from tests.browser import axe, every_look, new_page, no_sideways_scroll

pytestmark = pytest.mark.browser
REFUSALS = ("400", "403", "403_csrf", "404", "500", "503")


def test_the_pattern_page_is_accessible_in_every_look(browser, design_server):
    for page in every_look(browser):
        page.goto(f"{design_server}/patterns/")
        axe(page)
        no_sideways_scroll(page)


def test_the_landing_page_is_accessible_in_every_look(browser, design_server, monkeypatch):
    monkeypatch.setattr(landing, "_sites", lambda: pattern_context()["sites"])
    for page in every_look(browser):
        page.goto(design_server)
        axe(page)
        no_sideways_scroll(page)


def test_open_menus_are_accessible(browser, design_server):
    for page in every_look(browser):
        page.goto(f"{design_server}/patterns/")
        for menu in page.locator("details.op-menu:visible").all():
            menu.locator("summary").click()
            axe(page, within="header")
            no_sideways_scroll(page)
            page.keyboard.press("Escape")


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal_pages_are_accessible(browser, design_server, name):
    for page in every_look(browser):
        page.goto(f"{design_server}/page/{name}/")
        axe(page)
        no_sideways_scroll(page)


@pytest.mark.parametrize(
    "path", ["account/login/", "account/signup/", "account/password/reset/", "account/login/code/"]
)
def test_the_entrance_pages_are_accessible(browser, design_server, path):
    for page in every_look(browser):
        page.goto(f"{design_server}/{path}")
        axe(page)
        no_sideways_scroll(page)


def test_the_frame_of_a_signed_in_person_is_accessible_at_every_width(browser, design_server):
    for page in every_look(browser, widths=(1440, 1184, 1183, 768, 320)):
        page.goto(f"{design_server}/jobs/jobs/")
        no_sideways_scroll(page)
        for menu in page.locator("details.op-menu:visible").all():
            menu.locator("summary").click()
            axe(page, within="header")
            no_sideways_scroll(page)
            page.keyboard.press("Escape")
            assert menu.get_attribute("open") is None


def test_a_menu_closes_when_one_clicks_beside_it(browser, design_server):
    with new_page(browser) as page:
        page.goto(f"{design_server}/jobs/jobs/")
        menu = page.locator("details.op-menu").first
        menu.locator("summary").click()
        assert menu.get_attribute("open") is not None
        page.locator("h1").click()
        assert menu.get_attribute("open") is None


def test_escape_gives_the_focus_back_to_the_menu(browser, design_server):
    with new_page(browser) as page:
        page.goto(f"{design_server}/patterns/")
        summary = page.locator("summary", has_text="Appearance")
        summary.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_chosen_appearance_stays_on_the_next_page(browser, design_server):
    with new_page(browser) as page:
        page.goto(f"{design_server}/patterns/")
        page.locator("summary", has_text="Appearance").click()
        page.get_by_role("button", name="Dark").click()
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
        page.goto(design_server)
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_everything_is_there_without_scripts(browser, design_server):
    with new_page(browser, javascript=False, width=320) as page:
        page.goto(f"{design_server}/jobs/jobs/")
        page.locator("summary", has_text="Menu").last.click()
        assert page.get_by_role("link", name="Fine-tuning").is_visible()
        page.locator("summary", has_text="Menu").last.click()
        page.locator("summary", has_text="Appearance").click()
        page.get_by_role("button", name="Dark").click()
        assert page.url.endswith("/jobs/jobs/")
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
        assert not page.locator("#op-trouble").is_visible()
        page.get_by_text("Show these numbers as a table").first.click()
        assert page.get_by_role("columnheader", name="Northern AI Factory").is_visible()


def test_the_passkey_button_is_hidden_where_it_could_not_work(browser, design_server):
    with new_page(browser, javascript=False) as page:
        page.goto(f"{design_server}/account/login/")
        assert not page.locator("#passkey_login").is_visible()
        assert page.get_by_role("button", name="Sign in", exact=True).is_visible()


def test_the_skip_link_is_the_first_stop_and_leads_past_the_header(browser, design_server):
    with new_page(browser) as page:
        page.goto(design_server)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "op-skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_errors_take_the_focus_and_lead_to_their_fields(browser, design_server):
    with new_page(browser) as page:
        page.goto(f"{design_server}/patterns/")
        assert page.evaluate("document.activeElement.id") == "errors"
        page.get_by_role("link", name="GPU-hours – Enter a whole number.").click()
        assert page.evaluate("document.activeElement.id") == "id_hours"


def test_a_request_that_fails_is_said_and_can_be_repeated(browser, design_server):
    with new_page(browser, quiet=False) as page:
        page.goto(f"{design_server}/patterns/")
        page.evaluate("htmx.ajax('GET', '/nothing-of-the-kind/', {target: 'h1'}).catch(() => {})")
        trouble = page.get_by_role("alert").filter(has_text="did not reach the portal")
        trouble.wait_for()
        axe(page)
        trouble.get_by_role("button", name="Close").click()
        assert not trouble.is_visible()


def test_a_value_can_be_copied(browser, design_server):
    with new_page(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"{design_server}/patterns/")
        page.get_by_role("button", name="Copy the checksum").click()
        page.get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == "sha256:9f86d081884c7d65"


def test_text_at_twice_its_size_needs_no_sideways_scroll(browser, design_server):
    with new_page(browser, width=1280) as page:
        page.goto(f"{design_server}/jobs/jobs/")
        page.evaluate("document.documentElement.setAttribute('data-big', '')")
        page.evaluate("document.styleSheets[1].insertRule('html[data-big]{font-size:200%}')")
        no_sideways_scroll(page)


def test_the_page_can_be_used_in_forced_colours(browser, design_server):
    with new_page(browser, forced_colors="active") as page:
        page.goto(f"{design_server}/patterns/")
        axe(page)
        assert page.locator(".op-tag").first.evaluate("(tag) => getComputedStyle(tag).borderTopStyle") == "solid"


def test_the_first_visit_stays_within_its_weight(browser, design_server, monkeypatch):
    """At most 150 kB compressed, 25 kB of it scripts, 12 requests, nothing from elsewhere."""
    monkeypatch.setattr(landing, "_sites", lambda: pattern_context()["sites"])
    loaded: dict[str, bytes] = {}
    with new_page(browser) as page:
        page.on("response", lambda response: loaded.__setitem__(response.url, response.body()))
        page.goto(design_server, wait_until="networkidle")
    sizes = {url: len(body) if url.endswith(".woff2") else len(gzip.compress(body)) for url, body in loaded.items()}
    assert all(url.startswith(design_server) for url in sizes)
    assert any("europe" in url for url in sizes)
    assert len(sizes) <= 12
    assert sum(sizes.values()) <= 150_000
    assert sum(size for url, size in sizes.items() if url.endswith(".js")) <= 25_000


def test_our_own_script_is_small():
    assert (ROOT / "static" / "js" / "app.js").stat().st_size < 3_500
