"""A person's right to take their data along and to go. Records of public support stay, without their name.

Aid records are kept for ten years from the grant (`accounts.retained` says which, and why). So the row of the person
stays as an empty shell that signatures point to, while name, address, sign-in, roles, notices and invitations are
removed. Where nobody else works for a company, what it had not signed yet goes too. Apps above add their part with
`register`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, retained
from accounts.models import (
    AuditEvent,
    Invitation,
    Organisation,
    OutboxMessage,
    RoleGrant,
    User,
)
from accounts.permissions import forget_grants
from accounts.roles import Role
from portal.kernel.errors import DomainError


@dataclass(frozen=True)
class Part:
    """What another app holds about people: `export` gives JSON values, `erase` removes or blanks it."""

    name: str
    export: Callable[[User], Any]
    erase: Callable[[User], None]


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Called once for each part, from the AppConfig of the app that holds it."""
    _parts[part.name] = part


def export_person(person: User) -> dict[str, Any]:
    """Everything kept about the person, as JSON values."""
    return {
        "person": {
            "id": str(person.pk),
            "email": person.email,
            "name": person.full_name,
            "language": person.language,
            "time_zone": person.time_zone,
            "joined": person.date_joined.isoformat(),
            "last_sign_in": person.last_login.isoformat() if person.last_login else None,
        },
        "email_addresses": list(EmailAddress.objects.filter(user=person).values("email", "verified", "primary")),
        "sign_in_methods": [
            {"type": one.type, "created": one.created_at.isoformat()}
            for one in Authenticator.objects.filter(user=person)
        ],
        "roles": [
            {
                "role": grant.role,
                "organisation": str(grant.organisation or "") or None,
                "site": grant.site_slug or None,
                "since": grant.created_at.isoformat(),
            }
            for grant in person.role_grants.select_related("organisation")
        ],
        "sessions": [
            {"ip": one.ip, "browser": one.user_agent, "since": one.created_at.isoformat()}
            for one in UserSession.objects.filter(user=person)
        ],
        "notices": [
            {"at": one.created_at.isoformat(), "title": one.title, "body": one.body}
            for one in person.notifications.all()
        ],
        **retained.export_signed(person),
        "recorded_acts": [
            {"at": one.at.isoformat(), "action": one.action, "target": f"{one.target_type} {one.target_id}"}
            for one in AuditEvent.objects.filter(actor_id=person.pk)
        ],
        **{part.name: part.export(person) for part in _parts.values()},
    }


def reason_to_stay(person: User) -> str:
    """Why the account cannot be deleted now, in one sentence with the next step; "" when it can."""
    if left_alone := _organisations_left_without_owner(person):
        return _("You are the last owner of %(name)s, and others work for it. Make one of them an owner first.") % {
            "name": left_alone[0]
        }
    administrators = RoleGrant.objects.filter(role=Role.ADMINISTRATOR, user__is_active=True)
    if administrators.filter(user=person).exists() and not administrators.exclude(user=person).exists():
        return _("You are the only administrator of this portal. Name another one first.")
    return ""


@transaction.atomic
def erase_person(*, actor: User | None, person: User, at: datetime) -> None:
    """Erases a person: at their own wish, or by the portal itself (`actor` None). Twice does nothing more.

    Raises DomainError("cannot_leave") when an organisation or the portal would be left without anybody in charge.
    """
    # Whoever changes the teams this person belongs to waits here, in the order every team change uses.
    theirs = RoleGrant.objects.filter(user=person, organisation__isnull=False).values("organisation")
    list(Organisation.objects.select_for_update().filter(pk__in=theirs).order_by("pk"))
    if actor is not None and (sentence := reason_to_stay(person)):
        raise DomainError("cannot_leave", sentence)
    address = person.email
    retained.forget_working_papers(person)
    for part in _parts.values():
        part.erase(person)
    person.role_grants.all().delete()
    person.notifications.all().delete()
    EmailAddress.objects.filter(user=person).delete()
    Authenticator.objects.filter(user=person).delete()
    Invitation.objects.filter(email=address).delete()
    OutboxMessage.objects.filter(to__icontains=address).delete()
    for session in UserSession.objects.filter(user=person):
        session.end()
    person.email, person.full_name = f"erased-{person.pk}@erased.invalid", ""
    person.is_active, person.current_organisation = False, None
    person.set_unusable_password()
    person.save()
    forget_grants(person)
    audit.record(actor=actor, action="person.erased", target=person, at=at.isoformat())


def _organisations_left_without_owner(person: User) -> list[Organisation]:
    """Organisations with further people whose only owner is this person."""
    owned = Organisation.objects.filter(role_grants__user=person, role_grants__role=Role.OWNER)
    return [
        organisation
        for organisation in owned.distinct()
        if organisation.role_grants.exclude(user=person).exists()
        and not organisation.role_grants.filter(role=Role.OWNER, user__is_active=True).exclude(user=person).exists()
    ]
