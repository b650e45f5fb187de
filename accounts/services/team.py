"""Who works for an organisation: invitations, roles, leaving."""

import hashlib
import logging
import secrets
from datetime import datetime, timedelta
from smtplib import SMTPException

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Invitation, Organisation, RoleGrant, User
from accounts.permissions import forget_grants, require
from accounts.roles import ORGANISATION_ROLES, Action, Role
from portal.kernel.errors import DomainError

logger = logging.getLogger(__name__)
INVITATION_DAYS = 14
OPEN_INVITATIONS = 100


@transaction.atomic
def invite(*, actor: User, organisation: Organisation, email: str, role: str, at: datetime) -> tuple[Invitation, str]:
    """Offers somebody a place in the team and sends the link; returns the invitation and its one-time token.

    Only a hash of the token is stored. An open invitation of the same address is replaced, so that a double click
    leaves one that works. Raises DomainError: role, already_member, too_many_invitations.
    """
    require(actor, Action.MANAGE_TEAM, organisation=organisation)
    address = email.strip().lower()
    _check_role(role)
    _lock(organisation)
    if RoleGrant.objects.filter(organisation=organisation, user__email=address).exists():
        raise DomainError("already_member", _("This person already works for the organisation."), field="email")
    still_open = open_invitations(organisation, at)
    still_open.filter(email=address).update(revoked_at=at)
    if still_open.count() >= OPEN_INVITATIONS:
        raise DomainError(
            "too_many_invitations",
            _("There are %(count)d open invitations. Withdraw some first.") % {"count": OPEN_INVITATIONS},
        )
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organisation=organisation,
        email=address,
        role=role,
        token_sha256=_digest(token),
        invited_by=actor,
        expires_at=at + timedelta(days=INVITATION_DAYS),
    )
    audit.record(
        actor=actor,
        action="team.invited",
        target=invitation,
        organisation=organisation,
        role=role,
    )
    transaction.on_commit(lambda: _send(invitation, token))
    return invitation, token


def open_invitations(organisation: Organisation, at: datetime) -> QuerySet[Invitation]:
    """Invitations that can still be accepted."""
    return Invitation.objects.filter(
        organisation=organisation, accepted_at=None, revoked_at=None, expires_at__gt=at
    ).order_by("-created_at")


def find_invitation(*, token: str, at: datetime) -> Invitation | None:
    """The open invitation of that token, or None when it was used, withdrawn, has expired or never was."""
    return (
        Invitation.objects.select_related("organisation", "invited_by")
        .filter(token_sha256=_digest(token), accepted_at=None, revoked_at=None, expires_at__gt=at)
        .first()
    )


@transaction.atomic
def accept_invitation(*, actor: User, token: str, at: datetime) -> RoleGrant:
    """Redeems an invitation, once, for the person who owns its address: a verified one of theirs.

    Clicking twice gives the same result twice. Raises DomainError: invitation_gone, invitation_for_somebody_else.
    """
    gone = DomainError(
        "invitation_gone",
        _("This invitation was used, withdrawn or has expired. Ask the person who invited you for a new one."),
        status=404,
    )
    found = Invitation.objects.select_related("organisation").filter(token_sha256=_digest(token)).first()
    if found is None:
        raise gone
    if not EmailAddress.objects.filter(user=actor, email__iexact=found.email, verified=True).exists():
        raise DomainError(
            "invitation_for_somebody_else",
            _("This invitation is for another email address. Sign in with the address it was sent to."),
            status=403,
        )
    organisation = found.organisation
    _lock(organisation)
    invitation = Invitation.objects.select_for_update().get(pk=found.pk)
    existing = RoleGrant.objects.filter(user=actor, organisation=organisation).first()
    if invitation.accepted_at is not None and existing is not None:
        return existing
    if invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= at:
        raise gone
    invitation.accepted_at = at
    invitation.save(update_fields=["accepted_at"])
    grant = existing or RoleGrant.objects.create(user=actor, organisation=organisation, role=invitation.role)
    User.objects.filter(pk=actor.pk).update(current_organisation=organisation)
    actor.current_organisation = organisation
    forget_grants(actor)
    audit.record(actor=actor, action="team.joined", target=invitation, organisation=organisation, role=grant.role)
    return grant


