"""The wire, written anew from the protocol's text: signatures (RFC 9421), digests (RFC 9530), canonical JSON.

Nothing here is shared with our portal or our agent, so that a mistake they have in common is seen.
"""

import base64
import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TAG = "open-paas-site/1"
LONGEST_LIFE = 300
SKEW = 300
ALWAYS = ("@method", "@authority", "@path", "@query", "content-digest")
_MEMBER = re.compile(r'([a-z*][a-z0-9_.*-]*)=((?:"(?:[^"\\]|\\.)*"|[^,"])*)')
_PARAMETER = re.compile(r';([a-z*][a-z0-9_.*-]*)=("(?:[^"\\]|\\.)*"|[^;]+)')


def canonical(value: Any) -> bytes:
    """Sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def public_of(key: Ed25519PrivateKey) -> str:
    return b64(key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw))


def key_from(text: str) -> Ed25519PublicKey:
    """Reads a public key in base64; raises ValueError for anything else."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))


def fingerprint(public_key: str) -> str:
    """The short name of a key: the first 16 hexadecimal digits of the SHA-256 of its base64."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def holds(key: Ed25519PublicKey, signature: str, content: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def digest_header(body: bytes) -> str:
    return f"sha-256=:{b64(hashlib.sha256(body).digest())}:"


# ---- reading a signature ---------------------------------------------------------------------------------------------


@dataclass
class Signed:
    """What a request's signature says, and every flaw found in it by its short name."""

    covered: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    flaws: dict[str, str] = field(default_factory=dict)

    @property
    def agent(self) -> str:
        return str(self.parameters.get("keyid", "")).partition(":")[0]

    @property
    def fingerprint(self) -> str:
        return str(self.parameters.get("keyid", "")).partition(":")[2]


@dataclass(frozen=True)
class Message:
    """One request as it came over the wire. Names of headers in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def component(self, name: str) -> str | None:
        path, _mark, query = self.target.partition("?")
        return {
            "@method": self.method,
            "@authority": _authority(self.headers.get("host", "")),
            "@path": path,
            "@query": f"?{query}",
            "@target-uri": None,
        }.get(name, self.headers.get(name))


def read_signature(message: Message) -> tuple[Signed, str, str]:
    """The signature with our tag, its base, and its value; flaws in how it is made are named."""
    inputs = dict(_MEMBER.findall(message.headers.get("signature-input", "")))
    values = dict(_MEMBER.findall(message.headers.get("signature", "")))
    for label, words in inputs.items():
        listed, _close, rest = words.strip().partition(")")
        parameters = {name: _value(value) for name, value in _PARAMETER.findall(rest)}
        if parameters.get("tag") != TAG or not listed.startswith("("):
            continue
        covered = tuple(name.strip('"') for name in listed[1:].split())
        signed = Signed(covered=covered, parameters=parameters)
        lines = [f'"{name}": {message.component(name)}' for name in covered]
        base = "\n".join([*lines, f'"@signature-params": {words.strip()}'])
        _look(signed, message)
        return signed, base, values.get(label, "").strip().strip(":")
    return Signed(flaws={"unsigned": f"no signature with the tag {TAG}"}), "", ""


def _look(signed: Signed, message: Message) -> None:
    lacking = [name for name in ALWAYS if name not in signed.covered]
    if lacking:
        signed.flaws["narrow"] = f"does not cover {', '.join(lacking)}"
    if "lease-token" in message.headers and "lease-token" not in signed.covered:
        signed.flaws["token"] = "the Lease-Token is sent and not covered"  # noqa: S105
    created, expires, nonce = (signed.parameters.get(name) for name in ("created", "expires", "nonce"))
    if not isinstance(created, int) or not isinstance(expires, int) or not 0 < expires - created <= LONGEST_LIFE:
        signed.flaws["life"] = f"created {created}, expires {expires}: at most {LONGEST_LIFE} s are allowed"
    elif abs(created - time.time()) > SKEW:
        signed.flaws["clock"] = f"created {created - time.time():.0f} s from now"
    if not isinstance(nonce, str) or not 0 < len(nonce) <= 64:
        signed.flaws["nonce"] = f"the nonce is {nonce!r}"
    if signed.parameters.get("alg") != "ed25519":
        signed.flaws["alg"] = f"alg is {signed.parameters.get('alg')!r}"
    if message.headers.get("content-digest", "") != digest_header(message.body):
        signed.flaws["digest"] = f"Content-Digest is {message.headers.get('content-digest')!r}"


def _value(text: str) -> Any:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return int(text) if text.lstrip("-").isdigit() else text


def _authority(host: str) -> str:
    return host.lower().removesuffix(":80").removesuffix(":443")


# ---- making one ------------------------------------------------------------------------------------------------------


def signed_headers(
    method: str, url: str, body: bytes, *, key: Ed25519PrivateKey, key_id: str, token: str = "",
    created: int | None = None, life: int = LONGEST_LIFE, nonce: str = "", leave_out: tuple[str, ...] = (),
) -> dict[str, str]:  # fmt: skip
    """Headers that sign such a request. `leave_out` names components an honest agent would cover."""
    parts = urlsplit(url)
    created = int(time.time()) if created is None else created
    components = {
        "@method": method,
        "@authority": _authority(parts.netloc),
        "@path": parts.path,
        "@query": f"?{parts.query}",
        "content-digest": digest_header(body),
        **({"lease-token": token} if token else {}),
    }
    covered = {name: value for name, value in components.items() if name not in leave_out}
    parameters = (
        f"({' '.join(json.dumps(name) for name in covered)});created={created};expires={created + life}"
        f';nonce="{nonce or secrets.token_hex(12)}";keyid="{key_id}";alg="ed25519";tag="{TAG}"'
    )
    base = "\n".join([*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {parameters}'])
    return {
        "Content-Digest": components["content-digest"],
        "Signature-Input": f"kit={parameters}",
        "Signature": f"kit=:{b64(key.sign(base.encode()))}:",
        **({"Lease-Token": token} if token else {}),
    }
