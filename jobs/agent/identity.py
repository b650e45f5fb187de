"""Who this agent is: its key pair, made here and never sent, and what the portal answered when it enrolled."""

import base64
import hashlib
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jobs.agent.files import read_json, write_atomically, write_json


@dataclass(frozen=True)
class Identity:
    """`code_sha256` names the code it enrolled with, so that a new code in the configuration enrols it anew.

    `portal_public_key` is the newest key of the portal that we trust, `older_portal_keys` those that still count.
    """

    agent_id: str
    site: str
    public_key: str
    portal_public_key: str
    code_sha256: str
    older_portal_keys: tuple[str, ...] = ()

    @property
    def pinned(self) -> tuple[str, ...]:
        """Every key of the portal whose signature counts, the newest first."""
        return (self.portal_public_key, *self.older_portal_keys)

    def portal_signed(self, signature: bytes, content: bytes) -> bool:
        """Whether the portal we trust has signed these bytes."""
        return any(signed_by(key, signature, content) for key in self.pinned)


def signed_by(public_key: str, signature: bytes, content: bytes) -> bool:
    """Whether an Ed25519 key, in base64, has signed these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True)).verify(signature, content)
    except (ValueError, InvalidSignature):
        return False
    return True


def fingerprint_of(public_key: str) -> str:
    """The short name of a key, as the portal makes it."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def code_digest(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


class Keeper:
    """The identity's files in the work folder, readable for the agent's user only."""

    def __init__(self, work: Path) -> None:
        self.key_file, self.identity_file = work / "agent-key.pem", work / "identity.json"
        # A key that the portal has been or will be told of, until it takes the place of the one in use.
        self.next_file = work / "agent-key.next.pem"

    def key(self) -> Ed25519PrivateKey:
        """The private key; made on first use."""
        return _read(self.key_file) if self.key_file.exists() else self.new_key()

    def new_key(self) -> Ed25519PrivateKey:
        """Begins anew, for an enrolment: what was prepared for the old identity is of no use."""
        self.next_file.unlink(missing_ok=True)
        return _write(self.key_file)

    def next_key(self) -> Ed25519PrivateKey:
        """The key that shall follow; made and safe on disk before the portal can hear of it."""
        return _read(self.next_file) if self.next_file.exists() else _write(self.next_file)

    def take_next(self) -> None:
        """The next key takes the place of the one in use, in one step: there is never none, and never half a one."""
        if self.next_file.exists():
            self.next_file.replace(self.key_file)
            _settle(self.key_file.parent)
        identity, public_key = self.identity(), public_key_of(self.key())
        if identity is not None and identity.public_key != public_key:
            self.keep(replace(identity, public_key=public_key))

    def identity(self) -> Identity | None:
        found = read_json(self.identity_file)
        if not isinstance(found, dict):
            return None
        known = {field.name: found[field.name] for field in fields(Identity) if field.name in found}
        try:
            return Identity(**{**known, "older_portal_keys": tuple(known.get("older_portal_keys", ()))})
        except TypeError:
            return None

    def keep(self, identity: Identity) -> None:
        write_json(self.identity_file, asdict(identity))

    def key_is_private(self) -> bool:
        return not self.key_file.exists() or self.key_file.stat().st_mode & 0o077 == 0 or os.name != "posix"


def public_key_of(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def _read(path: Path) -> Ed25519PrivateKey:
    key = form.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} does not hold an Ed25519 key.")
    return key


def _write(path: Path) -> Ed25519PrivateKey:
    """A new key, safe on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for draft in path.parent.glob(f".{path.name}.*.new"):
        draft.unlink(missing_ok=True)  # of a run that was killed here
    key = Ed25519PrivateKey.generate()
    write_atomically(path, key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    _settle(path.parent)
    return key


def _settle(folder: Path) -> None:
    """Names in a folder survive a power cut only once the folder itself is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
