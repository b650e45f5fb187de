"""Who is calling: HTTP Message Signatures (RFC 9421) with the agent's Ed25519 key, a body digest and a nonce.

Why this and not mutual TLS or a bearer token: docs/decisions/, "Agents sign their requests".
"""

import hashlib
import hmac
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature, VerifyResult
from http_message_signatures.algorithms import ED25519
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from jobs.models import AgentKey, RequestNonce, SiteAgent
from jobs.siteapi import keys
from jobs.siteapi.services.keys import check_in_force, keys_named, note_use
from portal.kernel.errors import DomainError

TAG = "open-paas-site/1"
LIFETIME = timedelta(minutes=5)
SKEW = timedelta(minutes=5)
ALWAYS_COVERED = frozenset({'"@method"', '"@authority"', '"@path"', '"@query"', '"content-digest"'})
LEASE_HEADER = "lease-token"
_KEY_ID = re.compile(r'keyid="([0-9a-f-]{36})')


class NotAuthentic(DomainError):
    """The request does not come from whom it says, or was changed or sent before."""

    status = 401


@dataclass(frozen=True)
class _Message:
    method: str
    url: str
    headers: dict[str, str]


class _EnrolledKeys(HTTPSignatureKeyResolver):
    """Finds the keys of the agent named in the signature: the one it names, or each of them in turn."""

    def __init__(self) -> None:
        self.candidates: list[AgentKey] | None = None

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        if self.candidates is None:
            self.candidates = _keys_of(key_id)
        return keys.decoded(self.candidates[0].public_key) if self.candidates else None

    def another(self) -> bool:
        """Goes on to the next key; False when there is none."""
        self.candidates = (self.candidates or [])[1:]
        return bool(self.candidates)


def _keys_of(key_id: str) -> list[AgentKey]:
    """`<agent>` or `<agent>:<fingerprint>`: without a fingerprint every key of the agent may have signed."""
    agent_id, _colon, fingerprint = key_id.partition(":")
    try:
        agent = SiteAgent.objects.only("pk").filter(pk=UUID(agent_id)).first()
    except ValueError:
        return []
    return list(keys_named(agent=agent, fingerprint=fingerprint)) if agent is not None else []


def claimed_agent(request: HttpRequest) -> SiteAgent | None:
    """Whom a request says it comes from, true or not: for the record of what was refused."""
    named = _KEY_ID.search(request.headers.get("Signature-Input", ""))
    try:
        return SiteAgent.objects.select_related("site").filter(pk=UUID(named[1])).first() if named else None
    except ValueError:
        return None


class PresentedKey(HTTPSignatureKeyResolver):
    """The key an agent presents when it enrols: signing with it proves that the agent holds its private half."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self.key = key

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        return self.key


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = SKEW


def authenticate(request: HttpRequest, body: bytes, *, at: datetime) -> AgentKey:
    """The key in force that signed this request, with its agent; raises NotAuthentic, and each request counts once."""
    enrolled = _EnrolledKeys()
    while True:
        try:
            checked = verify(request, body, enrolled)
            break
        except NotAuthentic as refused:
            if refused.code != "signature_invalid" or not enrolled.another():
                raise
    # A signature that holds was made with somebody's key.
    key = (enrolled.candidates or [])[0]
    check_in_force(key, at=at)
    _remember(key.agent, checked, at=at)
    note_use(key, at=at)
    return key


def verify(request: HttpRequest, body: bytes, known: HTTPSignatureKeyResolver) -> VerifyResult:
    """Checks the signature, what it covers, its age and the body's digest."""
    message = _Message(
        method=request.method or "",
        url=request.build_absolute_uri(),
        headers={name.lower(): value for name, value in request.headers.items()},
    )
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=known)
    try:
        (checked,) = verifier.verify(message, max_age=LIFETIME, expect_tag=TAG)
    except (InvalidSignature, HTTPMessageSignaturesException, ValueError) as error:
        raise NotAuthentic(
            "signature_invalid",
            _("The signature is missing, wrong, too old or of an unknown agent. Check clock and enrolment."),
        ) from error
    covered = set(checked.covered_components)
    needed = ALWAYS_COVERED | ({f'"{LEASE_HEADER}"'} if LEASE_HEADER in message.headers else set())
    if not needed <= covered:
        raise NotAuthentic("signature_too_narrow", _("The signature does not cover the whole request."))
    _check_digest(message.headers.get("content-digest", ""), body)
    if not checked.nonce or len(checked.nonce) > 64:
        raise NotAuthentic("nonce_missing", _("The signature needs a nonce of at most 64 characters."))
    return checked


def _check_digest(header: str, body: bytes) -> None:
    name, _sign, value = header.partition("=")
    try:
        sent = b64decode(value.strip(":"), validate=True) if name == "sha-256" else b""
    except ValueError:
        sent = b""
    if not hmac.compare_digest(sent, hashlib.sha256(body).digest()):
        raise NotAuthentic("digest_mismatch", _("The body is not the one that was signed."))


def _remember(agent: SiteAgent, checked: VerifyResult, *, at: datetime) -> None:
    created = datetime.fromtimestamp(int(checked.parameters["created"]), UTC)
    try:
        with transaction.atomic():
            RequestNonce.objects.create(
                agent=agent, nonce=str(checked.nonce), expires_at=max(at, created) + LIFETIME + 2 * SKEW
            )
    except IntegrityError as error:
        raise NotAuthentic("replayed", _("This very request was received before.")) from error
