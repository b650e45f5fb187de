"""The pages of a site for those who look after it: how it is, what it does, and what is open."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages as notices
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import require_somewhere
from accounts.roles import Action
from jobs.metering.reconciliation import recent
from jobs.sites import selectors
from jobs.sites.access import actor_of, frame_of, operated
from jobs.sites.capacity import busy
from jobs.sites.forms import MaintenanceForm
from jobs.sites.services import enter_maintenance
from jobs.sites.wording import message_lines
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError
from portal.ui.navigation import address

PAGE = 30
NEWEST = 8
DAYS_COMPARED = 30


@login_required
@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """Every site this person looks after; administrators also start new ones here."""
    require_somewhere(actor_of(request), Action.OPERATE_SITE)
    rows, known = selectors.site_rows(actor_of(request), at=now())
    return render(request, "jobs/sites/list.html", {"rows": rows, "known": known})


@login_required
@require_safe
def site(request: HttpRequest, slug: str) -> HttpResponse:
    """How the site is now, and what waits for its operator."""
    found, at = operated(request, slug), now()
    agents = selectors.agents_of(found, at=at)
    seen = [row.agent.last_seen_at for row in agents if row.agent.last_seen_at]
    windows = list(selectors.windows_of(found, at=at))
    context = frame_of(found, "operated_site") | {
        "agents": agents,
        "health": selectors.site_health(agents),
        "silent_seconds": selectors.silence(max(seen, default=None), at=at),
        "draining": found.status == found.Status.DRAINING,
        "busy": busy([found], at=at).get(found.pk, []),
        "attempts": selectors.jobs_at(found, unfinished=True)[:NEWEST],
        "waiting": selectors.waiting_at(found),
        "windows": windows,
        "under_way": [window for window in windows if window.starts_at <= at],
        "messages_shown": message_lines(selectors.messages_at(found)[:NEWEST]),
        "discrepancies": selectors.open_discrepancies(actor_of(request)).filter(site=found).count(),
        "overdue": selectors.overdue_removals(at=at).filter(site=found).count(),
        "days": list(recent([found.pk], since=_first_day())[:3]),
        "outages": list(selectors.outages_of(found, at=at)),
    }
    return render(request, "jobs/sites/site.html", context)


@login_required
@require_safe
def jobs(request: HttpRequest, slug: str) -> HttpResponse:
    found = operated(request, slug)
    page = _page(request, selectors.jobs_at(found))
    context = frame_of(found, "operated_jobs") | {"page": page, "waiting": selectors.waiting_at(found)}
    return render(request, "jobs/sites/jobs.html", context)


@login_required
@never_cache
@require_safe
def agents(request: HttpRequest, slug: str) -> HttpResponse:
    found = operated(request, slug)
    return render(request, "jobs/sites/agents.html", agents_context(found))


def agents_context(found: Any) -> dict[str, Any]:
    at = now()
    rows = selectors.agents_of(found, at=at, revoked=True)
    return frame_of(found, "operated_agents") | {
        "agents": [row for row in rows if row.agent.revoked_at is None],
        "revoked": [row for row in rows if row.agent.revoked_at is not None],
        "codes": list(selectors.codes_of(found, at=at)),
        "at": at,
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def maintenance(request: HttpRequest, slug: str) -> HttpResponse:
    """What is announced, by the scheduler or by a person; and a new announcement."""
    found, at = operated(request, slug), now()
    names = [one.name for one in busy([found], at=at).get(found.pk, [])]
    form = MaintenanceForm(request.POST or None, partitions=names)
    if request.method == "POST" and form.is_valid():
        try:
            enter_maintenance(site=found, actor=actor_of(request), at=at, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
        else:
            notices.success(request, _("Announced. Matching takes it into account from now on."))
            return redirect("jobs:operated_maintenance", slug)
    context = frame_of(found, "operated_maintenance") | {
        "form": form,
        "windows": list(selectors.windows_of(found, at=at)),
        "over": list(selectors.windows_of(found, at=at, over=True)[:PAGE]),
        "at": at,
    }
    return render(request, "jobs/sites/maintenance.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def messages(request: HttpRequest, slug: str) -> HttpResponse:
    found = operated(request, slug)
    page = _page(request, selectors.messages_at(found))
    context = frame_of(found, "operated_messages") | {"page": page, "lines": message_lines(page.object_list)}
    return render(request, "jobs/sites/messages.html", context)


@login_required
@require_safe
def accounts(request: HttpRequest, slug: str) -> HttpResponse:
    """The site's book against ours, day by day, and what a person still has to decide."""
    found = operated(request, slug)
    context = frame_of(found, "operated_accounts") | {
        "days": recent([found.pk], since=_first_day()),
        "discrepancies": selectors.open_discrepancies(actor_of(request)).filter(site=found)[:PAGE],
        "discrepancies_url": address("jobs:discrepancies"),
    }
    return render(request, "jobs/sites/accounts.html", context)


@login_required
@require_safe
def removals(request: HttpRequest, slug: str) -> HttpResponse:
    found, at = operated(request, slug), now()
    rows = selectors.removals_at(found).order_by(F("removed_at").desc(nulls_first=True), "-remove_by")
    context = frame_of(found, "operated_removals") | {
        "page": _page(request, rows),
        "at": at,
        "overdue": selectors.overdue_removals(at=at).filter(site=found).count(),
        "all_report": selectors.reports_removal(selectors.agents_of(found, at=at)),
    }
    return render(request, "jobs/sites/removals.html", context)


def _page(request: HttpRequest, rows: Any) -> Any:
    return Paginator(rows, PAGE).get_page(request.GET.get("page"))


def _first_day() -> date:
    return today() - timedelta(days=DAYS_COMPARED)
