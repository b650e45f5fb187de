"""Replacing the portal's own signing key: the old one signs for the new one, and agents take the new one up by that.

    portal-signing-key.pem                 the newest key; agents that know it get their work signed with it
    portal-signing-key.<name>.old.pem      older ones, for agents that have not heard of the newest yet
    portal-signing-key.next.pem            a rotation that was cut off; the next run goes on with it
    portal-signing-key.history.json        the public halves, and for each the signature of the one before it

Private halves are readable for the portal's user only. Every web process reads them anew for each signature.
"""

import base64
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from jobs.siteapi import keys


@dataclass(frozen=True)
class Known:
    """A key of the portal. `statement` is the signature of the key before it; the first one has none."""

    public_key: str
    statement: str
    retired: bool = False


def key_for(trusted: Collection[str] | None) -> Ed25519PrivateKey:
    """The newest key that an agent trusts, by their short names. One that has not said gets the oldest still held."""
    held = _held()
    if trusted is None:
        return held[-1]
    for key in held:
        if keys.key_id(keys.encoded(key.public_key())) in trusted:
            return key
    return held[0]


def trusted_by(description: Mapping[str, Any]) -> list[str] | None:
    """The short names of the keys an agent has said it trusts; None if it has not said."""
    named = description.get("portal_keys")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else None


def newest_name() -> str:
    return keys.key_id(keys.portal_public_key())


def announcement() -> dict[str, Any]:
    """For the answer to a session: every key with the statement that introduces it, and those that count no more."""
    known = _history()
    return {
        "portal_keys": [{"public_key": one.public_key, "statement": one.statement} for one in known if one.statement],
        "portal_keys_retired": [one.public_key for one in known if one.retired],
    }


def accepted() -> frozenset[str]:
    """The public keys whose private halves are still held."""
    return frozenset(keys.encoded(key.public_key()) for key in _held())


def rotate() -> str:
    """Makes the next key, lets the present one sign for it, and takes it into use. Returns its short name.

    Cut off at any line and run again, it goes on with the same key.
    """
    path, present = _path(), keys.portal_key()
    following = path.with_suffix(".next.pem")
    if not following.exists():
        keys.create(following)
    new, old = keys.encoded(keys.read(following).public_key()), keys.encoded(present.public_key())
    known = _history() or [Known(public_key=old, statement="")]
    if new not in {one.public_key for one in known}:
        statement = base64.b64encode(present.sign(statement_text(new))).decode()
        _write_history([*known, Known(public_key=new, statement=statement)])
    kept = path.with_name(f"{path.stem}.{keys.key_id(old)}.old.pem")
    if not kept.exists():
        os.link(path, kept)
    following.replace(path)
    return keys.key_id(new)


def retire_old() -> list[str]:
    """Removes the private halves of all but the newest. Agents that trust an old one only must enrol again."""
    newest = keys.portal_public_key()
    _write_history(
        [
            Known(public_key=one.public_key, statement=one.statement, retired=one.public_key != newest)
            for one in _history()
        ]
    )
    names = []
    for path in _old_files():
        names.append(path.name.removesuffix(".old.pem").rpartition(".")[2])
        path.unlink()
    return names


def statement_text(public_key: str) -> bytes:
    """What one key of the portal signs to introduce the next."""
    return f"open-paas-portal-key/1\n{public_key}".encode()


def _path() -> Path:
    return Path(settings.PORTAL_SIGNING_KEY_FILE)


def _old_files() -> list[Path]:
    """The newest first."""
    names = [keys.key_id(one.public_key) for one in reversed(_history())]
    files = [_path().with_name(f"{_path().stem}.{name}.old.pem") for name in names]
    return [file for file in files if file.exists()]


def _held() -> list[Ed25519PrivateKey]:
    return [keys.portal_key(), *(keys.read(path) for path in _old_files())]


def _history() -> list[Known]:
    try:
        return [Known(**one) for one in json.loads(_history_file().read_text())]
    except FileNotFoundError:
        return []


def _history_file() -> Path:
    return _path().with_suffix(".history.json")


def _write_history(known: list[Known]) -> None:
    path = _history_file()
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump([asdict(one) for one in known], file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
