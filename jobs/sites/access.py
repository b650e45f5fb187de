"""Who stands before the operators' pages, and the frame that all pages of one site share."""

from typing import Any, cast

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.models import Site
from jobs.sites.selectors import sites_of


def actor_of(request: HttpRequest) -> User:
    """The person; only for pages behind a sign-in."""
    return cast(User, request.user)


def operated(request: HttpRequest, slug: str) -> Site:
    """A site this person looks after, or 404."""
    site = sites_of(actor_of(request)).filter(slug=slug).first()
    if site is None:
        raise Http404
    return site


def frame_of(site: Site, current: str) -> dict[str, Any]:
    """The site and its pages, with the one that is open."""
    rooms = (
        ("operated_site", _("Overview")),
        ("operated_jobs", _("Jobs")),
        ("operated_agents", _("Agents and keys")),
        ("operated_maintenance", _("Maintenance")),
        ("operated_messages", _("Messages")),
        ("operated_accounts", _("Accounts compared")),
        ("operated_removals", _("Removal of data")),
    )
    tabs = [
        {"url": reverse(f"jobs:{name}", args=[site.slug]), "label": label, "current": name == current}
        for name, label in rooms
    ]
    return {"site": site, "tabs": tabs}
