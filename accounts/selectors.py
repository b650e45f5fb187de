"""Questions about people that several pages ask. Reading only; each costs one query."""

from allauth.mfa.models import Authenticator
from django.db.models import Q, QuerySet

from accounts.models import Organisation, User
from accounts.roles import Role

SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def unread_count(user: User) -> int:
    """How many notices the person has not opened."""
    return user.notifications.filter(read_at=None).count()


def has_second_factor(user: User) -> bool:
    """Whether the person signs in with a passkey, a security key or one-time codes. Free where the middleware knows."""
    for grant in getattr(user, "_prefetched_objects_cache", {}).get("role_grants", ()):
        if hasattr(grant, "has_second_factor"):
            return bool(grant.has_second_factor)
    return Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exists()


def people_of(organisation: Organisation) -> QuerySet[User]:
    """Everybody who works for the organisation."""
    return User.objects.filter(role_grants__organisation=organisation, is_active=True).distinct()


def owners_of(organisation: Organisation) -> QuerySet[User]:
    return User.objects.filter(
        role_grants__organisation=organisation, role_grants__role=Role.OWNER, is_active=True
    ).distinct()


def helpdesk_of(site_slug: str) -> QuerySet[User]:
    """The officers who decide requests for that site."""
    return User.objects.filter(
        Q(role_grants__role=Role.HELPDESK, role_grants__site_slug=site_slug), is_active=True
    ).distinct()
