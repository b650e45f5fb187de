"""What administrators enter as law: parameters, which are never edited, and schemes, whose every change is recorded."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidScheme, LegalParameter, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid import regimes
from accounts.state_aid.parameters import KEYS, Fault, checked_scope
from portal.kernel.errors import DomainError

# What a scheme was when aid was granted on it must stay readable: these no longer change once it carries an award.
FROZEN = ("basis", "law_version", "state", "authority", "category", "region", "published_on")


@transaction.atomic
def enter_parameter(
    *,
    key: str,
    value: Mapping[str, Any],
    valid_from: date,
    source: str,
    actor: User,
    state: str = "",
    valid_to: date | None = None,
) -> LegalParameter:
    """Appends one dated fact of law. Of rows for the same day the newest counts, so a correction is another row.

    Raises DomainError: unknown_key, source (an auditor must be able to look it up), valid_to, or "value" with the
    faulty part as its field.
    """
    require(actor, Action.MANAGE_LAW)
    known = KEYS.get(key)
    if known is None:
        raise DomainError("unknown_key", _("There is no such parameter."), status=404)
    if len(source.strip()) < 5:
        raise DomainError("source", _("Say where it is published: the act, the notice, or an address."), field="source")
    if valid_to is not None and valid_to < valid_from:
        raise DomainError("valid_to", _("The last day lies before the first."), field="valid_to")
    try:
        scope = checked_scope(known, state)
        checked = known.check(value)
    except Fault as fault:
        raise DomainError("value", fault.sentence, field=fault.field) from None
    row = LegalParameter.objects.create(
        key=key,
        state=scope,
        value=checked,
        valid_from=valid_from,
        valid_to=valid_to,
        source=source.strip(),
        entered_by=actor,
    )
    audit.record(actor=actor, action="law.entered", target=row, key=key, state=scope, valid_from=valid_from.isoformat())
    return row


@transaction.atomic
def save_scheme(*, scheme: AidScheme, actor: User, on: date) -> bool:
    """Saves a new or edited scheme and records which fields changed. False when nothing did.

    Raises DomainError: scheme_basis, scheme_published (publication must not lie after the first day of the offer),
    scheme_days, scheme_frozen (awards rest on it: end it and add a new one).
    """
    require(actor, Action.MANAGE_LAW)
    _check_scheme(scheme)
    before = AidScheme.objects.select_for_update().filter(pk=scheme.pk).first()
    names = [field.name for field in AidScheme._meta.concrete_fields if field.name not in ("id", "created_at")]
    changed = [name for name in names if before is None or getattr(before, name) != getattr(scheme, name)]
    if before is not None:
        frozen = [name for name in changed if name in FROZEN]
        if frozen and before.awards.exists():
            raise DomainError(
                "scheme_frozen",
                _("Awards rest on this scheme, so this can no longer change. End it and add a new one."),
                field=frozen[0],
            )
    if not changed:
        return False
    scheme.save()
    audit.record(
        actor=actor,
        action="law.scheme_changed" if before else "law.scheme_added",
        target=scheme,
        code=scheme.code,
        on=on.isoformat(),
        changes={name: [_said(before, name), _said(scheme, name)] for name in changed} if before else {},
    )
    return True


def _check_scheme(scheme: AidScheme) -> None:
    if scheme.basis not in {law.code for law in regimes.BUILT_IN}:
        raise DomainError("scheme_basis", _("Choose the regulation the scheme rests on."), field="basis")
    if scheme.valid_to is not None and scheme.valid_to < scheme.valid_from:
        raise DomainError("scheme_days", _("The last day lies before the first."), field="valid_to")
    if scheme.published_on is not None and scheme.published_on > scheme.valid_from:
        raise DomainError(
            "scheme_published",
            _("It must be published before it is offered: choose a later first day, or an earlier day of publication."),
            field="published_on",
        )


def _said(scheme: AidScheme | None, name: str) -> str:
    return "" if scheme is None else str(getattr(scheme, name) or "")
