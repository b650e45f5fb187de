"""The first page after signing in, and the page of what was used."""

from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.countries import name as country_name
from accounts.models import Organisation, User
from accounts.roles import ORGANISATION_ROLES, Role
from accounts.state_aid.services import headrooms
from jobs.dashboard import cards
from jobs.dashboard.attention import first_steps, tasks_of
from jobs.dashboard.board import WEEKS, board_of
from jobs.dashboard.charts import monday_of, weekly_chart
from jobs.dashboard.exports import usage_csv
from jobs.dashboard.forms import PeriodForm
from jobs.dashboard.public_estimate import PublicEstimateForm, model_for, public_estimate, recipe_for
from jobs.dashboard.usage import allocation_use, runs_and_footprint, settled_jobs, totals, with_footprints
from jobs.ledger.selectors import used_by_week
from portal.kernel.clock import now, today

PAGE = 20
LONGEST_CHART = 53  # weeks; a longer period is in the tables and the CSV

# Where people work who belong to no organisation.
ROOMS = {
    Role.HELPDESK: "jobs:queue",
    Role.OPERATOR: "jobs:operated_sites",
    Role.ADMINISTRATOR: "accounts:administration",
    Role.AUDITOR: "accounts:audit",
}


def _organisation(request: HttpRequest) -> Organisation | None:
    """The organisation the person works for; the middleware sees to it that they may."""
    found: Organisation | None = getattr(request, "organisation", None)
    return found


def greeting(at: datetime, name: str) -> str:
    words = _("Good morning, %(name)s") if at.hour < 12 else _("Good afternoon, %(name)s")
    return (_("Good evening, %(name)s") if at.hour >= 18 else words) % {"name": name}


@login_required
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """What needs you, what is left, what runs. On the first visit: the way to a first model."""
    user, organisation = cast(User, request.user), _organisation(request)
    at = timezone.localtime(now())
    context: dict[str, Any] = {"greeting": greeting(at, user.get_short_name())}
    if organisation is None:
        roles = [grant.role for grant in user.role_grants.all()]
        if not ORGANISATION_ROLES & set(roles):
            for role, room in ROOMS.items():
                if role in roles:
                    return redirect(room)
        context |= {"steps": first_steps(None, user=user, organisation=None), "several": len(roles) > 1}
        return render(request, "jobs/dashboard_first.html", context)
    group, on = request.GET.get("jobs", ""), at.date()
    board = board_of(organisation, at=at, on=on, group=group)
    if board.is_first_visit:
        context |= {"board": board, "steps": first_steps(board, user=user, organisation=organisation)}
        context["tasks"] = tasks_of(board, user=user, organisation=organisation, on=on)
        return render(request, "jobs/dashboard_first.html", context)
    pace = cards.pace_of(board, on=on)
    first = on - timedelta(weeks=WEEKS - 1)
    context |= {
        "board": board,
        "tasks": tasks_of(board, user=user, organisation=organisation, on=on),
        "quotas": cards.quotas(board, pace),
        "pace": pace,
        "chart": weekly_chart(board.use, first=first, last=on, pace_seconds=pace.lasting),
        "main": next(iter(board.active or board.hours), None),
        "chips": cards.chips(board, group),
        "rows": [cards.JobRow(job) for job in board.jobs],
    }
    return render(request, "jobs/dashboard.html", context)


@login_required
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """GPU-hours by week, allocation and job, their value, their energy, and the public support they count as."""
    organisation = _organisation(request)
    if organisation is None:
        return redirect("jobs:dashboard")
    on = timezone.localtime(now()).date()
    form = PeriodForm(request.GET if {"from", "to"} & set(request.GET) else None, today=on)
    period = form.period
    rows = allocation_use(organisation, period)
    use = [row for row in used_by_week(organisation, since=period.since) if row.week <= period.last]
    runs, footprint = runs_and_footprint(organisation, period)
    paginator = Paginator(settled_jobs(organisation, period), PAGE)
    paginator.count = runs
    page = paginator.get_page(request.GET.get("page"))
    first = max(period.first, period.last - timedelta(weeks=LONGEST_CHART - 1))
    states = {row.allocation.site.granting_state for row in rows} - {""}
    context = {
        "form": form,
        "period": period,
        "allocations": rows,
        "totals": totals(rows),
        "chart": weekly_chart([row for row in use if row.week >= monday_of(first)], first=first, last=period.last),
        "chart_cut": first > period.first,
        "page": page,
        "jobs": with_footprints(page.object_list),
        "footprint": footprint,
        "rooms": [
            {"state": country_name(room.granting_state), "room": room}
            for room in headrooms(organisation=organisation, on=on, states=states)
        ],
    }
    return render(request, "jobs/usage.html", context)


@login_required
@require_safe
def usage_table(request: HttpRequest) -> HttpResponseBase:
    """The same jobs as CSV."""
    organisation = _organisation(request)
    if organisation is None:
        return redirect("jobs:dashboard")
    form = PeriodForm(request.GET or None, today=timezone.localtime(now()).date())
    return usage_csv(organisation, form.period)


@require_safe
def estimate_public(request: HttpRequest) -> HttpResponse:
    """What a run would take, without signing in: a page of its own, or the answer alone for htmx."""
    sent = request.GET if {"recipe", "rows", "size"} & set(request.GET) else None
    form = PublicEstimateForm(sent, initial={"model": request.GET.get("model", "")})
    values = form.cleaned_data if sent is not None and form.is_valid() else _usual(form, request)
    status = 200
    context: dict[str, Any] = {"estimator": form, "found": None, "model": None}
    if form.is_bound and not form.is_valid():
        status = 422
    else:
        model = model_for(values["recipe"], values["size"], values["model"])
        recipe = recipe_for(model, values["recipe"]) if model else None
        context["model"] = model
        if model and recipe:
            context["found"] = public_estimate(model=model, recipe=recipe, rows=values["rows"], on=today())
    template = "jobs/_public_estimate_result.html" if getattr(request, "htmx", False) else "jobs/estimate_public.html"
    return render(request, template, context, status=status)


def _usual(form: PublicEstimateForm, request: HttpRequest) -> dict[str, Any]:
    """The form's first values, for somebody who has not asked anything yet."""
    usual = {name: field.initial for name, field in form.fields.items()}
    return {**usual, "model": request.GET.get("model", "")[:100]}
