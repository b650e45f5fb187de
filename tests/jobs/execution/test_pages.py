"""The pages of jobs: what they show in each state, what they cost in queries, and who sees them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from jobs.execution.reports import Event, LogPiece, StateReport
from jobs.execution.selectors import POINTS, curves
from jobs.execution.services import cancel_job, lease_jobs, observe_events, observe_log, observe_state, sweep
from jobs.models import Job, JobDraft
from jobs.states import JobState
from tests.factories import make_organisation, make_user
from tests.jobs.execution.telling import deliver, use
from tests.jobs.scene import make_agent, make_scene, submit

pytestmark = pytest.mark.django_db
ADDRESSES = ["job", "job_status", "job_log", "job_log_lines", "job_metrics", "job_files", "job_cost", "job_cancel"]


@pytest.fixture
def scene(client):
    scene = make_scene()
    scene.agent = make_agent(scene.site, last_seen_at=datetime.now(UTC))
    scene.job = submit(scene)
    client.force_login(scene.owner)
    return scene


def at(name, job):
    return reverse(f"jobs:{name}", args=[job.pk])


def run(scene, *, steps=4, until="running", **words):
    (attempt,) = lease_jobs(agent=scene.agent, wanted=1, at=datetime.now(UTC))
    report = StateReport(seq=1, state="running", started_at=datetime.now(UTC))
    observe_state(attempt=attempt, report=report, at=datetime.now(UTC))
    events = [Event(seq=1, at=datetime.now(UTC), type="state", data={"state": "running"})]
    events += [
        Event(seq=n + 1, at=datetime.now(UTC), type="metrics", data={
            "step": n, "steps": 10, "loss": 2 / n, "eta_seconds": 90, "learning_rate": 0.001})
        for n in range(1, steps + 1)
    ]  # fmt: skip
    observe_events(attempt=attempt, events=events, at=datetime.now(UTC))
    observe_log(attempt=attempt, piece=LogPiece(offset=0, text="loading <model>\n"))
    if until == "done":
        use(attempt)
        deliver(attempt)
    if until != "running":
        observe_state(attempt=attempt, report=StateReport(seq=9, state=until, **words), at=datetime.now(UTC))
    scene.job.refresh_from_db()
    return attempt


def text(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", ADDRESSES)
def test_another_companys_job_does_not_exist(client, scene, name):
    stranger = make_user()
    make_organisation(owner=stranger)
    client.force_login(stranger)
    assert client.get(at(name, scene.job)).status_code == 404
    for act in ("job_cancel", "job_retry", "job_copy"):
        assert client.post(at(act, scene.job)).status_code == 404


@pytest.mark.parametrize("name", ADDRESSES)
def test_somebody_signed_out_is_asked_to_sign_in(client, scene, name):
    client.logout()
    assert client.get(at(name, scene.job)).status_code == 302


def test_the_list_is_filtered_paginated_and_cheap(client, scene, django_assert_max_num_queries):
    for number in range(24):
        job = submit(scene, name=f"Run {number}", max_seconds=60)
        if number % 2:
            Job.objects.filter(pk=job.pk).update(state=JobState.FAILED)
    with django_assert_max_num_queries(8):
        page = text(client, reverse("jobs:jobs"))
    assert page.count("<tr>") == 21
    assert "page=2" in page
    failed = text(client, reverse("jobs:jobs") + "?show=failed")
    assert failed.count("<tr>") == 13
    assert "Run 1" in failed


@pytest.mark.parametrize(
    ("name", "most"), [("job", 13), ("job_status", 10), ("job_log", 8), ("job_metrics", 8), ("job_cost", 13)]
)
def test_a_jobs_pages_stay_cheap(client, scene, name, most, django_assert_max_num_queries):
    run(scene, steps=30)
    with django_assert_max_num_queries(most):
        text(client, at(name, scene.job))


def test_an_empty_list_says_what_to_do(client, db):
    user = make_user()
    make_organisation(owner=user)
    client.force_login(user)
    assert "No runs yet" in text(client, reverse("jobs:jobs"))


def test_a_waiting_job_looks_again_every_fifteen_seconds(client, scene):
    page = text(client, at("job", scene.job))
    assert 'hx-trigger="every 15s"' in page
    assert "Waiting for the site" in page
    assert at("job", scene.job) in page


def test_a_running_job_shows_its_curve_and_looks_every_two_seconds(client, scene):
    run(scene)
    for name in ("job", "job_status"):
        page = text(client, at(name, scene.job))
        assert 'hx-trigger="every 2s"' in page
        assert "Step 4 of 10" in page
        assert "<polyline" in page
        assert "From 2.000 at step 1 to 0.500 at step 4." in page


def test_the_fragment_is_the_part_of_the_page_it_replaces(client, scene):
    run(scene)
    page, fragment = text(client, at("job", scene.job)), text(client, at("job_status", scene.job))
    assert "<html" not in fragment

    def bare(html):
        import re

        return re.sub(r"\s+|csrfmiddlewaretoken.*?>", "", html)

    assert bare(fragment) in bare(page)


def test_polling_ends_by_itself(client, scene):
    run(scene, until="done")
    fragment = text(client, at("job_status", scene.job))
    assert "hx-get" not in fragment
    assert "See the result" in fragment


def test_a_failure_says_what_happened_and_what_to_do(client, scene):
    run(
        scene, until="failed", hint_code="out_of_memory", sentence="It needed 5 GB and was given 4 GB.",
        result={"next_step": "The site's own words.", "detail": "<trace>"},
    )  # fmt: skip
    page = text(client, at("job", scene.job))
    for words in ("Out of memory", "It needed 5 GB", "Halve the micro-batch or", "&lt;trace&gt;", "Start again"):
        assert words in page
    assert "own words" not in page
    assert "Not charged, by this rule" in text(client, at("job_cost", scene.job))


def test_a_silent_site_is_said_to_be_silent(client, scene):
    run(scene)
    type(scene.agent).objects.update(last_seen_at=datetime.now(UTC) - timedelta(minutes=12))
    assert "Last heard from" in text(client, at("job", scene.job))
    sweep(at=datetime.now(UTC) + timedelta(minutes=11))
    assert "has not answered for a while" in text(client, at("job", scene.job))


def test_the_log_grows_by_its_cursor_and_ends_with_286(client, scene):
    attempt = run(scene)
    page = text(client, at("job_log", scene.job))
    assert "loading &lt;model&gt;" in page
    assert "?from=16" in page
    observe_log(attempt=attempt, piece=LogPiece(offset=16, text="step 1\n"))
    lines = client.get(at("job_log_lines", scene.job) + "?from=16")
    assert lines.content.decode().startswith("step 1\n<span")
    Job.objects.update(state=JobState.DONE)
    rest = client.get(at("job_log_lines", scene.job) + "?from=16")
    assert (rest.status_code, "hx-get" in rest.content.decode()) == (200, True)
    end = client.get(at("job_log_lines", scene.job) + "?from=23")
    assert (end.status_code, end.content) == (286, b"")


@pytest.mark.parametrize("cursor", ["-1", "x", "9" * 40, "²"])
def test_a_cursor_that_is_none_begins_at_the_beginning(client, scene, cursor):
    run(scene)
    assert client.get(at("job_log_lines", scene.job), {"from": cursor}).status_code == 200


def test_metrics_files_and_cost_stand_on_their_own_pages(client, scene):
    run(scene, until="done")
    assert text(client, at("job_metrics", scene.job)).count('<svg class="op-chart"') == 2
    assert "model/classifier.safetensors" in text(client, at("job_files", scene.job))
    cost = text(client, at("job_cost", scene.job))
    assert "Charged by this rule" in cost
    assert "€0.06" in cost


def test_stopping_asks_first_and_then_stops(client, scene):
    asked = text(client, at("job_cancel", scene.job))
    assert "Nothing is charged" in asked
    answer = client.post(at("job_cancel", scene.job), follow=True)
    assert "Stopped. Nothing was charged." in answer.content.decode()
    again = client.post(at("job_cancel", scene.job), follow=True)
    assert "has ended already" in again.content.decode()
    assert client.get(at("job_cancel", scene.job)).status_code == 302


def test_starting_again_and_using_the_settings_again(client, scene):
    cancel_job(job=scene.job, actor=scene.owner, at=datetime.now(UTC))
    answer = client.post(at("job_retry", scene.job))
    again = Job.objects.exclude(pk=scene.job.pk).get()
    assert answer.url == at("job", again)
    answer = client.post(at("job_copy", scene.job))
    draft = JobDraft.objects.get()
    assert answer.url == reverse("jobs:wizard_step", args=[draft.pk, 1])
    assert draft.answers == scene.job.answers


def test_a_refused_repeat_says_why(client, scene):
    cancel_job(job=scene.job, actor=scene.owner, at=datetime.now(UTC))
    scene.dataset.move_to("deleted")
    answer = client.post(at("job_retry", scene.job), follow=True)
    assert "is not ready" in answer.content.decode()
    assert Job.objects.count() == 1


def test_a_thousand_points_become_a_few_hundred(client, scene):
    attempt = run(scene, steps=1)
    rows = [
        Event(seq=n, at=datetime.now(UTC), type="metrics", data={"step": n, "steps": 1000, "loss": 1 / n})
        for n in range(3, 1001)
    ]
    observe_events(attempt=attempt, events=rows, at=datetime.now(UTC))
    points = curves(attempt, ["loss"])["loss"]
    assert 150 < len(points) <= POINTS + 1
    assert points[-1][0] == 1000
