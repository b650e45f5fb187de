"""Writing and reading the audit record. Every decision and administrative act calls `record` in its own transaction."""

from typing import Any

from django.db import models, transaction

from accounts.models import AuditEvent, Organisation, User


def record(
    *,
    actor: User | None,
    action: str,
    target: models.Model,
    organisation: Organisation | None = None,
    **data: Any,
) -> AuditEvent:
    """Appends one event. Must be called inside the transaction of the change it describes.

    `actor` None means the portal itself (a policy or a sweep). `data` holds JSON values and ids, no personal data.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("audit.record needs the transaction of the change it records")
    return AuditEvent.objects.create(
        actor=actor,
        actor_label="person" if actor else "policy",
        action=action,
        organisation_id=organisation.pk if organisation else None,
        target_type=target._meta.label_lower,
        target_id=str(target.pk),
        data=data,
    )
