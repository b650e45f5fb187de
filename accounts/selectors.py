"""Questions about people that several pages ask. Reading only; each costs one query."""

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Evidence, Organisation, SmeAssessment, User
from accounts.permissions import may_somewhere
from accounts.roles import Action, Role

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


def statements_for_review() -> QuerySet[SmeAssessment]:
    """Every company's latest statement that asks for a person, decided or not; earlier ones are the company's own."""
    newer = SmeAssessment.objects.filter(organisation=OuterRef("organisation"), created_at__gt=OuterRef("created_at"))
    asking = SmeAssessment.objects.filter(size_class=SmeAssessment.SizeClass.REVIEW).exclude(Exists(newer))
    return asking.select_related("organisation", "declared_by")


def statements_visible_to(user: User) -> QuerySet[SmeAssessment]:
    """A person's own organisations' statements; for any officer also those that ask for a person, and no others."""
    own = Q(organisation__in=Organisation.objects.visible_to(user).values("pk"))
    if may_somewhere(user, Action.REVIEW_SIZE):
        own |= Q(pk__in=statements_for_review().values("pk"))
    return SmeAssessment.objects.filter(own).select_related("organisation", "declared_by")


def evidence_visible_to(user: User) -> QuerySet[Evidence]:
    """The papers of a person's own organisations; for an officer also those of the statements to review."""
    own = Q(organisation__in=Organisation.objects.visible_to(user).values("pk"))
    if may_somewhere(user, Action.REVIEW_SIZE):
        own |= Q(assessment__in=statements_for_review().values("pk"))
    return Evidence.objects.filter(own)
