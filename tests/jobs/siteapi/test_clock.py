"""Clocks differ: within five minutes nothing is lost by it, beyond that the agent is told to look at its clock."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import time_machine

from jobs.execution.services import sweep
from jobs.models import Attempt, PartitionReport, RequestNonce, UsageRecord
from tests.jobs.siteapi.conftest import MODELS
from tests.jobs.siteapi.test_authentic import problem
from tests.jobs.siteapi.test_sync import running, usage_row

pytestmark = pytest.mark.django_db


def created(seconds):
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())


def sync(scene, **words):
    return scene.caller.call("POST", "/sync", {"epoch": scene.caller.epoch, "wanted": 0}, **words)


@pytest.mark.parametrize("ahead", [-590, -300, -1, 0, 1, 290])
def test_a_request_is_taken_from_five_minutes_before_to_ten_after_it_was_made(scene, ahead):
    assert sync(scene, created=created(ahead)).status_code == 200


@pytest.mark.parametrize("ahead", [-86400, -610, 320, 86400])
def test_beyond_that_the_agent_is_told_to_look_at_its_clock(scene, ahead):
    assert "clock" in problem(sync(scene, created=created(ahead)), 401, "signature_invalid")["detail"]


def test_the_portals_own_time_is_in_its_answers(scene):
    answer = sync(scene).json()
    assert abs(datetime.fromisoformat(answer["time"]) - datetime.now(UTC)) < timedelta(seconds=5)
    session = scene.caller.session(MODELS)
    assert abs(datetime.fromisoformat(session.json()["time"]) - datetime.now(UTC)) < timedelta(seconds=5)
    if "Date" in session:
        assert parsedate_to_datetime(session["Date"])


@pytest.mark.parametrize("ahead", [-240, 0, 290])
def test_as_long_as_a_signature_holds_its_nonce_is_remembered(scene, ahead):
    """Also after a sweep: there is no minute in which a request could be sent a second time."""
    request = scene.caller.request("POST", "/sync", {"epoch": scene.caller.epoch}, created=created(ahead))
    assert scene.caller.send(request).status_code == 200
    start = datetime.now(UTC)
    for minutes in range(1, 17):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            sweep(at=datetime.now(UTC))
            answer = scene.caller.send(request)
        assert (answer.status_code, answer.json()["title"]) in ((401, "replayed"), (401, "signature_invalid"))
    assert not RequestNonce.objects.filter(expires_at__lt=start).exists()


@pytest.mark.parametrize("skew", [-240, 240])
def test_what_a_site_reports_with_its_own_clock_is_taken(leased, skew):
    def moment(seconds):
        return (datetime.now(UTC) + timedelta(seconds=skew + seconds)).isoformat()

    answer = running(leased, started_at=moment(0))
    assert answer["acks"]["attempts"] == {leased.key: 1}
    assert Attempt.objects.get().started_at <= datetime.now(UTC)
    row = usage_row(leased, started_at=moment(-1), ended_at=moment(0), gpu_seconds=1)
    assert leased.caller.say(usage=[row])["acks"]["usage"] == ["1"]
    assert UsageRecord.objects.get().gpu_seconds == 1


def test_usage_from_too_far_in_the_future_is_refused(leased):
    start = datetime.now(UTC) + timedelta(minutes=10)
    row = usage_row(leased, started_at=start.isoformat(), ended_at=(start + timedelta(seconds=1)).isoformat())
    assert [one["code"] for one in leased.caller.say(usage=[row])["refused"]] == ["usage_in_the_future"]


def test_capacity_from_a_clock_ahead_counts_as_measured_now(scene):
    scene.caller.session(MODELS, features=["partitions"])
    capacity = {
        "gpus_total": 1, "gpus_free": 1, "queue": 0, "measured_at": "2999-01-01T00:00:00+00:00",
        "partitions": [{"name": "local", "gpus_total": 1, "gpus_free": 1}],
    }  # fmt: skip
    scene.caller.say(capacity=capacity)
    assert PartitionReport.objects.get().measured_at <= datetime.now(UTC)


def test_a_moment_without_an_offset_is_taken_for_utc(leased):
    running(leased, started_at=datetime.now(UTC).replace(tzinfo=None).isoformat())
    assert abs(Attempt.objects.get().started_at - datetime.now(UTC)) < timedelta(minutes=1)
