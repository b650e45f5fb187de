"""Sites that fall silent and come back. Their operators are told once of each."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.roles import Role
from accounts.services import notify
from catalog.models import Site
from jobs.matching.health import UNREACHABLE_AFTER
from jobs.models import SiteAgent, SiteOutage
from jobs.siteapi.services import prune_messages
from jobs.sites.selectors import silent_sites

_BATCH = 100


def watch_sites(*, at: datetime, listening_since: datetime) -> dict[str, int]:
    """Notes outages that begin and end; running it twice tells nobody twice. Returns how many of each.

    Nobody can be called silent while the portal itself was away: silence counts from `listening_since` on at the
    earliest.
    """
    ended = [_ended(outage, at) for outage in SiteOutage.objects.filter(ended_at__isnull=True).select_related("site")]
    begun = []
    if at - listening_since > UNREACHABLE_AFTER:
        begun = [_begun(site, at) for site in silent_sites(at=at, since=at - UNREACHABLE_AFTER)[:_BATCH]]
    return {"back": sum(ended), "silent": sum(begun), "pruned": prune_messages()}


def operators_of(site: Site) -> Iterable[User]:
    """Who is told: the operators of the site; the administrators where it has none."""
    people = User.objects.filter(is_active=True).distinct()
    own = people.filter(role_grants__role=Role.OPERATOR, role_grants__site_slug=site.slug)
    return own if own.exists() else people.filter(role_grants__role=Role.ADMINISTRATOR)


def _last_seen(site: Site) -> datetime | None:
    agents = SiteAgent.objects.filter(site=site, revoked_at__isnull=True)
    seen: datetime | None = agents.aggregate(seen=Max("last_seen_at"))["seen"]
    return seen


@transaction.atomic
def _begun(site: Site, at: datetime) -> bool:
    since = _last_seen(site)
    if since is None or at - since <= UNREACHABLE_AFTER:
        return False
    try:
        with transaction.atomic():
            outage = SiteOutage.objects.create(site=site, since=since, noticed_at=at)
    except IntegrityError:
        return False  # another worker has noticed it
    audit.record(actor=None, action="site.unreachable", target=outage, site=site.slug, since=since.isoformat())
    for person in operators_of(site):
        with translation.override(person.language or None):
            when = date_format(localtime(since), "SHORT_DATETIME_FORMAT")
            notify(
                user=person,
                kind="site_unreachable",
                title=_("%(site)s cannot be reached") % {"site": site.name},
                body=_(
                    "Nothing has been heard from its agent since %(when)s. New work goes elsewhere; what runs there is "
                    "neither failed nor charged until the site answers. Look whether the agent runs and reaches the "
                    "portal: open-paas-agent doctor."
                )
                % {"when": when},
                path=reverse("jobs:operated_site", args=[site.slug]),
                email=True,
            )
    return True


@transaction.atomic
def _ended(outage: SiteOutage, at: datetime) -> bool:
    seen = _last_seen(outage.site)
    if seen is None:  # every agent was revoked meanwhile: there is nobody left to wait for
        SiteOutage.objects.filter(pk=outage.pk, ended_at__isnull=True).update(ended_at=at)
        return False
    if at - seen > UNREACHABLE_AFTER or seen <= outage.since:
        return False
    if not SiteOutage.objects.filter(pk=outage.pk, ended_at__isnull=True).update(ended_at=seen):
        return False
    audit.record(actor=None, action="site.back", target=outage, site=outage.site.slug)
    for person in operators_of(outage.site):
        with translation.override(person.language or None):
            minutes = max(1, round((seen - outage.since).total_seconds() / 60))
            notify(
                user=person,
                kind="site_back",
                title=_("%(site)s answers again") % {"site": outage.site.name},
                body=_("It was silent for %(minutes)d minutes. What it held goes on where it was.")
                % {"minutes": minutes},
                path=reverse("jobs:operated_site", args=[outage.site.slug]),
                email=True,
            )
    return True
