"""Signed addresses of a job's data: for one agent, under one lease, for a quarter of an hour."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import AuditEvent
from jobs.agent.inputs import Inputs
from jobs.execution.rules import LEASE
from jobs.execution.services import sweep
from jobs.models import Attempt
from tests.jobs.scene import make_scene
from tests.jobs.siteapi.conftest import MODELS, enrolled
from tests.jobs.siteapi.test_authentic import problem

pytestmark = pytest.mark.django_db


def inputs_of(scene):
    """The signed addresses of the work that the scene's agent was given."""
    import base64
    import json

    (message,) = scene.caller.say(wanted=1)["work"]
    scene.payload = json.loads(base64.b64decode(message["payload"]))
    scene.about = {"key": scene.payload["key"], "token": scene.payload["token"]}
    return {one["name"]: one for one in scene.payload["inputs"]}


@pytest.fixture
def signed(scene):
    scene.caller.session(MODELS, features=["signed_inputs"])
    scene.inputs = inputs_of(scene)
    scene.address = scene.inputs["train.jsonl"]["url"].removeprefix("/site/v1")
    return scene


def fetch(caller, address, **words):
    return caller.call("GET", address, created=int(datetime.now(UTC).timestamp()), **words)


def later(**words):
    return time_machine.travel(datetime.now(UTC) + timedelta(**words), tick=True)


def test_work_comes_with_addresses_that_lead_to_its_data(signed):
    for one in signed.inputs.values():
        answer = fetch(signed.caller, one["url"].removeprefix("/site/v1"))
        assert hashlib.sha256(b"".join(answer.streaming_content)).hexdigest() == one["sha256"]
        assert answer["Repr-Digest"]
        life = datetime.fromisoformat(one["expires_at"]) - datetime.now(UTC)
        assert timedelta(minutes=14) < life <= timedelta(minutes=15)


def test_an_agent_without_the_feature_gets_none_and_uses_the_plain_address(scene):
    assert all(set(one) == {"name", "sha256", "bytes"} for one in inputs_of(scene).values())
    answer = scene.caller.call("GET", f"/attempts/{scene.about['key']}/inputs/train.jsonl", token=scene.about["token"])
    assert answer.status_code == 200
    assert "inputs" not in scene.caller.say(inputs_wanted=[scene.about["key"]])


def test_the_plain_address_goes_on_working(signed):
    path = f"/attempts/{signed.about['key']}/inputs/train.jsonl"
    assert signed.caller.call("GET", path, token=signed.about["token"]).status_code == 200


def test_another_site_finds_nothing_at_the_address(signed):
    stranger = enrolled(make_scene(slug="elsewhere").site)
    problem(fetch(stranger, signed.address), 404, "address_unknown")
    problem(fetch(enrolled(signed.site), signed.address), 404, "address_unknown")
    assert AuditEvent.objects.filter(action="site.request_refused", data__code="address_unknown").count() == 2


def test_without_the_agents_own_signature_the_address_is_worth_nothing(signed):
    answer = signed.caller.client.get(f"/site/v1{signed.address}")
    assert (answer.status_code, answer.json()["title"]) == (401, "signature_invalid")


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: f"{text}x", lambda text: text.replace(".", "")]
)
def test_a_changed_address_leads_nowhere(signed, change):
    problem(fetch(signed.caller, change(signed.address)), 404, "address_unknown")


def test_an_expired_address_is_refused_and_a_fresh_one_is_to_be_had(signed):
    with later(minutes=14):
        assert fetch(signed.caller, signed.address).status_code == 200
    with later(minutes=16):
        problem(fetch(signed.caller, signed.address), 410, "address_expired")
        key = signed.about["key"]
        created = int(datetime.now(UTC).timestamp())
        body = {"epoch": signed.caller.epoch, "wanted": 0, "inputs_wanted": [key], "wait": 25}
        fresh = signed.caller.call("POST", "/sync", body, created=created).json()["inputs"]
        assert {one["name"] for one in fresh[key]} == {"train.jsonl", "validation.jsonl", "test.jsonl"}
        assert fetch(signed.caller, fresh[key][0]["url"].removeprefix("/site/v1")).status_code == 200


@pytest.mark.usefixtures("odd_messages")
def test_fresh_addresses_are_given_for_ones_own_open_attempts_only(signed):
    stranger = enrolled(make_scene(slug="elsewhere").site)
    stranger.session(MODELS, features=["signed_inputs"])
    assert stranger.say(inputs_wanted=[signed.about["key"], "nobody's", 7])["inputs"] == {}
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    assert signed.caller.say(inputs_wanted=[signed.about["key"]])["inputs"] == {}


def test_an_address_ends_with_its_lease(signed):
    Attempt.objects.update(lease_token="another lease")
    problem(fetch(signed.caller, signed.address), 409, "stale_lease")


def test_an_address_ends_with_its_attempt(signed):
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    problem(fetch(signed.caller, signed.address), 410, "attempt_closed")


def test_the_lease_cannot_be_read_from_an_address(signed):
    import base64

    coded = signed.address.rpartition("/")[2].partition(".")[0]
    plain = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    assert signed.about["key"] in plain
    assert signed.about["token"] not in plain


# ---- the agent's side -----------------------------------------------------------------------------------------------


def test_the_agent_goes_to_its_portal_only_and_prefers_fresh_addresses():
    inputs = Inputs("https://portal.example")

    def payload(url):
        return {"inputs": [{"name": "a", "url": url}]}

    assert inputs.address("k", payload("/site/v1/inputs/x"), "a") == "https://portal.example/site/v1/inputs/x"
    for elsewhere in (
        "https://evil.example/x",
        "//evil.example/x",
        "http://portal.example/x",
        "https://portal.example:1/",
    ):
        assert inputs.address("k", payload(elsewhere), "a") is None
    assert inputs.address("k", {"inputs": [{"name": "a"}]}, "a") is None
    inputs.want("k")
    assert inputs.wanted() == ["k"]
    inputs.hear({"inputs": {"k": [{"name": "a", "url": "/site/v1/inputs/fresh"}, 7], "l": "nonsense"}})
    assert inputs.wanted() == []
    assert inputs.address("k", payload("/site/v1/inputs/x"), "a").endswith("/fresh")
    inputs.forget("k")
    assert inputs.address("k", payload("/site/v1/inputs/x"), "a").endswith("/x")
    inputs.hear({})