@transaction.atomic
def revoke_invitation(*, actor: User, invitation: Invitation, at: datetime) -> None:
    """Withdraws an invitation that nobody accepted yet; otherwise nothing changes."""
    require(actor, Action.MANAGE_TEAM, organisation=invitation.organisation)
    changed = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(revoked_at=at)
    if changed:
        audit.record(
            actor=actor, action="team.invitation_withdrawn", target=invitation, organisation=invitation.organisation
        )


@transaction.atomic
def change_role(*, actor: User, organisation: Organisation, person: User, role: str) -> RoleGrant:
    """Makes a person owner or member. The last owner stays one. Raises DomainError: role, not_in_team, last_owner."""
    require(actor, Action.MANAGE_TEAM, organisation=organisation)
    _check_role(role)
    _lock(organisation)
    grant = _grant_of(organisation, person)
    if grant.role == role:
        return grant
    if grant.role == Role.OWNER:
        _keep_one_owner(organisation, leaving=person)
    before = grant.role
    grant.role = role
    grant.save(update_fields=["role"])
    forget_grants(person)
    audit.record(
        actor=actor, action="team.role_changed", target=person, organisation=organisation, before=before, after=role
    )
    return grant


@transaction.atomic
def remove_person(*, actor: User, organisation: Organisation, person: User) -> None:
    """Ends a person's work for the organisation; people may always remove themselves. The last owner cannot go.

    Raises DomainError: not_in_team, last_owner.
    """
    if actor.pk != person.pk:
        require(actor, Action.MANAGE_TEAM, organisation=organisation)
    _lock(organisation)
    grant = _grant_of(organisation, person)
    if grant.role == Role.OWNER:
        _keep_one_owner(organisation, leaving=person)
    RoleGrant.objects.filter(organisation=organisation, user=person).delete()
    User.objects.filter(pk=person.pk, current_organisation=organisation).update(current_organisation=None)
    forget_grants(person)
    audit.record(actor=actor, action="team.removed", target=person, organisation=organisation, role=grant.role)


def _lock(organisation: Organisation) -> None:
    """Whoever changes a team waits here, so that two owners cannot remove each other at once."""
    Organisation.objects.select_for_update().only("pk").get(pk=organisation.pk)


def _grant_of(organisation: Organisation, person: User) -> RoleGrant:
    grant = RoleGrant.objects.filter(organisation=organisation, user=person).first()
    if grant is None:
        raise DomainError("not_in_team", _("This person does not work for the organisation."), status=404)
    return grant


def _keep_one_owner(organisation: Organisation, *, leaving: User) -> None:
    owners = RoleGrant.objects.filter(organisation=organisation, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(user=leaving).exists():
        raise DomainError("last_owner", _("An organisation needs an owner. Make somebody else an owner first."))


def _check_role(role: str) -> None:
    if role not in ORGANISATION_ROLES:
        raise DomainError("role", _("Choose owner or member."), field="role")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _send(invitation: Invitation, token: str) -> None:
    """After the commit. A mail server that is away does no harm: the owner's page shows the link as well."""
    link = settings.BASE_URL.rstrip("/") + reverse("accounts:invitation", args=[token])
    context = {"invitation": invitation, "organisation": invitation.organisation, "link": link}
    subject = _("%(organisation)s invites you to Open PaaS") % {"organisation": invitation.organisation}
    try:
        send_mail(
            " ".join(subject.split()),
            render_to_string("accounts/email/invitation.txt", context),
            settings.DEFAULT_FROM_EMAIL,
            [invitation.email],
        )
    except (OSError, SMTPException):
        logger.warning("The invitation %s could not be sent by e-mail.", invitation.pk, exc_info=True)
