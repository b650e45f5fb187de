"""The pages that need no other app, and empty rooms under the names of the real ones, to test the frame around them."""

from types import SimpleNamespace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, include, path

from portal.ui.samples import pattern_context
from portal.views import home

ROOMS = {
    "accounts": (
        "aid",
        "audit",
        "notifications",
        "organisation",
        "organisation_create",
        "outbox",
        "profile",
        "switch",
        "team",
    ),
    "catalog": ("models", "sites"),
    "models_hub": ("datasets", "results"),
    "jobs": ("applications", "dashboard", "jobs", "queue", "usage", "wizard_start"),
}


def page(request: HttpRequest, name: str) -> HttpResponse:
    """Any of the refusal pages by its file name."""
    return render(request, f"{name}.html", {"reference": "a1b2c3d4"})


def signed_in(request: HttpRequest) -> HttpResponse:
    """The pattern page as a member of an organisation sees it."""
    request.user = SimpleNamespace(  # type: ignore[assignment]
        is_authenticated=True, email="ana@nordlys.example", get_full_name=lambda: "Ana Lund"
    )
    request.organisation = "Nordlys Textiles ApS"  # type: ignore[attr-defined]
    return render(request, "ui/patterns.html", pattern_context())


def rooms(app: str) -> tuple[list[URLPattern], str]:
    return [path(f"{app}/{name}/", signed_in, name=name) for name in ROOMS[app]], app


urlpatterns = [
    path("", home, name="home"),
    path("page/<str:name>/", page, name="page"),
    path("account/", include("allauth.urls")),
    path("", include("portal.ui.urls")),
    *(path("", include(rooms(app))) for app in ROOMS),
]
handler500 = "portal.ui.views.server_error"
