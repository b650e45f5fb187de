"""The operators' pages in a real browser, without scripts. How they look: tests/journeys/test_every_page.py."""

import pytest

from catalog.models import Site
from tests.browser import new_page, sign_in
from tests.jobs.sites.operators import at, full_scene, make_operator

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(db):
    scene = full_scene()
    scene.operator = make_operator(scene.site)
    return scene


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
