"""The job pages in a real browser: accessible in every look, and alive without being reloaded."""

from datetime import UTC, datetime

import pytest

from jobs.execution.reports import Event, LogPiece, StateReport
from jobs.execution.services import lease_jobs, observe_events, observe_log, observe_state
from tests.browser import axe, every_look, new_page, no_sideways_scroll, sign_in
from tests.jobs.execution.telling import deliver, use
from tests.jobs.execution.test_pages import at, run
from tests.jobs.scene import make_agent, make_scene, submit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(db):
    scene = make_scene()
    scene.agent = make_agent(scene.site, last_seen_at=datetime.now(UTC))
    scene.job = submit(scene)
    return scene


@pytest.mark.parametrize("until", ["running", "failed", "done"])
def test_the_pages_of_a_job_are_accessible(browser, live_server, scene, until):
    run(scene, until=until, steps=12, **({"hint_code": "disk_full"} if until == "failed" else {}))
    names = ["job"] if until == "failed" else ["job", "job_log", "job_metrics", "job_files", "job_cost"]
    names += ["job_cancel"] if until == "running" else []
    for page in every_look(browser):
        sign_in(page, live_server.url, scene.owner)
        for name in names:
            page.goto(live_server.url + at(name, scene.job))
            axe(page)
            no_sideways_scroll(page)


def test_a_running_job_moves_on_the_page_until_it_ends(browser, live_server, scene):
    attempt = run(scene)
    with new_page(browser) as page:
        sign_in(page, live_server.url, scene.owner)
        page.goto(live_server.url + at("job", scene.job))
        page.get_by_text("Step 4 of 10").wait_for()
        more = Event(seq=6, at=datetime.now(UTC), type="metrics", data={"step": 5, "steps": 10, "loss": 0.1})
        observe_events(attempt=attempt, events=[more], at=datetime.now(UTC))
        page.get_by_text("Step 5 of 10").wait_for()
        use(attempt)
        deliver(attempt)
        observe_state(attempt=attempt, report=StateReport(seq=9, state="done"), at=datetime.now(UTC))
        page.get_by_role("link", name="See the result").wait_for()
        assert page.locator("[hx-get*=status]").count() == 0


def test_a_log_grows_on_the_page(browser, live_server, scene):
    attempt = run(scene)
    with new_page(browser) as page:
        sign_in(page, live_server.url, scene.owner)
        page.goto(live_server.url + at("job_log", scene.job))
        observe_log(attempt=attempt, piece=LogPiece(offset=16, text="epoch 2 begins\n"))
        page.get_by_text("epoch 2 begins").wait_for()
        observe_state(attempt=attempt, report=StateReport(seq=9, state="failed"), at=datetime.now(UTC))
        page.locator("#log-tail").wait_for(state="detached")
        assert "loading <model>\nepoch 2 begins" in page.locator("pre.op-log").inner_text()


def test_without_scripts_a_job_is_stopped_all_the_same(browser, live_server, scene):
    lease_jobs(agent=scene.agent, wanted=1, at=datetime.now(UTC))
    with new_page(browser, javascript=False) as page:
        sign_in(page, live_server.url, scene.owner)
        page.goto(live_server.url + at("job", scene.job))
        page.get_by_role("link", name="Stop", exact=True).click()
        page.get_by_role("button", name="Stop the run").click()
        page.get_by_text("The site has been asked to stop.", exact=False).first.wait_for()
    scene.job.refresh_from_db()
    assert scene.job.cancel_requested_at is not None
