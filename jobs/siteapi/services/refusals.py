"""What somebody who means well does not send is written into the audit record, and nothing else changes by it."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts import audit
from accounts.models import AuditEvent
from jobs.models import SiteAgent

ACTION = "site.request_refused"
# The same refusal of the same agent is written down once in this time: a loop at a site must not fill the record.
ONCE_IN = timedelta(hours=1)
_SUSPICIOUS = frozenset(
    {
        "agent_revoked",
        "address_unknown",
        "artefact_path",
        "attempt_unknown",
        "body_too_large",
        "digest_mismatch",
        "input_unknown",
        "key_known",
        "key_proof_invalid",
        "key_revoked",
        "key_superseded",
        "key_unknown",
        "replayed",
        "signature_invalid",
        "signature_too_narrow",
        "stale_epoch",
        "stale_lease",
        "too_many_keys",
    }
)


def suspicious(code: str) -> bool:
    return code in _SUSPICIOUS


@transaction.atomic
def write_down_refusal(*, agent: SiteAgent, call: str, code: str, at: datetime) -> None:
    """`agent` is whom the request claims to come from; `call` its method and path, without what a caller chose."""
    known = AuditEvent.objects.filter(
        action=ACTION, target_id=str(agent.pk), at__gt=at - ONCE_IN, data__code=code, data__call=call
    )
    if not known.exists():
        audit.record(actor=None, action=ACTION, target=agent, site=agent.site.slug, code=code, call=call)
