"""Who is calling: HTTP Message Signatures (RFC 9421) with the agent's Ed25519 key, a body digest and a nonce.

Why this and not mutual TLS or a bearer token: docs/decisions/, "Agents sign their requests".
"""

import hashlib
import hmac
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

from jobs.models import RequestNonce, SiteAgent
from jobs.siteapi import keys
from portal.kernel.errors import DomainError

TAG = "open-paas-site/1"
LIFETIME = timedelta(minutes=5)
SKEW = timedelta(minutes=5)
ALWAYS_COVERED = frozenset({'"@method"', '"@authority"', '"@path"', '"@query"', '"content-digest"'})
LEASE_HEADER = "lease-token"


class NotAuthentic(DomainError):
    """The request does not come from whom it says, or was changed or sent before."""

    status = 401


@dataclass(frozen=True)
class _Message:
    method: str
    url: str
    headers: dict[str, str]


class _EnrolledKeys(HTTPSignatureKeyResolver):
    """Finds the key of the agent named in the signature, and remembers the agent."""

    agent: SiteAgent | None = None

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        try:
            self.agent = SiteAgent.objects.select_related("site").filter(pk=UUID(key_id)).first()
        except ValueError:
            return None
        return keys.decoded(self.agent.public_key) if self.agent else None


class PresentedKey(HTTPSignatureKeyResolver):
    """The key an agent presents when it enrols: signing with it proves that the agent holds its private half."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self.key = key

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        return self.key


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = SKEW


def authenticate(request: HttpRequest, body: bytes, *, at: datetime) -> SiteAgent:
    """The enrolled agent that signed this request; raises NotAuthentic, and each request counts once."""
    enrolled = _EnrolledKeys()
    checked = verify(request, body, enrolled)
    agent = enrolled.agent
    if agent is None:  # pragma: no cover - a signature that holds was made with somebody's key
        raise NotAuthentic("agent_unknown", _("This agent is not enrolled here."))
    if agent.revoked_at is not None:
        raise NotAuthentic(
            "agent_revoked", _("This agent's key has been revoked. Enrol it again with a new code."), status=403
        )
    _remember(agent, checked, at=at)
    return agent


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
