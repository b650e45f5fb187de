"""Whose duty it is: the helpdesk officers of the sites that give away a State's time, and the administrators."""

from django.db.models import Q, QuerySet

from accounts import site_directory
from accounts.models import User
from accounts.permissions import may, require
from accounts.roles import PORTAL_ROLES, Action, Role, roles_that_may


def states_kept_by(user: User) -> frozenset[str] | None:
    """The States whose register this person keeps; None means every State. Empty: no register at all."""
    return _states(user, Action.KEEP_REGISTER)


def states_seen_by(user: User) -> frozenset[str] | None:
    """The States whose duties this person may look at: those they keep, and for auditors all."""
    if may(user, Action.READ_AID_LEDGER):
        return None
    return _states(user, Action.KEEP_REGISTER)


def _states(user: User, action: Action) -> frozenset[str] | None:
    allowed = roles_that_may(action)
    grants = [grant for grant in user.role_grants.all() if grant.role in allowed]
    if any(grant.role in PORTAL_ROLES for grant in grants):
        return None
    sites = {grant.site_slug for grant in grants if grant.role == Role.HELPDESK}
    return frozenset(one.state for one in site_directory.grantors() if one.site_slug in sites) if sites else frozenset()


def keeps(user: User, state: str) -> bool:
    states = states_kept_by(user)
    return states is None or state in states


def require_keeping(user: User, state: str) -> None:
    """Raises NotAllowed unless the person keeps that State's register."""
    if not keeps(user, state):
        # Asked without a scope, the answer is no and the sentence is the one everybody knows.
        require(user, Action.KEEP_REGISTER)


def officers_of(state: str, authority: str = "") -> "QuerySet[User]":
    """Who is told about that State's duties: officers of the sites of that authority, or of the State when no site
    names the authority; and the administrators."""
    grantors = [one for one in site_directory.grantors() if one.state == state]
    exact = [one.site_slug for one in grantors if authority and one.authority == authority]
    sites = exact or [one.site_slug for one in grantors]
    told = Q(role_grants__role=Role.HELPDESK, role_grants__site_slug__in=sites)
    told |= Q(role_grants__role=Role.ADMINISTRATOR)
    return User.objects.filter(told, is_active=True).distinct().order_by("email")


def all_states() -> list[str]:
    """Every State whose time some site gives away."""
    return sorted({one.state for one in site_directory.grantors()})
