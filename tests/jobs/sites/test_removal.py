"""The promise that a job's data leave the site: made at the end, kept by the site's own word."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from jobs.execution.rules import LEASE, REMOVE_AFTER
from jobs.execution.services import sweep
from jobs.models import Attempt
from tests.jobs.scene import make_scene
from tests.jobs.siteapi.conftest import enrolled

pytestmark = pytest.mark.django_db


def ended(leased):
    leased.caller.say(attempts=[{**leased.about, "seq": 1, "state": "failed", "hint_code": "internal"}])
    return Attempt.objects.get()


def removed(leased, **words):
    return {**leased.about, "at": datetime.now(UTC).isoformat(), **words}


def test_the_work_says_how_long_the_site_may_keep_the_data(leased):
    assert leased.payload["remove_after_seconds"] == REMOVE_AFTER.total_seconds()


def test_the_end_of_an_attempt_promises_when_its_data_are_gone(leased):
    attempt = ended(leased)
    assert timedelta(0) < attempt.remove_by - datetime.now(UTC) <= REMOVE_AFTER
    assert attempt.removed_at is None


def test_a_lease_that_was_given_back_promises_it_too(leased):
    sweep(at=datetime.now(UTC) + 2 * LEASE)
    assert Attempt.objects.get().remove_by is not None


def test_the_sites_word_is_kept_and_acknowledged_each_time_it_comes(leased):
    ended(leased)
    first = removed(leased)
    assert leased.caller.say(removed=[first])["acks"]["removed"] == [leased.key]
    moment = Attempt.objects.get().removed_at
    assert leased.caller.say(removed=[removed(leased)])["acks"]["removed"] == [leased.key]
    assert Attempt.objects.get().removed_at == moment


def test_the_data_of_an_open_attempt_cannot_be_reported_gone(leased):
    answer = leased.caller.say(removed=[removed(leased)])
    assert answer["refused"][0]["code"] == "attempt_open"
    assert Attempt.objects.get().removed_at is None


@pytest.mark.parametrize("hours", [-1000, 1000])
def test_an_impossible_moment_counts_as_now(leased, hours):
    ended(leased)
    leased.caller.say(removed=[removed(leased, at=(datetime.now(UTC) + timedelta(hours=hours)).isoformat())])
    assert abs(Attempt.objects.get().removed_at - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize("words", [{"token": "stolen"}, {"key": "ft-of-nobody-1"}, {"at": "yesterday"}])
def test_a_report_that_is_not_the_agents_own_changes_nothing(leased, words):
    ended(leased)
    answer = leased.caller.say(removed=[removed(leased, **words)])
    assert answer["acks"]["removed"] == [] and len(answer["refused"]) == 1
    assert Attempt.objects.get().removed_at is None


def test_another_site_cannot_say_it(leased):
    ended(leased)
    other = enrolled(make_scene(slug="elsewhere").site)
    assert other.say(removed=[removed(leased)])["refused"][0]["code"] == "attempt_unknown"


def test_the_promise_is_signed_with_the_work(leased):
    payload = json.loads(base64.b64decode(leased.message["payload"]))
    assert payload == leased.payload and "remove_after_seconds" in payload


def test_the_owner_reads_the_promise_and_its_keeping_on_the_jobs_page(leased, client):
    ended(leased)
    client.force_login(leased.owner)
    page = reverse("jobs:job", args=[leased.job.pk])
    assert "to be removed by" in client.get(page).content.decode()
    leased.caller.say(removed=[removed(leased)])
    answer = client.get(page).content.decode()
    assert "to be removed by" not in answer and "Your data at the site" in answer
