"""Roles that reach beyond one organisation: helpdesk of a site, administrator, auditor."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import RoleGrant, User
from accounts.permissions import forget_grants, require
from accounts.roles import ORGANISATION_ROLES, SITE_ROLES, Action, Role
from accounts.site_directory import sites
from portal.kernel.errors import DomainError


@transaction.atomic
def grant_portal_role(*, actor: User, user: User, role: str, site_slug: str = "") -> RoleGrant:
    """Gives a person a role for one site or the whole portal; giving it twice changes nothing.

    Raises DomainError: role, site_slug.
    """
    require(actor, Action.MANAGE_ROLES)
    _check_scope(role, site_slug)
    grant, created = RoleGrant.objects.get_or_create(user=user, role=role, organisation=None, site_slug=site_slug)
    if created:
        forget_grants(user)
        audit.record(actor=actor, action="role.granted", target=user, role=role, site=site_slug)
    return grant


@transaction.atomic
def appoint_first_administrator(*, user: User) -> RoleGrant:
    """For the operator of a new installation, who has nobody to ask. Raises DomainError("administrator_exists")."""
    if RoleGrant.objects.filter(role=Role.ADMINISTRATOR, user__is_active=True).exists():
        raise DomainError("administrator_exists", _("There is an administrator already, who can name further ones."))
    grant = RoleGrant.objects.create(user=user, role=Role.ADMINISTRATOR)
    forget_grants(user)
    audit.record(actor=None, action="role.granted", target=user, role=Role.ADMINISTRATOR.value, site="")
    return grant


@transaction.atomic
def revoke_portal_role(*, actor: User, grant: RoleGrant) -> None:
    """Takes such a role back. The last administrator cannot be removed. Raises DomainError("last_administrator")."""
    require(actor, Action.MANAGE_ROLES)
    if grant.role in ORGANISATION_ROLES:
        raise DomainError("role", _("The owners of an organisation decide who works for it."))
    # Everybody who changes administrators waits here, so that the last two cannot remove each other.
    held = RoleGrant.objects.select_for_update().filter(role=Role.ADMINISTRATOR).order_by("pk")
    administrators = list(held.values_list("pk", flat=True))
    if administrators == [grant.pk]:
        raise DomainError("last_administrator", _("The portal needs an administrator. Name another one first."))
    deleted, _rows = RoleGrant.objects.filter(pk=grant.pk).delete()
    if deleted:
        forget_grants(grant.user)
        audit.record(actor=actor, action="role.revoked", target=grant.user, role=grant.role, site=grant.site_slug)


def _check_scope(role: str, site_slug: str) -> None:
    if role not in Role.values or role in ORGANISATION_ROLES:
        raise DomainError("role", _("Choose helpdesk officer, site operator, administrator or auditor."), field="role")
    known = dict(sites())
    if role in SITE_ROLES and known and site_slug and site_slug not in known:
        raise DomainError("site_slug", _("There is no such site."), field="site_slug")
    if (role in SITE_ROLES) != bool(site_slug):
        sentence = (
            _("Helpdesk officers and site operators work for one site: choose it.")
            if role in SITE_ROLES
            else _("Only helpdesk officers and site operators belong to a site; leave the site empty.")
        )
        raise DomainError("site_slug", sentence, field="site_slug")
