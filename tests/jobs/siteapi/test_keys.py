"""An agent's keys: a new one taken into use without a pause, an old or stolen one out of use."""

import base64
import importlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.apps import apps

from accounts.models import AuditEvent
from accounts.roles import Role
from jobs.agent.identity import public_key_of
from jobs.models import AgentKey, SiteAgent
from jobs.siteapi import api, keys
from jobs.siteapi.services import ask_for_new_key, revoke_agent, revoke_key
from portal.kernel.errors import DomainError, NotAllowed
from tests.factories import grant, make_user
from tests.jobs.scene import make_scene
from tests.jobs.siteapi.caller import Caller
from tests.jobs.siteapi.conftest import enrolled
from tests.jobs.siteapi.test_authentic import problem

pytestmark = pytest.mark.django_db


def proof_of(key, agent_id, public_key=None):
    text = f"open-paas-key/1\n{agent_id}\n{public_key or public_key_of(key)}"
    return base64.b64encode(key.sign(text.encode())).decode()


def offer(caller, key, **words):
    body = {"public_key": public_key_of(key), "proof": proof_of(key, caller.key_id.partition(":")[0]), **words}
    return caller.call("POST", "/keys", body)


@pytest.fixture
def rotated(scene):
    """The scene's agent with a second key introduced and not yet used: `old` and `new` call with one each."""
    scene.old = scene.caller
    key = Ed25519PrivateKey.generate()
    scene.answer = offer(scene.old, key).json()
    scene.new = Caller(key, scene.old.key_id)
    scene.new.epoch = scene.old.epoch
    return scene


def administrator():
    admin = make_user()
    grant(admin, Role.ADMINISTRATOR)
    return admin


def later(**words):
    return time_machine.travel(datetime.now(UTC) + timedelta(**words), tick=True)


def syncs(caller):
    return caller.call(
        "POST", "/sync", {"epoch": caller.epoch, "wanted": 0}, created=int(datetime.now(UTC).timestamp())
    )


# ---- rotation -------------------------------------------------------------------------------------------------------


def test_enrolment_makes_the_first_row_of_the_agents_keys(scene):
    row = AgentKey.objects.get()
    assert (row.public_key, row.fingerprint) == (scene.caller.public_key, keys.key_id(scene.caller.public_key))
    assert row.last_used_at is not None


