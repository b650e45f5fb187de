"""Which keys of the portal this agent trusts: the one it enrolled with, and every one that a trusted key has named."""

import base64
from dataclasses import replace
from typing import Any

from jobs.agent.identity import Identity, fingerprint_of, signed_by


def statement_text(public_key: str) -> bytes:
    """What one key of the portal signs to introduce the next."""
    return f"open-paas-portal-key/1\n{public_key}".encode()


def pinned(identity: Identity, answer: dict[str, Any]) -> Identity:
    """The identity after a session's answer. A key counts when one that counts already has signed for it.

    Keys the portal has given up are forgotten, so that who stole an old one can sign nothing; one always stays.
    """
    trusted = list(identity.pinned)
    announced = _pairs(answer.get("portal_keys"))
    for _round in announced:  # a chain in any order is followed to its end
        for public_key, statement in announced:
            text = statement_text(public_key)
            if public_key not in trusted and any(signed_by(key, statement, text) for key in trusted):
                trusted.insert(0, public_key)
    given_up = answer.get("portal_keys_retired")
    kept = [key for key in trusted if key not in (given_up if isinstance(given_up, list) else [])] or trusted
    newest, *older = kept
    return replace(identity, portal_public_key=newest, older_portal_keys=tuple(older))


def names_of(identity: Identity) -> list[str]:
    """The short names of the keys we trust, for the portal to see that we know its newest."""
    return [fingerprint_of(key) for key in identity.pinned]


def _pairs(announced: Any) -> list[tuple[str, bytes]]:
    found = []
    for one in announced if isinstance(announced, list) else []:
        try:
            found.append((str(one["public_key"]), base64.b64decode(one["statement"], validate=True)))
        except (TypeError, KeyError, ValueError):
            continue
    return found[:50]
