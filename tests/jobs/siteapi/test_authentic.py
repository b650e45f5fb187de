"""Who may speak: enrolment by a code that counts once, and requests that are whole, fresh, and signed."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from accounts.models import AuditEvent
from accounts.roles import Role
from jobs.models import EnrolmentCode, RequestNonce, SiteAgent
from jobs.siteapi import keys
from jobs.siteapi.services import create_enrolment_code, revoke_agent
from portal.kernel.errors import NotAllowed
from tests.factories import grant, make_site, make_user
from tests.jobs.siteapi.caller import Caller
from tests.jobs.siteapi.conftest import MODELS

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def problem(answer, status, code):
    assert (answer.status_code, answer.json()["title"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    return answer.json()


# ---- enrolment ------------------------------------------------------------------------------------------------------


def test_a_code_makes_one_agent_known_and_is_kept_as_a_hash_only():
    code = create_enrolment_code(site=make_site(status="known"), actor=None, at=NOW)
    caller = Caller()
    answer = caller.enrol(code)
    agent = SiteAgent.objects.get()
    assert answer.json()["portal_public_key"] == keys.portal_public_key()
    assert (agent.public_key, agent.site.status) == (caller.public_key, "connected")
    assert code not in json.dumps(list(EnrolmentCode.objects.values()), default=str)
    assert AuditEvent.objects.filter(action="site.agent_enrolled").exists()


def test_a_used_code_admits_nobody_else_but_repeats_its_answer():
    code = create_enrolment_code(site=make_site(), actor=None, at=NOW)
    caller = Caller()
    first = caller.enrol(code).json()
    again = Caller(caller.key).enrol(code)
    assert again.json() == first
    problem(Caller().enrol(code), 403, "code_refused")
    assert SiteAgent.objects.count() == 1


@pytest.mark.parametrize("code", ["", "AAAAAA-AAAAAA-AAAAAA-AAAAAA", "' OR 1=1 --"])
def test_a_wrong_code_is_refused(code):
    assert Caller().enrol(code).status_code in (400, 403)
    assert not SiteAgent.objects.exists()


def test_an_expired_code_is_refused():
    code = create_enrolment_code(site=make_site(), actor=None, at=NOW - timedelta(days=2))
    problem(Caller().enrol(code), 403, "code_refused")


def test_enrolling_with_a_key_one_does_not_hold_is_refused():
    code = create_enrolment_code(site=make_site(), actor=None, at=NOW)
    thief = Caller()
    other = Caller().public_key
    problem(thief.enrol(code, public_key=other), 401, "signature_invalid")
    assert EnrolmentCode.objects.get().used_at is None


def test_only_administrators_make_codes():
    with pytest.raises(NotAllowed):
        create_enrolment_code(site=make_site(), actor=make_user(), at=NOW)
    admin = make_user()
    grant(admin, Role.ADMINISTRATOR)
    assert create_enrolment_code(site=make_site(), actor=admin, at=NOW)


# ---- signatures -----------------------------------------------------------------------------------------------------


def test_a_replayed_request_is_refused(scene):
    request = scene.caller.request("POST", "/sync", {"epoch": scene.caller.epoch})
    assert scene.caller.send(request).status_code == 200
    problem(scene.caller.send(request), 401, "replayed")


@pytest.mark.parametrize("age", [-3600, 3600])
def test_a_request_from_another_time_is_refused(scene, age):
    problem(scene.caller.call("POST", "/sync", {"epoch": 1}, created=int(time.time()) + age), 401, "signature_invalid")


@pytest.mark.parametrize("skew", [-240, 240])
def test_a_clock_that_is_some_minutes_off_is_tolerated(scene, skew):
    answer = scene.caller.call("POST", "/sync", {"epoch": scene.caller.epoch}, created=int(time.time()) + skew)
    assert answer.status_code == 200


def test_a_changed_body_is_refused(scene):
    request = scene.caller.request("POST", "/sync", {"epoch": scene.caller.epoch})
    problem(scene.caller.send(request, content=b'{"epoch": 99}'), 401, "digest_mismatch")


def test_a_changed_address_method_or_token_is_refused(scene):
    request = scene.caller.request("POST", "/sync", {"epoch": scene.caller.epoch}, token="right")
    problem(scene.caller.send(request, **{"lease-token": "wrong"}), 401, "signature_invalid")
    other = scene.caller.request("POST", "/session", {"version": "1", "describe": {"models": []}})
    other.url = other.url.copy_with(path="/site/v1/sync")
    problem(scene.caller.send(other), 401, "signature_invalid")


def test_another_agents_key_is_refused(scene):
    problem(Caller(Ed25519PrivateKey.generate(), scene.caller.key_id).sync(), 401, "signature_invalid")


@pytest.mark.parametrize("key_id", ["nobody", "00000000-0000-4000-8000-000000000000", "' OR 1=1"])
def test_an_unknown_agent_is_refused(scene, key_id):
    assert Caller(scene.caller.key, key_id).sync().status_code == 401


def test_a_signature_that_covers_too_little_is_refused(scene):
    request = scene.caller.request("POST", "/sync", {"epoch": scene.caller.epoch})
    parameters = request.headers["Signature-Input"].removeprefix("agent=").replace(' "content-digest"', "")
    base = "\n".join(
        ['"@method": POST', '"@authority": localhost', '"@path": /site/v1/sync', '"@query": ?',
         f'"@signature-params": {parameters}']
    )  # fmt: skip
    signature = base64.b64encode(scene.caller.key.sign(base.encode())).decode()
    answer = scene.caller.send(
        request, **{"signature-input": f"agent={parameters}", "signature": f"agent=:{signature}:"}
    )
    problem(answer, 401, "signature_too_narrow")


def test_unsigned_requests_are_refused(client, db):
    for path in ("session", "sync", "attempts/x/artefacts"):
        assert client.post(f"/site/v1/{path}", b"{}", content_type="application/json").status_code in (401, 405)
    assert client.post("/site/v1/enrol", b"{}", content_type="application/json").status_code == 400


def test_a_revoked_agent_is_refused(scene):
    admin = make_user()
    grant(admin, Role.ADMINISTRATOR)
    revoke_agent(agent=SiteAgent.objects.get(), actor=admin, at=NOW)
    problem(scene.caller.sync(), 403, "agent_revoked")


def test_nonces_are_forgotten_when_their_requests_are_too_old_anyway(scene):
    from jobs.execution.services import sweep

    assert RequestNonce.objects.exists()
    sweep(at=datetime.now(UTC) + timedelta(hours=1))
    assert not RequestNonce.objects.exists()


def test_the_portals_key_is_made_once_and_closed_to_others(settings):
    first = keys.portal_public_key()
    assert keys.portal_public_key() == first
    assert Path(settings.PORTAL_SIGNING_KEY_FILE).stat().st_mode & 0o777 == 0o600


# ---- limits ---------------------------------------------------------------------------------------------------------


def test_an_oversized_body_is_refused_before_it_is_read(scene):
    request = scene.caller.request("POST", "/sync", {"epoch": 1})
    problem(scene.caller.send(request, content=b" " * (4 * 1024 * 1024 + 1)), 413, "body_too_large")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b'{"epoch": "one"}', b'{"epoch": 1, "events": [{"key": 1}]}', b"[" * 100_000]
)
def test_what_is_no_message_gets_a_problem_document(scene, body):
    answer = scene.caller.call("POST", "/sync", body)
    assert answer.status_code in (400, 409)
    assert set(answer.json()) >= {"type", "title", "status", "detail"}


def test_wrong_methods_are_told_the_right_ones(scene):
    answer = scene.caller.call("GET", "/sync")
    problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "POST"


def test_a_database_that_is_away_is_a_503_that_says_when(scene, monkeypatch):
    from django.db import OperationalError

    from jobs.siteapi import services

    def away(**words):
        raise OperationalError("connection refused")

    monkeypatch.setattr(services, "take_reports", away)
    answer = scene.caller.sync()
    problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "10"


def test_a_new_session_fences_the_older_one(scene):
    old = scene.caller.epoch
    scene.caller.session(MODELS)
    assert scene.caller.epoch > old
    problem(scene.caller.sync(epoch=old), 409, "stale_epoch")
    assert scene.caller.sync().status_code == 200


def test_another_protocol_is_refused(scene):
    answer = scene.caller.call("POST", "/session", {"protocols": ["7"], "version": "1", "describe": {"models": []}})
    problem(answer, 400, "protocol_unknown")
