"""Context for the frame around every page. Everything is lazy: a fragment that draws no frame costs no query."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise, SimpleLazyObject, cached_property
from django.utils.translation import gettext_lazy as _

from portal.ui.navigation import Entry, address, entries
from portal.ui.visitors import Visitor, visitor_of

THEMES = ("light", "dark", "auto")
THEME_COOKIE = "op-theme"

# The frame's own links; those whose page does not exist yet are left out.
LINKS = {
    "dashboard": "jobs:dashboard",
    "organisation": "accounts:organisation",
    "team": "accounts:team",
    "organisation_create": "accounts:organisation_create",
    "switch": "accounts:switch",
    "notifications": "accounts:notifications",
    "profile": "accounts:profile",
    "outbox": "accounts:outbox",
    "aid": "accounts:aid",
    "sign_in": "account_login",
    "sign_up": "account_signup",
    "sign_out": "account_logout",
    "security": "mfa_index",
    "patterns": "ui:patterns",
    "status": "catalog:sites",
    "help": "help",
    "privacy": "privacy",
    "accessibility": "accessibility",
    "theme": "ui:theme",
    "language": "ui:language",
}


# The side navigation of the account pages.
ACCOUNT_ROOMS: tuple[tuple[str, str | Promise], ...] = (
    ("account_email", _("Email addresses")),
    ("account_change_password", _("Password")),
    ("mfa_index", _("Passkeys and second step")),
    ("usersessions_list", _("Where you are signed in")),
    ("accounts:notifications", _("Notifications")),
)


class Frame:
    """What base.html reads. Properties are worked out at most once a request."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        match = getattr(request, "resolver_match", None)
        self.view: str = match.view_name if match else ""
        chosen = request.COOKIES.get(THEME_COOKIE, "auto")
        self.theme: str = chosen if chosen in THEMES else "auto"
        self.embedded: bool = bool(getattr(settings, "EMBEDDED", False))
        self.debug: bool = settings.DEBUG
        self.languages: list[tuple[str, str | Promise]] = list(settings.LANGUAGES)

    @cached_property
    def visitor(self) -> Visitor | None:
        return visitor_of(self._request)

    @cached_property
    def nav(self) -> list[Entry]:
        return entries(self.visitor, self.view)

    @cached_property
    def links(self) -> dict[str, str]:
        links = {name: address(view) for name, view in LINKS.items()}
        if not (self.embedded or self.debug):
            links["outbox"] = links["patterns"] = ""
        return links

    @cached_property
    def account_rooms(self) -> list[Entry]:
        rooms = [(address(view), label, view) for view, label in ACCOUNT_ROOMS]
        return [Entry(url, label, "page" if view == self.view else "") for url, label, view in rooms if url]

    @property
    def path(self) -> str:
        return self._request.get_full_path()


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `frame` for base.html."""
    return {"frame": SimpleLazyObject(lambda: Frame(request))}
