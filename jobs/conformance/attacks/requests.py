"""Requests that are not what they say, too large, out of their time, or from nobody."""

import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance.attacks.base import NOBODY, OLD, Attack, signed
from jobs.conformance.rogue import Heard, Rogue, Stage
from jobs.conformance.wire import public_of


def _replayed(stage: Stage) -> Heard:
    nonce, created = "one-nonce-for-two", int(time.time())
    body = {"epoch": stage.honest.epoch}
    stage.honest.call("POST", "/sync", body, nonce=nonce, created=created)
    return stage.honest.call("POST", "/sync", body, nonce=nonce, created=created)


SIGNATURES = (
    Attack("sign.replay", "A request that was received before", _replayed, 401, ("replayed",)),
    Attack(
        "sign.old",
        "A signature of an hour ago",
        lambda s: signed(s, created=int(time.time()) - 3600),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.future",
        "A signature of an hour from now",
        lambda s: signed(s, created=int(time.time()) + 3600),
        401,
        ("signature_invalid",),
    ),
    Attack("sign.body", "Another body than was signed", lambda s: signed(s, then=b"{}"), 401, ("digest_mismatch",)),
    Attack(
        "sign.path",
        "A signature for another address",
        lambda s: s.honest.call("POST", "/session", {"describe": {}}, to="/sync"),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.narrow",
        "A signature that leaves out the body",
        lambda s: signed(s, leave_out=("content-digest",)),
        401,
        ("signature_too_narrow",),
    ),
    Attack(
        "sign.token",
        "A lease token the signature does not cover",
        lambda s: s.honest.call("GET", f"/attempts/{s.key}/artefacts", token=s.token, leave_out=("lease-token",)),
        401,
        ("signature_too_narrow",),
    ),
    Attack(
        "sign.other_token",
        "A lease token put in place of the signed one",
        lambda s: s.honest.call("GET", f"/attempts/{s.key}/artefacts", token=OLD, headers={"Lease-Token": s.token}),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.nonce", "A nonce longer than any", lambda s: signed(s, nonce="n" * 200), 401, ("nonce_missing",), False
    ),
    Attack(
        "sign.another_key",
        "Somebody else's name under one's own key",
        lambda s: signed(s, key=Ed25519PrivateKey.generate()),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.stranger",
        "The name of another site's agent under one's own key",
        lambda s: s.other.call("POST", "/sync", {"epoch": s.honest.epoch}, key_id=s.honest.id),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.nobody",
        "An agent that does not exist",
        lambda s: signed(s, key_id=NOBODY),
        401,
        ("signature_invalid",),
        False,
    ),
    Attack(
        "sign.odd_name",
        "A name that is no name",
        lambda s: signed(s, key_id="' OR 1=1 --"),
        401,
        ("signature_invalid",),
        False,
    ),
    Attack(
        "sign.none",
        "No signature at all",
        lambda s: s.honest.send("POST", f"{s.honest.url}/site/v1/sync", {"Content-Type": "application/json"}, b"{}"),
        401,
        ("signature_invalid",),
        False,
    ),
)

LIMITS = (
    Attack(
        "body.large",
        "A body of more than 4 MiB",
        lambda s: signed(s, then=b" " * (4 * 1024 * 1024 + 1)),
        413,
        ("body_too_large",),
    ),
    Attack(
        "body.no_json",
        "A body that is no JSON",
        lambda s: s.honest.call("POST", "/sync", b"]["),
        400,
        ("not_json",),
        False,
    ),
    Attack(
        "body.deep",
        "A body nested a hundred thousand deep",
        lambda s: s.honest.call("POST", "/sync", b"[" * 100_000),
        400,
        ("not_json",),
        False,
    ),
    Attack(
        "body.many",
        "More reports than a message holds",
        lambda s: s.honest.sync(usage=[s.usage() for _number in range(501)]),
        400,
        ("malformed",),
        False,
    ),
    Attack("body.epoch", "An epoch that is no number", lambda s: s.honest.sync(epoch="1"), 400, ("malformed",), False),
    Attack(
        "epoch.stale",
        "The epoch of an older session",
        lambda s: s.honest.sync(epoch=s.honest.epoch - 1),
        409,
        ("stale_epoch",),
        prepare=lambda s: s.honest.session(),
    ),
    Attack("epoch.future", "An epoch nobody gave", lambda s: s.honest.sync(epoch=2**40), 409, ("stale_epoch",)),
    Attack(
        "method.wrong",
        "A method the address does not know",
        lambda s: s.honest.call("PUT", "/sync"),
        405,
        ("method_not_allowed",),
        False,
    ),
)


def _enrol_as(stage: Stage, code: str, **changes: Any) -> Heard:
    return Rogue(stage.honest.send, stage.honest.url).enrol(code, **changes)


ENROLMENT = (
    Attack("enrol.used", "A code that was used", lambda s: _enrol_as(s, s.code), 403, ("code_refused",), False),
    Attack(
        "enrol.guess",
        "A code that was guessed",
        lambda s: _enrol_as(s, "AAAAAA-AAAAAA-AAAAAA-AAAAAA"),
        403,
        ("code_refused",),
        False,
    ),
    Attack(
        "enrol.other_key",
        "The key of another agent, with a code",
        lambda s: _enrol_as(s, s.code, public_key=public_of(s.other.key)),
        401,
        ("signature_invalid",),
        False,
    ),
    Attack(
        "enrol.no_key",
        "A key that is none",
        lambda s: _enrol_as(s, s.code, public_key="AAAA"),
        400,
        ("malformed",),
        False,
    ),
)
