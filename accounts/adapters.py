"""How allauth's flows meet our people: their name and language, where they go after sign-in, and who is let in."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User


class Named(NamedTuple):
    """What allauth's emails call a site."""

    name: str
    domain: str


# The token of an invitation that was opened before its reader signed in.
INVITATION_KEY = "invitation"


class AccountAdapter(DefaultAccountAdapter):
    """The default flows, with our own person."""

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        user.full_name = form.cleaned_data.get("full_name", "").strip()
        language = get_language()
        if language in dict(settings.LANGUAGES):
            user.language = language
        return super().save_user(request, user, form, commit=commit)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Emails speak of the portal by its name, not by the address it is reached at."""
        name = Named(name=_("Open PaaS"), domain=urlsplit(settings.BASE_URL).netloc)
        super().send_mail(template_prefix, email, {"current_site": name, **context})

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Demonstration accounts have a published password: outside the embedded mode they cannot sign in."""
        if user.is_demonstration and not settings.EMBEDDED:
            raise ImmediateHttpResponse(render(request, "accounts/demonstration_refused.html", status=403))
        return super().pre_login(request, user, **kwargs)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return self._invitation_url(request) or super().get_login_redirect_url(request)

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return self._invitation_url(request) or reverse("accounts:organisation_create")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        return self._invitation_url(self.request) or super().get_email_verification_redirect_url(email_address)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        return redirect("account_inactive")

    def _invitation_url(self, request: HttpRequest) -> str:
        token = request.session.get(INVITATION_KEY)
        return reverse("accounts:invitation", args=[token]) if token else ""
