"""What both sides can do is settled when a session begins; what one of them does not know is never relied on."""

import pytest

from jobs.agent.features import FEATURES, ProtocolUnknown, agreed
from jobs.models import SiteAgent
from jobs.siteapi import features

pytestmark = pytest.mark.django_db


def session(scene, **words):
    message = {"version": "1", "describe": {"backend": "local", "models": [], **words.pop("describe", {})}, **words}
    return scene.caller.call("POST", "/session", message)


def test_both_sides_know_the_same_features_today():
    assert set(FEATURES) == set(features.FEATURES)


@pytest.mark.usefixtures("odd_messages")
def test_the_features_that_both_sides_know_are_agreed(scene):
    answer = session(scene, describe={"features": ["keys", "teleportation", "drain", 7]}).json()
    assert answer["features"] == ["drain", "keys"]
    agent = SiteAgent.objects.get()
    assert (agent.knows("keys"), agent.knows("teleportation"), agent.knows("removal")) == (True, False, False)


@pytest.mark.usefixtures("odd_messages")
@pytest.mark.parametrize("named", [None, [], "keys", {"keys": True}])
def test_an_agent_that_names_no_features_works_as_before(scene, named):
    answer = session(scene, describe={} if named is None else {"features": named})
    assert (answer.status_code, answer.json()["features"]) == (200, [])
    assert not any(SiteAgent.objects.get().knows(name) for name in FEATURES)


def test_a_session_forgets_what_an_older_version_of_the_agent_could_do(scene):
    session(scene, describe={"features": ["keys"]})
    session(scene)
    assert not SiteAgent.objects.get().knows("keys")


@pytest.mark.parametrize(("offered", "spoken"), [(None, "1"), ([], "1"), (["1"], "1"), (["2", "1", "0"], "1")])
def test_the_newest_protocol_that_both_speak_is_chosen(scene, offered, spoken):
    answer = session(scene, **({} if offered is None else {"protocols": offered}))
    assert answer.json()["protocol"] == spoken


def test_the_newer_of_two_common_protocols_is_chosen(monkeypatch):
    monkeypatch.setattr(features, "PROTOCOLS", ("1", "2", "3"))
    assert features.common_protocol(["1", "2"]) == "2"


def test_an_agent_leaves_aside_what_it_does_not_know_itself():
    assert agreed({"features": ["keys", "teleportation"], "protocol": "1"}) == {"keys"}
    assert agreed({}) == frozenset()
    with pytest.raises(ProtocolUnknown, match="update this agent"):
        agreed({"protocol": "2"})
