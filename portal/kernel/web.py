"""How a rule's refusal reaches a page: forms show it beside the field, everything else as one honest sentence."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from portal.kernel.errors import DomainError


def plain_text(given: str, *, longest: int) -> str:
    """Text from a request that no form field has checked: without zero characters, which no row can hold, and cut."""
    return given.replace("\x00", "").strip()[:longest]


def row_number(given: str) -> int | None:
    """The number of a row named in an address, or None for anything no row can have."""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 18 else None


class DomainErrorMiddleware:
    """Turns a DomainError that no view answered into its page, and a lost database into a 503 that says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, *words: object) -> HttpResponse | None:
        if getattr(view, "answers_machines", False):
            return None  # no page for people; it refuses such an address in its own words
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path_info:
            # No row can hold it, so the database would refuse what no page of ours has sent.
            damaged = DomainError("address_damaged", _("This address is damaged. Open the page from the menu instead."))
            return render(request, "refused.html", {"error": damaged}, status=400)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DomainError):
            template = "403.html" if exception.status == 403 else "refused.html"
            return render(request, template, {"error": exception}, status=exception.status)
        if isinstance(exception, OperationalError | InterfaceError):
            return unavailable()
        return None


def unavailable() -> HttpResponse:
    """A page that needs no database, session or template context: it is shown when the database is away."""
    from django.template.loader import render_to_string

    response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = "10"
    return response
