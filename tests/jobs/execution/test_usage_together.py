"""Many usage rows in one INSERT: the same book as row by row, whatever else is in the message."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from jobs.execution.services import lease_jobs
from jobs.models import SiteAgent, UsageRecord
from jobs.siteapi.messages import read_sync
from jobs.siteapi.services import take_reports
from tests.jobs.scene import AT, make_agent, make_scene, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def held():
    """Twelve attempts of one agent."""
    scene = make_scene(gpu_hours=1000)
    agent = make_agent(scene.site)
    for _ in range(12):
        submit(scene)
    return agent, lease_jobs(agent=agent, wanted=12, at=AT)


def row(attempt, *, start=0, seconds=60, **words):
    began = AT + timedelta(seconds=start)
    return {
        "id": f"{attempt.key} {start}", "key": attempt.key, "token": attempt.lease_token, "cluster": "c",
        "native_id": attempt.key, "started_at": began.isoformat(),
        "ended_at": (began + timedelta(seconds=seconds)).isoformat(), "gpus": 1, "gpu_seconds": seconds,
        "cpu_seconds": 1, "energy_joules": None, "method": "accounting", **words,
    }  # fmt: skip


def say(agent, *rows):
    message = read_sync({"epoch": agent.epoch, "usage": list(rows)})
    return take_reports(agent=SiteAgent.objects.get(pk=agent.pk), message=message, at=AT + timedelta(hours=1))


def book():
    return sorted(UsageRecord.objects.values_list("native_id", "started_at", "gpu_seconds"))


def test_all_are_written_and_acknowledged_and_again_change_nothing(held):
    agent, attempts = held
    rows = [row(attempt) for attempt in attempts]
    first = say(agent, *rows)
    assert len(first["acks"]["usage"]) == UsageRecord.objects.count() == 12
    before = book()
    assert say(agent, *rows)["acks"]["usage"] == first["acks"]["usage"]
    assert book() == before


def test_twelve_rows_cost_hardly_more_questions_than_six(held):
    agent, attempts = held
    with CaptureQueriesContext(connection) as six:
        say(agent, *(row(attempt) for attempt in attempts[:6]))
    with CaptureQueriesContext(connection) as rest:
        say(agent, *(row(attempt) for attempt in attempts[6:]))
    assert abs(len(rest) - len(six)) <= 1
    assert len(six) < 40


def test_a_forged_row_among_them_is_refused_and_the_others_are_kept(held):
    agent, attempts = held
    rows = [row(attempt) for attempt in attempts[1:]]
    answer = say(agent, row(attempts[0], gpus=9), {**row(attempts[1], start=500), "token": "stolen"}, *rows)
    assert {one["code"] for one in answer["refused"]} == {"usage_too_many_gpus", "stale_lease"}
    assert UsageRecord.objects.count() == 11
    assert AuditEvent.objects.filter(action="site.reports_refused").count() == 1


def test_two_rows_of_one_attempt_in_one_message_must_not_overlap(held):
    agent, attempts = held
    rows = [row(attempt) for attempt in attempts[1:]]
    answer = say(agent, row(attempts[0]), row(attempts[0], start=30, native_id="other"), *rows)
    assert [one["code"] for one in answer["refused"]] == ["usage_overlaps"]
    assert UsageRecord.objects.filter(attempt=attempts[0]).count() == 1


def test_a_row_whose_receipt_differs_still_reaches_a_person(held):
    agent, attempts = held
    say(
        agent,
        *(row(attempt, seconds=600, receipt_gpu_seconds=10 if attempt == attempts[3] else 599) for attempt in attempts),
    )
    assert UsageRecord.objects.count() == 12
    assert attempts[3].usage_discrepancies.count() == 1
    assert not attempts[4].usage_discrepancies.exists()


def test_another_number_under_a_known_name_is_refused(held):
    agent, attempts = held
    rows = [row(attempt) for attempt in attempts]
    say(agent, *rows)
    answer = say(agent, *({**one, "gpu_seconds": 59} for one in rows))
    assert {one["code"] for one in answer["refused"]} == {"usage_conflict"}
    assert {seconds for _id, _start, seconds in book()} == {60}
