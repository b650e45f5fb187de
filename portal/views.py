"""Pages of the portal as a whole: the landing page, health, and refusals Django itself makes."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render


def home(request: HttpRequest) -> HttpResponse:
    """The landing page for visitors; people who are signed in go to their dashboard."""
    if request.user.is_authenticated:
        return redirect("jobs:dashboard")
    return render(request, "home.html")


def privacy(request: HttpRequest) -> HttpResponse:
    """What is kept about people, why, how long, and what they can do (GDPR Articles 13 and 14)."""
    return render(request, "privacy.html", {"embedded": settings.EMBEDDED})


def accessibility(request: HttpRequest) -> HttpResponse:
    """The accessibility statement: target, how it is tested, what is not known, how to report a barrier."""
    return render(request, "accessibility.html")


def guide(request: HttpRequest) -> HttpResponse:
    """Short answers to what people ask first."""
    return render(request, "help.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def health(request: HttpRequest) -> JsonResponse:
    """Answers 200 when the portal can serve pages, for load balancers and the embedded supervisor."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok", "embedded": settings.EMBEDDED})
