"""The officer's pages: a queue ordered by promise, and one page on which a request is decided."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.models import User
from catalog.models import Site
from jobs.allocations.capacity import committed_share
from jobs.allocations.grants import add_months
from jobs.applications.answers import DecisionForm
from jobs.applications.checks import HELPDESK_CHECKS, run_checks, shown
from jobs.applications.decisions import approve, decline
from jobs.applications.preview import preview
from jobs.applications.services import ask_question
from jobs.applications.support import support_of
from jobs.models import Application
from jobs.states import ApplicationState
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError

VIEWS = {
    "waiting": (gettext_lazy("Waiting for us"), [ApplicationState.SUBMITTED]),
    "question": (gettext_lazy("Waiting for them"), [ApplicationState.QUESTION]),
    "decided": (gettext_lazy("Decided"), [ApplicationState.APPROVED, ApplicationState.DECLINED]),
}


def _at_my_sites(user: User):  # type: ignore[no-untyped-def]
    sites = Site.objects.helped_by(user)
    return Application.objects.filter(site__in=sites).exclude(state=ApplicationState.DRAFT)


@login_required
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    if not Site.objects.helped_by(request.user).exists():
        raise Http404
    chosen = request.GET.get("view", "waiting")
    chosen = chosen if chosen in VIEWS else "waiting"
    rows = _at_my_sites(request.user).filter(state__in=VIEWS[chosen][1]).select_related("organisation", "mode", "site")
    order = ("decide_by", "submitted_at") if chosen != "decided" else ("-submitted_at",)
    page = Paginator(rows.order_by(*order), 25).get_page(request.GET.get("page"))
    filters = [{"code": code, "title": title, "current": code == chosen} for code, (title, _waiting) in VIEWS.items()]
    context = {"page": page, "filters": filters, "today": today(), "view": chosen}
    return render(request, "jobs/applications/queue.html", context)


@login_required
def review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The ask, our estimate beside it, the checks with evidence, the conversation, and the decision box."""
    rows = _at_my_sites(request.user).select_related(
        "organisation",
        "mode",
        "site__aid_scheme",
        "partition__site",
        "base_model",
        "created_by",
        "decision__aid_assessment",
    )
    row = get_object_or_404(rows, pk=pk)
    form = DecisionForm(request.POST or None, initial=_suggested(row))
    if request.method == "POST" and form.is_valid():
        try:
            return _decide(request, row, form)
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
    context = {
        "application": row,
        "form": form,
        "checks": shown(run_checks(HELPDESK_CHECKS, row, on=today())),
        "preview": preview(row, on=today()),
        "support": support_of(row, on=today()),
        "conversation": row.messages.select_related("author"),
        "decision": getattr(row, "decision", None),
        "open": row.state in (ApplicationState.SUBMITTED, ApplicationState.QUESTION),
        "capacity": committed_share(row, on=today()),
        "next": _next_after(request.user, row),
    }
    return render(request, "jobs/applications/review.html", context, status=409 if form.errors else 200)


def _suggested(row: Application) -> dict[str, object]:
    # Amount and date are filled in for the officer; the decision itself is never preselected.
    ends_on = add_months(max(row.starts_on or today(), today()), row.months) if row.months else None
    return {"gpu_hours": row.gpu_hours, "ends_on": ends_on}


def _next_after(user: User, row: Application) -> Application | None:
    waiting = _at_my_sites(user).filter(state=ApplicationState.SUBMITTED).exclude(pk=row.pk)
    return waiting.order_by("decide_by", "submitted_at").first()


def _decide(request: HttpRequest, row: Application, form: DecisionForm) -> HttpResponse:
    answers, choice = form.cleaned_data, DecisionForm.Choice
    outcome, reason = answers["outcome"], answers["reason"]
    following = _next_after(request.user, row)
    if outcome == choice.ASK:
        ask_question(application=row, body=reason, actor=request.user, at=now())
        messages.success(request, _("Asked. The clock stands still until they answer."))
        return redirect("jobs:review", row.pk)
    if outcome == choice.DECLINE:
        decline(application=row, reason=reason, actor=request.user, at=now())
        messages.success(request, _("%(reference)s declined.") % {"reference": row.reference})
    else:
        hours = row.gpu_hours if outcome == choice.ALL else answers["gpu_hours"]
        decision = approve(
            application=row,
            gpu_hours=hours or 0,
            ends_on=answers["ends_on"],
            reason=reason,
            actor=request.user,
            at=now(),
            register_eur=answers["register_eur"],
        )
        messages.success(
            request,
            _("%(reference)s approved: %(hours)s GPU-hours.")
            % {"reference": row.reference, "hours": decision.gpu_hours},
        )
    return redirect("jobs:review", following.pk) if following else redirect("jobs:queue")
