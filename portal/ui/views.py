"""Pages of the design system itself: the living patterns, the choice of appearance and of language."""

import logging
import uuid

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portal.ui.context import THEME_COOKIE, THEMES
from portal.ui.samples import pattern_context

logger = logging.getLogger(__name__)
A_YEAR = 365 * 24 * 3600


def patterns(request: HttpRequest) -> HttpResponse:
    """Every component on one page, from sample data. Only for people who build the portal."""
    if not (settings.DEBUG or settings.EMBEDDED):
        raise Http404
    return render(request, "ui/patterns.html", pattern_context())


def _back(request: HttpRequest) -> HttpResponseRedirect:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(target if safe else "/")


@csrf_exempt  # Only changes how pages look on the reader's own device, and must work on pages without a session.
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remembers light, dark or automatic. Scripts set the same cookie without this round trip."""
    response = _back(request)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=A_YEAR, samesite="Lax", secure=request.is_secure())
    return response


@csrf_exempt  # As above: a language cookie harms nobody.
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remembers the language of a visitor; the profile of a signed-in person goes before it."""
    response = _back(request)
    code = request.POST.get("language", "")
    if code in dict(settings.LANGUAGES) and check_for_language(code):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, code, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
        )
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for an error of ours, with a reference that stands in the log beside the traceback."""
    reference = uuid.uuid4().hex[:8]
    logger.error("server error reference %s on %s", reference, request.path)
    return render(None, "500.html", {"reference": reference}, status=500)
