"""Signing requests: HTTP Message Signatures (RFC 9421) with Ed25519, a body digest (RFC 9530), age and nonce.

Written out here, since a site should need few packages; the portal checks with an independent implementation.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Generator

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TAG = "open-paas-site/1"
LABEL = "agent"
LIFETIME = 300
_DEFAULT_PORTS = {"http": 80, "https": 443}


class SignedBy(httpx.Auth):
    """Signs every request, and every retry anew: a nonce counts once."""

    requires_request_body = True

    def __init__(self, key: Ed25519PrivateKey, key_id: str) -> None:
        self.key, self.key_id = key, key_id

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        sign(request, key=self.key, key_id=self.key_id, created=int(time.time()), nonce=secrets.token_urlsafe(18))
        yield request


def sign(request: httpx.Request, *, key: Ed25519PrivateKey, key_id: str, created: int, nonce: str) -> None:
    """Adds Content-Digest, Signature-Input and Signature to the request."""
    digest = base64.b64encode(hashlib.sha256(request.content).digest()).decode()
    request.headers["Content-Digest"] = f"sha-256=:{digest}:"
    covered = {
        "@method": request.method,
        "@authority": authority(request.url),
        "@path": request.url.raw_path.decode().partition("?")[0],
        "@query": f"?{request.url.query.decode()}",
        "content-digest": request.headers["Content-Digest"],
    }
    if "Lease-Token" in request.headers:
        covered["lease-token"] = request.headers["Lease-Token"]
    names = " ".join(f'"{name}"' for name in covered)
    parameters = (
        f'({names});created={created};expires={created + LIFETIME};nonce="{nonce}";keyid="{key_id}"'
        f';alg="ed25519";tag="{TAG}"'
    )
    base = "\n".join([*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {parameters}'])
    signature = base64.b64encode(key.sign(base.encode())).decode()
    request.headers["Signature-Input"] = f"{LABEL}={parameters}"
    request.headers["Signature"] = f"{LABEL}=:{signature}:"


def authority(url: httpx.URL) -> str:
    """Host in small letters, with the port unless it is the scheme's own."""
    host = url.raw_host.decode().lower()
    host = f"[{host}]" if ":" in host else host
    return host if url.port in (None, _DEFAULT_PORTS.get(url.scheme)) else f"{host}:{url.port}"
