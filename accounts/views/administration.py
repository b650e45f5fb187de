"""For administrators and auditors: portal roles and the audit record."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import services
from accounts.forms.people import AuditFilterForm, PortalRoleForm
from accounts.models import AuditEvent, RoleGrant, User
from accounts.permissions import may, require
from accounts.roles import ORGANISATION_ROLES, Action
from accounts.views.access import add_refusal, person
from portal.kernel.errors import DomainError

PER_PAGE = 50


@login_required
def administration(request: HttpRequest) -> HttpResponse:
    require(person(request), Action.MANAGE_ROLES)
    return render(request, "accounts/administration.html")


@login_required
def roles(request: HttpRequest) -> HttpResponse:
    """Who holds a role beyond one organisation, and a form to give one."""
    require(person(request), Action.MANAGE_ROLES)
    form = PortalRoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        somebody = form.cleaned_data["email"]
        try:
            services.grant_portal_role(
                actor=person(request),
                user=somebody,
                role=form.cleaned_data["role"],
                site_slug=form.cleaned_data["site_slug"],
            )
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("%(name)s has the role now.") % {"name": somebody})
            return redirect("accounts:roles")
    held = RoleGrant.objects.exclude(role__in=ORGANISATION_ROLES).select_related("user")
    page = Paginator(held.order_by("role", "site_slug", "user__email"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/roles.html", {"form": form, "page_obj": page})


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    require(person(request), Action.MANAGE_ROLES)
    grant = get_object_or_404(RoleGrant.objects.exclude(role__in=ORGANISATION_ROLES).select_related("user"), pk=pk)
    services.revoke_portal_role(actor=person(request), grant=grant)
    messages.success(request, _("%(name)s no longer has the role.") % {"name": grant.user})
    return redirect("accounts:roles")


@login_required
def audit(request: HttpRequest) -> HttpResponse:
    """The record of decisions and administrative acts, newest first."""
    require(person(request), Action.READ_AUDIT)
    form = AuditFilterForm(request.GET or None)
    events = AuditEvent.objects.select_related("actor")
    if form.is_valid():
        events = _narrowed(events, form)
    page = Paginator(events, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page_obj": page,
        "narrowed": bool(request.GET),
        "may_read_ledger": may(person(request), Action.READ_AID_LEDGER),
    }
    return render(request, "accounts/audit.html", context)


def _narrowed(events: QuerySet[AuditEvent], form: AuditFilterForm) -> QuerySet[AuditEvent]:
    words, since, until = (form.cleaned_data[name] for name in ("q", "since", "until"))
    if words:
        people = User.objects.filter(email__iexact=words).values("pk")
        found = Q(action__istartswith=words) | Q(target_id=words) | Q(actor_id__in=people)
        if _is_uuid(words):
            found |= Q(organisation_id=words) | Q(actor_id=words)
        events = events.filter(found)
    if since:
        events = events.filter(at__gte=datetime.combine(since, time(), UTC))
    if until:
        events = events.filter(at__lt=datetime.combine(until, time(), UTC) + timedelta(days=1))
    return events


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