def test_both_keys_are_in_force_while_the_new_one_is_taken_into_use(rotated):
    assert rotated.answer["fingerprint"] == keys.key_id(rotated.new.public_key)
    until = datetime.fromisoformat(rotated.answer["old_not_after"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < until <= timedelta(hours=24)
    assert (syncs(rotated.old).status_code, syncs(rotated.new).status_code) == (200, 200)
    assert syncs(rotated.old).status_code == 200
    assert SiteAgent.objects.get().public_key == rotated.new.public_key


def test_ten_minutes_after_the_new_keys_first_word_the_old_one_is_refused(rotated):
    assert syncs(rotated.new).status_code == 200
    with later(minutes=9):
        assert syncs(rotated.old).status_code == 200
    with later(minutes=11):
        problem(syncs(rotated.old), 401, "key_expired")
        assert syncs(rotated.new).status_code == 200
    assert AuditEvent.objects.filter(action="site.key_taken_into_use").count() == 1


def test_a_new_key_that_never_speaks_ends_the_old_one_after_a_day_only(rotated):
    with later(hours=23):
        assert syncs(rotated.old).status_code == 200
    with later(hours=25):
        problem(syncs(rotated.old), 401, "key_expired")
        assert syncs(rotated.new).status_code == 200


def test_a_signature_may_name_its_key_by_fingerprint(rotated):
    named = Caller(rotated.new.key, f"{rotated.old.key_id}:{keys.key_id(rotated.new.public_key)}")
    named.epoch = rotated.old.epoch
    assert syncs(named).status_code == 200
    named.key_id = f"{rotated.old.key_id}:{keys.key_id(rotated.old.public_key)}"
    problem(syncs(named), 401, "signature_invalid")
    named.key_id = f"{rotated.old.key_id}:0123456789abcdef"
    problem(syncs(named), 401, "signature_invalid")


def test_the_same_key_offered_again_gets_the_same_answer(rotated):
    again = offer(rotated.old, rotated.new.key)
    assert (again.status_code, again.json()) == (201, rotated.answer)
    assert offer(rotated.new, rotated.new.key).json()["fingerprint"] == rotated.answer["fingerprint"]
    assert AgentKey.objects.count() == 2


def test_a_key_that_was_lost_before_it_spoke_is_replaced_by_the_next(rotated):
    third = Ed25519PrivateKey.generate()
    assert offer(rotated.old, third).status_code == 201
    problem(syncs(rotated.new), 403, "key_revoked")
    assert syncs(rotated.old).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        lambda key, agent: proof_of(Ed25519PrivateKey.generate(), agent, public_key_of(key)),
        lambda key, agent: proof_of(key, "00000000-0000-4000-8000-000000000000"),
        lambda key, agent: "nonsense",
        lambda key, agent: "",
    ],
)
def test_a_key_one_does_not_hold_cannot_be_introduced(scene, wrong):
    key = Ed25519PrivateKey.generate()
    answer = offer(scene.caller, key, proof=wrong(key, scene.caller.key_id))
    assert answer.status_code in (400, 422)
    assert AgentKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", "AAAA", "no base64!", "A" * 200, 7, None])
def test_what_is_no_public_key_is_refused(scene, key):
    answer = scene.caller.call("POST", "/keys", {"public_key": key, "proof": "x"})
    assert answer.status_code in (400, 422)
    assert AgentKey.objects.count() == 1


def test_another_agents_key_cannot_be_introduced(scene):
    other = enrolled(make_scene(slug="elsewhere").site)
    proof = proof_of(other.key, scene.caller.key_id)
    problem(scene.caller.call("POST", "/keys", {"public_key": other.public_key, "proof": proof}), 409, "key_known")


def test_more_than_ten_keys_in_a_day_are_refused(scene):
    for _ in range(9):
        assert offer(scene.caller, Ed25519PrivateKey.generate()).status_code == 201
    problem(offer(scene.caller, Ed25519PrivateKey.generate()), 429, "too_many_keys")


def test_whoever_stole_a_replaced_key_can_neither_introduce_nor_revoke(rotated):
    assert syncs(rotated.new).status_code == 200
    problem(offer(rotated.old, Ed25519PrivateKey.generate()), 403, "key_superseded")
    problem(rotated.old.call("DELETE", f"/keys/{rotated.answer['fingerprint']}"), 403, "key_superseded")
    assert syncs(rotated.new).status_code == 200
    refused = AuditEvent.objects.filter(action="site.request_refused").order_by("pk")
    assert [(row.data["code"], row.data["call"]) for row in refused] == [
        ("key_superseded", "POST keys"),
        ("key_superseded", "DELETE key"),
    ]


# ---- revocation -----------------------------------------------------------------------------------------------------


def test_an_agent_takes_its_old_key_out_of_use_at_once(rotated):
    path = f"/keys/{keys.key_id(rotated.old.public_key)}"
    first = rotated.new.call("DELETE", path)
    assert first.status_code == 200
    problem(syncs(rotated.old), 403, "key_revoked")
    assert rotated.new.call("DELETE", path).json() == first.json()
    assert syncs(rotated.new).status_code == 200


def test_an_agent_that_gives_up_a_rotation_goes_on_with_its_old_key(rotated):
    assert rotated.old.call("DELETE", f"/keys/{rotated.answer['fingerprint']}").status_code == 200
    problem(syncs(rotated.new), 403, "key_revoked")
    with later(days=3):
        assert syncs(rotated.old).status_code == 200
    assert SiteAgent.objects.get().public_key == rotated.old.public_key


