"""How busy a site is, as it is taken in: once for each change, and never without the moment it was measured."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import MaintenanceWindow, PartitionReport, SiteAgent
from jobs.siteapi.services.capacity import LONGEST_PROMISE, MAX_PARTITIONS, remembered, store_capacity
from tests.jobs.scene import make_scene
from tests.jobs.siteapi.conftest import MODELS, enrolled

pytestmark = pytest.mark.django_db


def partition(name="gpu", **words):
    return {"name": name, "gpus_total": 8, "gpus_free": 3, "queued": 2, "max_seconds": 86400, "health": "ok", **words}


def capacity(*partitions, ago=0, **words):
    measured = datetime.now(UTC) - timedelta(seconds=ago)
    return {
        "gpus_total": 8, "gpus_free": 3, "measured_at": measured.isoformat(), "good_for_seconds": 120,
        "partitions": list(partitions) or [partition()], **words,
    }  # fmt: skip


def window(name="upgrade", hours=5, **words):
    start = datetime.now(UTC) + timedelta(hours=hours)
    return {"name": name, "starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat(), **words}


def test_each_partition_is_kept_with_its_promise_and_its_expected_starts(scene):
    starts = [{"gpus": 4, "nodes": 1, "seconds": 600}]
    assert scene.caller.say(capacity=capacity(partition(expected_starts=starts), ago=30))["refused"] == []
    row = PartitionReport.objects.get()
    assert (row.name, row.gpus_total, row.gpus_free, row.queued, row.good_for_seconds) == ("gpu", 8, 3, 2, 120)
    assert datetime.now(UTC) - row.measured_at > timedelta(seconds=29)
    (start,) = row.expected_starts
    assert datetime.fromisoformat(start["starts_at"]) == row.measured_at + timedelta(seconds=600)


def test_the_same_figures_again_are_not_written_again_until_a_quarter_of_their_promise_has_passed(scene):
    scene.caller.say(capacity=capacity(ago=40))
    first = PartitionReport.objects.get().measured_at
    scene.caller.say(capacity=capacity(ago=20))
    assert PartitionReport.objects.get().measured_at == first
    scene.caller.say(capacity=capacity(ago=5))
    assert PartitionReport.objects.get().measured_at > first


def test_a_change_is_written_at_once_and_a_partition_no_longer_named_goes(scene):
    scene.caller.say(capacity=capacity(partition(), partition("big")))
    scene.caller.say(capacity=capacity(partition(gpus_free=0)))
    assert list(PartitionReport.objects.values_list("name", "gpus_free")) == [("gpu", 0)]


def test_a_clock_ahead_is_not_believed(scene):
    scene.caller.say(capacity=capacity(ago=-3600))
    assert PartitionReport.objects.get().measured_at <= datetime.now(UTC)


@pytest.mark.parametrize(("said", "kept"), [(10**9, LONGEST_PROMISE), (-5, 1), (60, 60), ("long", 120), (None, 120)])
def test_a_promise_lasts_an_hour_at_most(scene, said, kept):
    agent, figures = SiteAgent.objects.get(), capacity(good_for_seconds=said)
    remember = remembered(agent, figures, at=datetime.now(UTC))
    assert store_capacity(agent=agent, capacity=figures, kept=remember, at=datetime.now(UTC))
    assert PartitionReport.objects.get().good_for_seconds == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"partitions": [partition(gpus_free=-1)]},
        {"partitions": [partition(health="splendid")]},
        {"partitions": [partition(f"p{number}") for number in range(MAX_PARTITIONS + 1)]},
        {"partitions": "many"},
        {"partitions": [partition(expected_starts=[{"gpus": 0, "seconds": 1}])]},
        {"maintenance": [{"name": "x", "starts_at": "2026-05-02T10:00Z", "ends_at": "2026-05-01T10:00Z"}]},
        {"maintenance": [{"name": "x", "starts_at": "soon", "ends_at": "later"}]},
    ],
)
def test_figures_that_cannot_be_read_are_refused_and_the_rest_of_the_message_counts(leased, wrong):
    leased.caller.say(capacity=capacity())
    about = {**leased.about, "seq": 1, "state": "running"}
    answer = leased.caller.say(capacity=capacity(**wrong), attempts=[about])
    (refused,) = answer["refused"]
    assert (refused["kind"], refused["code"]) == ("capacity", "malformed")
    assert "capacity." in refused["detail"]
    assert answer["acks"]["attempts"] == {leased.key: 1}
    assert PartitionReport.objects.get().gpus_free == 3


def test_figures_refused_once_are_refused_again_and_not_taken_for_known(scene):
    for _again in range(2):
        assert scene.caller.say(capacity=capacity(partition(gpus_free=-1)))["refused"]


def test_announced_maintenance_is_kept_moved_and_called_off(scene):
    scene.caller.say(capacity=capacity(maintenance=[window(reason="New firmware"), window("cooling", partition="gpu")]))
    assert set(MaintenanceWindow.objects.values_list("native_name", "partition_name")) == {
        ("upgrade", ""),
        ("cooling", "gpu"),
    }
    scene.caller.say(capacity=capacity(maintenance=[window(hours=9)]))
    moved = MaintenanceWindow.objects.get()
    assert moved.starts_at > datetime.now(UTC) + timedelta(hours=8)
    scene.caller.say(capacity=capacity(maintenance=[]))
    assert not MaintenanceWindow.objects.exists()


def test_a_message_without_maintenance_leaves_the_announcements_alone(scene):
    scene.caller.say(capacity=capacity(maintenance=[window()]))
    scene.caller.say(capacity=capacity())
    assert MaintenanceWindow.objects.count() == 1


def test_what_is_over_stays_as_history(scene):
    scene.caller.say(capacity=capacity(maintenance=[window()]))
    past = datetime.now(UTC) - timedelta(days=1)
    MaintenanceWindow.objects.update(starts_at=past - timedelta(hours=1), ends_at=past)
    scene.caller.say(capacity=capacity(maintenance=[]))
    assert MaintenanceWindow.objects.count() == 1


def test_an_agent_without_the_feature_tells_its_sums_as_before(scene):
    scene.caller.say(capacity={"gpus_total": 2, "gpus_free": 1, "queue": 0, "draining": False})
    assert not PartitionReport.objects.exists()
    assert SiteAgent.objects.get().capacity["gpus_free"] == 1


def queries_of(caller, **message):
    with CaptureQueriesContext(
        connection,
    ) as seen:
        answer = caller.sync(**message)
    assert answer.status_code == 200
    return len(seen)


def test_an_idle_exchange_of_fifty_agents_costs_a_fixed_handful_of_queries_each():
    """One a second from 50 agents: what nothing changes is read and the sign of life written, and that is all."""
    figures = capacity(partition(), partition("big"), maintenance=[window()])
    callers = [enrolled(make_scene(slug=f"model-of-{number}").site) for number in range(3)]
    for caller in callers:
        caller.session(MODELS, features=["partitions"])
        first = queries_of(caller, capacity=figures, wanted=1)
        again = [queries_of(caller, capacity=figures, wanted=1) for _second in range(3)]
        assert max(again) <= 13, again
        assert first > max(again)
    assert PartitionReport.objects.count() == 6
