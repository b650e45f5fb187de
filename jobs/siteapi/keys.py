"""The portal's own key pair: it signs the work that sites run, and sites pin its public half when they enrol."""

import base64
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


def portal_key() -> Ed25519PrivateKey:
    """The signing key, made on first use in a file only its owner can read."""
    path = Path(settings.PORTAL_SIGNING_KEY_FILE)
    if not path.exists():
        create(path)
    return read(path)


def read(path: Path) -> Ed25519PrivateKey:
    key = form.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} does not hold an Ed25519 key; move it away and a new one is made.")
    return key


def portal_public_key() -> str:
    """The public half in base64, as sites keep it."""
    return encoded(portal_key().public_key())


def encoded(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)).decode()


def decoded(text: str) -> Ed25519PublicKey:
    """Reads a public key in base64; raises ValueError for anything else."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))


def key_id(public_key: str) -> str:
    """A short name for a public key."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def proof_text(agent_id: object, public_key: str) -> bytes:
    """What the private half of an agent's new key signs, to show that the agent holds it."""
    return f"open-paas-key/1\n{agent_id}\n{public_key}".encode()


def create(path: Path) -> None:
    """Whoever comes first wins: two processes starting together end up with one key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = Ed25519PrivateKey.generate().private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