def test_a_key_cannot_revoke_itself_nor_a_key_of_somebody_else(rotated):
    other = enrolled(make_scene(slug="elsewhere").site)
    problem(rotated.new.call("DELETE", f"/keys/{rotated.answer['fingerprint']}"), 409, "key_in_use")
    problem(rotated.new.call("DELETE", f"/keys/{keys.key_id(other.public_key)}"), 404, "key_unknown")
    assert syncs(other).status_code == 200


def test_the_keys_of_a_stolen_agent_are_all_refused(rotated):
    revoke_agent(agent=SiteAgent.objects.get(), actor=administrator(), at=datetime.now(UTC))
    for caller in (rotated.old, rotated.new):
        problem(syncs(caller), 403, "agent_revoked")
    assert not AgentKey.objects.filter(revoked_at__isnull=True).exists()


def test_the_sites_operator_revokes_one_key_and_the_agent_goes_on_with_the_other(rotated):
    operator, stranger = make_user(), make_user()
    grant(operator, Role.OPERATOR, site_slug=rotated.site.slug)
    grant(stranger, Role.OPERATOR, site_slug="elsewhere")
    stolen = AgentKey.objects.get(public_key=rotated.old.public_key)
    with pytest.raises(NotAllowed):
        revoke_key(key=stolen, actor=stranger, at=datetime.now(UTC))
    revoke_key(key=stolen, actor=operator, at=datetime.now(UTC))
    problem(syncs(rotated.old), 403, "key_revoked")
    assert syncs(rotated.new).status_code == 200
    assert AuditEvent.objects.get(action="site.key_revoked").actor == operator


def test_a_key_revoked_while_its_agent_waits_is_given_no_work(scene, monkeypatch):
    monkeypatch.setattr(api.time, "sleep", lambda seconds: AgentKey.objects.update(revoked_at=datetime.now(UTC)))
    problem(scene.caller.sync(wait=25), 403, "key_revoked")


def test_a_loop_of_refused_requests_writes_one_line_into_the_record(scene):
    AgentKey.objects.update(revoked_at=datetime.now(UTC))
    for _ in range(3):
        problem(syncs(scene.caller), 403, "key_revoked")
    assert AuditEvent.objects.filter(action="site.request_refused").count() == 1


# ---- a day set by a person ------------------------------------------------------------------------------------------


def test_an_agent_hears_by_when_its_key_must_be_replaced(scene):
    agent, at = SiteAgent.objects.get(), datetime.now(UTC)
    ask_for_new_key(agent=agent, by=at + timedelta(days=3), actor=administrator(), at=at)
    assert "replace_key_by" not in scene.caller.say()
    scene.caller.session(features=["keys"])
    assert scene.caller.say()["replace_key_by"] == (at + timedelta(days=3)).isoformat()
    key = Ed25519PrivateKey.generate()
    assert offer(scene.caller, key).status_code == 201
    assert scene.caller.say()["replace_key_by"] is None
    with later(days=4):
        problem(syncs(scene.caller), 401, "key_expired")


def test_a_day_in_the_past_is_refused_with_what_to_do(scene):
    at = datetime.now(UTC)
    with pytest.raises(DomainError, match="revoke the key at once"):
        ask_for_new_key(agent=SiteAgent.objects.get(), by=at, actor=administrator(), at=at)


# ---- what was there before ------------------------------------------------------------------------------------------


def test_agents_of_an_older_portal_keep_their_keys(scene):
    AgentKey.objects.all().delete()
    assert syncs(scene.caller).status_code == 401
    importlib.import_module("jobs.migrations.0007_agent_keys").rows_for_keys(apps, None)
    assert AgentKey.objects.get().fingerprint == keys.key_id(scene.caller.public_key)
    assert syncs(scene.caller).status_code == 200
