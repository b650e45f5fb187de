"""Who is here: the organisation they work for, their language and time zone, and the second factor some roles need."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, Prefetch, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Organisation, RoleGrant, User
from accounts.roles import Role
from accounts.selectors import SECOND_FACTORS
from portal.kernel.web import unavailable

GetResponse = Callable[[HttpRequest], HttpResponse]
ROLES_WITH_SECOND_FACTOR = frozenset({Role.HELPDESK, Role.OPERATOR, Role.ADMINISTRATOR})
# Where somebody without a second factor may still go: to set one up, to sign out, to read static files.
OPEN_PATHS = ("/account/", "/static/", "/language/", "/appearance/", "/healthz")


class CurrentOrganisationMiddleware:
    """Reads the person's roles once a request and sets `request.organisation`: the one chosen last, else the only one.

    Also speaks the person's language and time zone. The roles stay on the user, so that permission checks and the
    navigation ask the database nothing more.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.organisation = None  # type: ignore[attr-defined]
        try:
            if not request.user.is_authenticated:
                return self.get_response(request)
            if request.user.is_demonstration and not settings.EMBEDDED:
                logout(request)
                return self.get_response(request)
            user = read_grants(request.user)
        except (OperationalError, InterfaceError):
            return unavailable()
        request.organisation = current_organisation(user)  # type: ignore[attr-defined]
        _speak_as(user, request)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()


class SecondFactorMiddleware:
    """Sends helpdesk officers and administrators without a second factor to set one up, and lets them do nothing else.

    Demonstration accounts of the embedded mode are left alone; the portal refuses to start elsewhere while they exist.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated and not request.path.startswith(OPEN_PATHS) and lacks_second_factor(user):
            messages.warning(
                request, _("Your role needs a second step at sign-in. Add a passkey or a code app, then go on.")
            )
            return redirect("mfa_index")
        return self.get_response(request)


def read_grants(user: User) -> User:
    """Loads the person's grants with their organisations in one query, kept on the user for this request."""
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=SECOND_FACTORS)
    grants = RoleGrant.objects.select_related("organisation").annotate(has_second_factor=Exists(factors))
    prefetch_related_objects([user], Prefetch("role_grants", queryset=grants.order_by("created_at", "pk")))
    return user


def current_organisation(user: User) -> Organisation | None:
    """The organisation chosen last if the person still works there, else the only one they work for, else None."""
    theirs = {grant.organisation_id: grant.organisation for grant in user.role_grants.all() if grant.organisation}
    if user.current_organisation_id in theirs:
        return theirs[user.current_organisation_id]
    return next(iter(theirs.values())) if len(theirs) == 1 else None


def lacks_second_factor(user: User) -> bool:
    """Whether the person holds a role that needs a second factor and has none. Reads what `read_grants` loaded."""
    if settings.EMBEDDED and user.is_demonstration:
        return False
    bound = [grant for grant in user.role_grants.all() if grant.role in ROLES_WITH_SECOND_FACTOR]
    return bool(bound) and not getattr(bound[0], "has_second_factor", False)


def _speak_as(user: User, request: HttpRequest) -> None:
    if user.language in dict(settings.LANGUAGES):
        translation.activate(user.language)
        request.LANGUAGE_CODE = user.language
    try:
        timezone.activate(ZoneInfo(user.time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        timezone.deactivate()
