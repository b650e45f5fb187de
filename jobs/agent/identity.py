"""Who this agent is: its key pair, made here and never sent, and what the portal answered when it enrolled."""

import base64
import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jobs.agent.files import read_json, write_atomically, write_json


@dataclass(frozen=True)
class Identity:
    """`code_sha256` names the code it enrolled with, so that a new code in the configuration enrols it anew."""

    agent_id: str
    site: str
    public_key: str
    portal_public_key: str
    code_sha256: str

    def portal_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.portal_public_key))


def code_digest(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


class Keeper:
    """The identity's files in the work folder, readable for the agent's user only."""

    def __init__(self, work: Path) -> None:
        self.key_file, self.identity_file = work / "agent-key.pem", work / "identity.json"

    def key(self) -> Ed25519PrivateKey:
        """The private key; made on first use."""
        if not self.key_file.exists():
            return self.new_key()
        key = form.load_pem_private_key(self.key_file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{self.key_file} does not hold an Ed25519 key.")
        return key

    def new_key(self) -> Ed25519PrivateKey:
        self.key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        write_atomically(self.key_file, pem)
        return key

    def identity(self) -> Identity | None:
        found = read_json(self.identity_file)
        try:
            return Identity(**found) if found else None
        except TypeError:
            return None

    def keep(self, identity: Identity) -> None:
        write_json(self.identity_file, asdict(identity))

    def key_is_private(self) -> bool:
        return not self.key_file.exists() or self.key_file.stat().st_mode & 0o077 == 0 or os.name != "posix"


def public_key_of(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    return base64.b64encode(raw).decode()
