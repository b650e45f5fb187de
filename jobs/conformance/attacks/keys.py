"""Keys that are stolen, replaced, revoked, or somebody else's."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance.attacks.base import Attack, signed
from jobs.conformance.rogue import Stage
from jobs.conformance.wire import b64


def _stolen(stage: Stage) -> None:
    """The honest agent has a new key in use; the thief has the old one."""
    new = Ed25519PrivateKey.generate()
    stage.old = stage.honest.key
    stage.old_name = f"{stage.honest.id}:{stage.honest.fingerprint}"
    stage.honest.new_key(new)
    stage.honest.key = new
    stage.honest.sync()


def _with_old(stage: Stage) -> dict[str, Any]:
    return {"key": stage.old, "key_id": stage.old_name}


def _revoked(stage: Stage) -> None:
    """The honest agent has noticed the theft."""
    _stolen(stage)
    name = stage.old_name.partition(":")[2]
    stage.honest.call("DELETE", f"/keys/{name}")


KEYS = (
    Attack(
        "keys.no_proof",
        "A new key without its proof",
        lambda s: s.honest.new_key(Ed25519PrivateKey.generate(), proof=b64(b"x" * 64)),
        422,
        ("key_proof_invalid",),
    ),
    Attack(
        "keys.other_proof",
        "A proof made for another agent",
        lambda s: s.honest.new_key(Ed25519PrivateKey.generate(), agent=s.other.id),
        422,
        ("key_proof_invalid",),
    ),
    Attack(
        "keys.known",
        "The key of another agent as one's own",
        lambda s: s.honest.new_key(s.other.key),
        409,
        ("key_known",),
    ),
    Attack(
        "keys.old_introduces",
        "A replaced key that introduces another",
        lambda s: s.honest.new_key(Ed25519PrivateKey.generate(), **_with_old(s)),
        403,
        ("key_superseded",),
        prepare=_stolen,
    ),
    Attack(
        "keys.old_revokes",
        "A replaced key that revokes its successor",
        lambda s: s.honest.call("DELETE", f"/keys/{s.honest.fingerprint}", **_with_old(s)),
        403,
        ("key_superseded",),
        prepare=_stolen,
    ),
    Attack(
        "keys.revoked",
        "A key that was revoked",
        lambda s: signed(s, **_with_old(s)),
        403,
        ("key_revoked",),
        prepare=_revoked,
    ),
    Attack(
        "keys.foreign_revoke",
        "The revocation of another agent's key",
        lambda s: s.honest.call("DELETE", f"/keys/{s.other.fingerprint}"),
        404,
        ("key_unknown",),
    ),
    Attack(
        "keys.itself",
        "A key that revokes itself",
        lambda s: s.honest.call("DELETE", f"/keys/{s.honest.fingerprint}"),
        409,
        ("key_in_use",),
        False,
    ),
)
