"""May this person do that here? One question, answered from the one table in `accounts.roles`."""

from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.roles import PORTAL_ROLES, Action, roles_that_may
from portal.kernel.errors import NotAllowed


def may(actor: User, action: Action, *, organisation: Organisation | None = None, site_slug: str = "") -> bool:
    """Whether one of the person's role grants covers the action in this scope.

    A grant counts when its scope is the organisation asked about, the site asked about, or the whole portal.
    """
    allowed = roles_that_may(action)
    # All of a person's grants are few, and the middleware has read them already: no further query inside a request.
    for grant in actor.role_grants.all():
        if grant.role not in allowed:
            continue
        if grant.role in PORTAL_ROLES:
            return True
        if organisation is not None and grant.organisation_id == organisation.pk:
            return True
        if site_slug and grant.site_slug == site_slug:
            return True
    return False


def require(actor: User, action: Action, *, organisation: Organisation | None = None, site_slug: str = "") -> None:
    """Raises NotAllowed unless `may`. Call it in the service, after the row was found visible."""
    if not may(actor, action, organisation=organisation, site_slug=site_slug):
        raise NotAllowed(
            "not_allowed",
            _("Your role does not allow this: %(action)s. Ask an owner to do it or to change your role.")
            % {"action": Action(action).label},
        )


def may_somewhere(actor: User, action: Action) -> bool:
    """Whether the action is the person's in any scope at all: for queues that every site's officers share."""
    allowed = roles_that_may(action)
    return any(grant.role in allowed for grant in actor.role_grants.all())


def require_somewhere(actor: User, action: Action) -> None:
    """Raises NotAllowed unless `may_somewhere`."""
    if not may_somewhere(actor, action):
        raise NotAllowed(
            "not_allowed",
            _("Your role does not allow this: %(action)s. Ask an administrator to change your role.")
            % {"action": Action(action).label},
        )


def forget_grants(person: User) -> None:
    """Call after changing somebody's grants: the next question reads them again."""
    getattr(person, "_prefetched_objects_cache", {}).pop("role_grants", None)
