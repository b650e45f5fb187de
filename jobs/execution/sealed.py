"""Whether the list of result files is the one its site signed: nobody between run and portal has put in another."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.utils.translation import gettext as _

from jobs.models import AgentKey, Attempt

FEATURE = "manifest_signature"


def objection(*, attempt: Attempt, manifest: bytes) -> str:
    """What is wrong with the signature, as a sentence for people; empty when nothing is, or none was agreed on."""
    if attempt.agent is None or not attempt.agent.knows(FEATURE):
        return ""
    if not attempt.manifest_signature:
        return _(
            "The site did not sign the list of result files, so nobody can say whether it is genuine. "
            "The job was not charged; start it again."
        )
    key = AgentKey.objects.filter(agent=attempt.agent, fingerprint=attempt.manifest_key).first()
    if key is not None and key.revoked_at is not None:
        return _(
            "The site signed the list of result files with a key that has been withdrawn, so it may not be genuine. "
            "The job was not charged; start it again."
        )
    if key is None or not _signed(key.public_key, attempt.manifest_signature, manifest):
        return _(
            "The list of result files is not the one the site signed, so somebody may have changed it. "
            "The job was not charged; start it again."
        )
    return ""


def _signed(public_key: str, signature: str, content: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature, validate=True), content)
    except (ValueError, InvalidSignature):
        return False
    return True
