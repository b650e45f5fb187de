"""The same over the wire: two enrolled agents, signed messages, and the one that was lost speaks again too late."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from catalog.models import StoredModel
from jobs.execution.services import sweep
from jobs.execution.services.sweep import deadline
from jobs.models import AllocationPlace, Attempt, Job, JobMove, LedgerEntry, SiteAgent
from jobs.siteapi.services import create_enrolment_code
from jobs.states import JobState
from tests.factories import make_partition
from tests.jobs.scene import make_scene, submit
from tests.jobs.siteapi.caller import Caller

pytestmark = pytest.mark.django_db
MODELS = [{"id": "tiny-encoder", "revision": "rev-1"}]


def enrolled(site):
    caller = Caller()
    code = create_enrolment_code(site=site, actor=None, at=datetime.now(UTC))
    assert caller.enrol(code).status_code == 201
    assert caller.session(MODELS).status_code == 200
    return caller


def taken(caller):
    (message,) = caller.say(wanted=1)["work"]
    payload = json.loads(base64.b64decode(message["payload"]))
    return payload, {"key": payload["key"], "token": payload["token"]}


def rewind(**span):
    """As if everything that was said had been said that long ago."""
    ago = timedelta(**span)
    for agent in SiteAgent.objects.all():
        SiteAgent.objects.filter(pk=agent.pk).update(last_seen_at=agent.last_seen_at - ago)
    for attempt in Attempt.objects.all():
        Attempt.objects.filter(pk=attempt.pk).update(
            last_heard_at=attempt.last_heard_at - ago, lease_expires_at=attempt.lease_expires_at - ago,
            not_after=attempt.not_after - ago, started_at=attempt.started_at and attempt.started_at - ago,
        )  # fmt: skip


@pytest.fixture
def scene():
    scene = make_scene()
    scene.spare = make_partition()
    scene.here, scene.there = enrolled(scene.site), enrolled(scene.spare.site)
    AllocationPlace.objects.create(
        allocation=scene.allocation, site=scene.spare.site, partition=scene.spare, reason="Agreed."
    )
    assert StoredModel.objects.filter(model=scene.model).count() == 2
    scene.job = submit(scene, may_move=True)
    return scene


def test_work_that_was_handed_out_and_never_begun_goes_to_the_other_site(scene):
    payload, about = taken(scene.here)
    rewind(minutes=11)
    scene.there.say()
    assert sweep(at=datetime.now(UTC))["moved"] == 1
    there, _about = taken(scene.there)
    assert (payload["site"], there["site"]) == (scene.site.slug, scene.spare.site.slug)
    assert there["key"] != payload["key"] and there["token"] != payload["token"]
    # The first site wants to begin now: it is told that the work is closed, which its agent reads as "drop it".
    answer = scene.here.say(attempts=[{**about, "seq": 1, "state": "submitted"}])
    assert answer["closed"] == [about["key"]] and about["key"] not in answer["acks"]["attempts"]
    assert Job.objects.get().state == JobState.LEASED


def test_a_lost_site_that_comes_back_after_its_time_changes_nothing_and_is_paid_nothing(scene):
    _payload, about = taken(scene.here)
    begun = datetime.now(UTC).isoformat()
    scene.here.say(attempts=[{**about, "seq": 1, "state": "running", "native_id": "1", "started_at": begun}])
    rewind(minutes=11)
    sweep(at=datetime.now(UTC))
    assert Job.objects.get().state == JobState.UNKNOWN
    first = Attempt.objects.get()
    rewind(seconds=(deadline(first, scene.job) - datetime.now(UTC)).total_seconds() + 1)
    scene.there.say()
    assert sweep(at=datetime.now(UTC))["anew"] == 1
    _there, second = taken(scene.there)
    scene.there.say(attempts=[{**second, "seq": 1, "state": "running", "native_id": "7", "started_at": begun}])
    before = Job.objects.values().get()

    started = Attempt.objects.get(number=1).created_at
    held = {
        "cluster": "c", "native_id": "1", "started_at": started.isoformat(),
        "ended_at": (started + timedelta(seconds=1)).isoformat(), "gpus": 1, "gpu_seconds": 1, "method": "accounting",
    }  # fmt: skip
    answer = scene.here.say(
        attempts=[{**about, "seq": 2, "state": "done", "exit_code": 0}], usage=[{**about, "id": "1", **held}]
    )
    # Heard and taken down as a fact about the closed attempt, so that the site's book and ours agree.
    assert answer["closed"] == [about["key"]] and answer["acks"]["usage"] == ["1"]
    assert Job.objects.values().get() == before
    assert Attempt.objects.get(number=1).state == JobState.FAILED
    upload = scene.here.call("PUT", f"/attempts/{about['key']}/artefacts/result.json", b"{}", token=about["token"])
    assert upload.status_code == 410
    assert not LedgerEntry.objects.filter(kind=LedgerEntry.Kind.CHARGE).exists()
    assert JobMove.objects.count() == 1
