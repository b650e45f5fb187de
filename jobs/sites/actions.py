"""What operators change: drain, codes, agents, keys, maintenance, a removal confirmed by hand."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from jobs.models import AgentKey, Attempt, EnrolmentCode, MaintenanceWindow, SiteAgent
from jobs.siteapi.services import ask_for_new_key, create_enrolment_code, revoke_agent, revoke_key
from jobs.siteapi.services.enrolment import CODE_LIFE
from jobs.sites import services
from jobs.sites.access import actor_of, frame_of, operated
from jobs.sites.forms import ConfirmRemovalForm, ReplaceKeyForm
from jobs.sites.views import agents_context
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError


@login_required
@require_POST
def drain(request: HttpRequest, slug: str) -> HttpResponse:
    site, on = operated(request, slug), request.POST.get("on") == "1"
    words = (
        _("The site takes no new work. What runs goes on.") if on else _("The site takes work again."),
        _("Nothing changed."),
    )
    try:
        changed = services.set_drain(site=site, on=on, actor=actor_of(request))
        messages.success(request, words[0] if changed else words[1])
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    return redirect("jobs:operated_site", slug)


@login_required
@never_cache
@require_POST
def code(request: HttpRequest, slug: str) -> HttpResponse:
    """A new code, shown in this answer and never again: only its hash is kept."""
    site = operated(request, slug)
    made = create_enrolment_code(site=site, actor=actor_of(request), at=now())
    context = agents_context(site) | {"code": made, "portal_url": request.build_absolute_uri("/")[:-1]}
    return render(request, "jobs/sites/agents.html", context | {"code_hours": int(CODE_LIFE / timedelta(hours=1))})


@login_required
@require_POST
def code_withdraw(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    row = get_object_or_404(EnrolmentCode.objects.select_related("site"), pk=number, site=operated(request, slug))
    services.withdraw_code(code=row, actor=actor_of(request), at=now())
    messages.success(request, _("Withdrawn. Nobody can enrol with this code."))
    return redirect("jobs:operated_agents", slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def agent_revoke(request: HttpRequest, slug: str, agent: UUID) -> HttpResponse:
    site = operated(request, slug)
    row = get_object_or_404(SiteAgent.objects.select_related("site"), pk=agent, site=site, revoked_at__isnull=True)

    def revoke() -> None:
        revoke_agent(agent=row, actor=actor_of(request), at=now())

    return _confirmed(request, site, revoke, _("Revoked. Nothing this agent says counts any more."), agent=row)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def key_revoke(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    site = operated(request, slug)
    keys = AgentKey.objects.select_related("agent__site")
    row = get_object_or_404(keys, pk=number, agent__site=site, revoked_at__isnull=True)

    def revoke() -> None:
        revoke_key(key=row, actor=actor_of(request), at=now())

    others = row.agent.keys.filter(revoked_at__isnull=True).exclude(pk=row.pk)
    last = not any(one.not_after is None or one.not_after > now() for one in others)
    words = _("Revoked. Nothing signed with this key is accepted any more.")
    return _confirmed(request, site, revoke, words, key=row, agent=row.agent, last=last)


def _confirmed(request: HttpRequest, site: Any, act: Callable[[], None], words: str, **about: Any) -> HttpResponse:
    """Asks once more, then does what cannot be undone."""
    if request.method == "POST":
        try:
            act()
            messages.success(request, words)
        except DomainError as refusal:
            messages.error(request, refusal.sentence)
        return redirect("jobs:operated_agents", site.slug)
    return render(request, "jobs/sites/revoke.html", {"site": site, **about})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def key_replace(request: HttpRequest, slug: str, agent: UUID) -> HttpResponse:
    """Sets the day by which the agent has replaced its key."""
    site = operated(request, slug)
    row = get_object_or_404(SiteAgent.objects.select_related("site"), pk=agent, site=site, revoked_at__isnull=True)
    form = ReplaceKeyForm(request.POST or None, initial={"by": today() + timedelta(days=7)})
    if request.method == "POST" and form.is_valid():
        by = timezone.make_aware(datetime.combine(form.cleaned_data["by"], time.max))
        try:
            ask_for_new_key(agent=row, by=by, actor=actor_of(request), at=now())
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
        else:
            messages.success(request, _("The agent is told in its next message."))
            return redirect("jobs:operated_agents", slug)
    context = {"site": site, "agent": row, "form": form, "knows": row.knows("keys")}
    return render(request, "jobs/sites/replace_key.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def maintenance_end(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    rows = MaintenanceWindow.objects.select_related("site")
    row = get_object_or_404(rows, pk=number, site=operated(request, slug))
    try:
        services.call_off_maintenance(window=row, actor=actor_of(request), at=now())
        messages.success(request, _("Called off."))
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    return redirect("jobs:operated_maintenance", slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def removal_confirm(request: HttpRequest, slug: str, attempt: UUID) -> HttpResponse:
    """For the data of an agent that is gone: a person says how they know that the data are gone too."""
    site = operated(request, slug)
    rows = Attempt.objects.select_related("job", "site").filter(site=site, remove_by__isnull=False)
    row = get_object_or_404(rows, pk=attempt, removed_at__isnull=True)
    form = ConfirmRemovalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.confirm_removal(attempt=row, actor=actor_of(request), at=now(), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
        else:
            messages.success(request, _("Kept, with your reason."))
            return redirect("jobs:operated_removals", slug)
    context = frame_of(site, "operated_removals") | {"attempt": row, "form": form}
    return render(request, "jobs/sites/removal_confirm.html", context, status=422 if form.errors else 200)
