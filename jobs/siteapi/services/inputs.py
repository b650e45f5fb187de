"""Addresses of a job's data that hold for one agent, one attempt and a quarter of an hour."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.models import Attempt, SiteAgent
from jobs.siteapi.services.attempts import attempt_under_lease, input_of
from jobs.states import JOB_FINAL
from models_hub.models import DatasetPart
from models_hub.specs import SPLITS
from portal.kernel.errors import DomainError

LIFE = timedelta(minutes=15)
FEATURE = "signed_inputs"


def input_addresses(attempt: Attempt, *, at: datetime) -> list[dict[str, str]]:
    """`[{"name", "url", "expires_at"}]`, to be called with the agent's own signature."""
    expires = at + LIFE
    return [
        {"name": name, "url": _address(attempt, name, expires), "expires_at": expires.isoformat()}
        for name in (attempt.job.spec["data"][split]["name"] for split in SPLITS)
    ]


def _address(attempt: Attempt, name: str, expires: datetime) -> str:
    token = _signer().sign_object(
        {
            "agent": str(attempt.agent_id),
            "key": attempt.key,
            "lease": _lease(attempt.lease_token),
            "name": name,
            "expires": int(expires.timestamp()),
        }
    )
    return reverse("siteapi:signed_input", args=[token])


def _signer() -> Signer:
    return Signer(salt="jobs.siteapi.inputs", sep=".")


def _lease(token: str) -> str:
    """The lease an address belongs to, without the token itself: addresses end up in logs."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def input_at_address(*, agent: SiteAgent, token: str, at: datetime) -> tuple[DatasetPart, str]:
    """The part of the data behind a signed address, for the agent it was made for, while its lease is in force."""
    try:
        named = _signer().unsign_object(token)
        meant_for_it = named["agent"] == str(agent.pk)
        expires = datetime.fromtimestamp(named["expires"], UTC)
    except (BadSignature, ValueError, KeyError, TypeError):
        meant_for_it = False
    if not meant_for_it:
        raise DomainError(
            "address_unknown", _("This address leads nowhere for your site. Ask for a fresh one."), status=404
        )
    if expires <= at:
        raise DomainError("address_expired", _("This address has expired. Ask for a fresh one."), status=410)
    found = Attempt.objects.filter(agent=agent, key=named["key"]).values_list("lease_token", flat=True).first()
    if found is None or not hmac.compare_digest(_lease(found), named["lease"]):
        raise DomainError("stale_lease", _("This lease is not the one in force. Drop the attempt."))
    return input_of(attempt_under_lease(agent=agent, key=named["key"], token=found), named["name"])


def fresh_inputs(*, agent: SiteAgent, wanted: frozenset[str], at: datetime) -> dict[str, Any]:
    """`{"inputs": {key: […]}}` for those of the agent's own open attempts it asks about; nothing for other agents."""
    if not agent.knows(FEATURE):
        return {}
    held = Attempt.objects.filter(agent=agent, key__in=wanted).exclude(state__in=JOB_FINAL).select_related("job")
    return {"inputs": {attempt.key: input_addresses(attempt, at=at) for attempt in held}}
