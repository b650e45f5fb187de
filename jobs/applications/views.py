"""The applicant's pages: list, form, check and send, and the request with its conversation."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.permissions import require
from accounts.roles import Action
from catalog.models import AccessMode
from catalog.selectors import with_rates
from jobs.applications.answers import MessageForm
from jobs.applications.checks import STARTER_RULES, run_checks, shown
from jobs.applications.forms import ApplicationForm
from jobs.applications.places import compare
from jobs.applications.preview import preview
from jobs.applications.services import (
    answer_question,
    missing_answers,
    save_draft,
    start_application,
    submit_application,
    withdraw,
)
from jobs.models import Application
from jobs.states import ApplicationState
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError
from portal.kernel.web import plain_text


def _own(request: HttpRequest, pk: UUID) -> Application:
    """One of the person's own organisations' requests, or 404."""
    own = Application.objects.filter(organisation__role_grants__user=request.user).distinct()
    related = own.select_related(
        "organisation", "mode", "site", "partition__site", "base_model", "created_by", "decision__aid_assessment"
    )
    return get_object_or_404(related, pk=pk)


@login_required
@require_GET
def applications(request: HttpRequest) -> HttpResponse:
    own = Application.objects.filter(organisation=request.organisation).select_related("mode", "site", "decision")
    page = Paginator(own.exclude(state=ApplicationState.WITHDRAWN), 20).get_page(request.GET.get("page"))
    modes = AccessMode.objects.open_on(today()).order_by("position")
    return render(request, "jobs/applications/list.html", {"page": page, "modes": modes})


@login_required
def application_new(request: HttpRequest) -> HttpResponse:
    """Choosing a way to get compute; choosing opens a draft."""
    if request.organisation is None:
        messages.info(request, _("First tell us which company you work for; it takes two minutes."))
        return redirect("accounts:organisation_create")
    modes = with_rates(AccessMode.objects.open_on(today()), on=today()).order_by("position")
    if request.method == "POST":
        mode = get_object_or_404(modes, code=plain_text(request.POST.get("mode", ""), longest=60))
        application = start_application(organisation=request.organisation, mode=mode, actor=request.user, at=now())
        return redirect("jobs:application_edit", application.pk)
    return render(request, "jobs/applications/new.html", {"modes": modes})


@login_required
def application_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form. Every POST saves what was understood; "Check and send" goes on only without faults."""
    application = _own(request, pk)
    require(request.user, Action.APPLY, organisation=application.organisation)
    if application.state != ApplicationState.DRAFT:
        return redirect("jobs:application", pk)
    initial = ApplicationForm.initial_of(application)
    form = ApplicationForm(request.POST or None, mode=application.mode, on=today(), initial=initial)
    if request.method == "POST":
        valid = form.is_valid()
        save_draft(application=application, answers=form.answers(), actor=request.user)
        if valid and form.asks_more:
            messages.info(request, _("This site grants under a scheme that asks more: see “Public support”."))
            return redirect("jobs:application_edit", pk)
        if valid and "check" in request.POST:
            return redirect("jobs:application_check", pk)
        if valid:
            messages.success(request, _("Saved. You can come back to this draft at any time."))
            return redirect("jobs:application_edit", pk)
    compare(application, language=request.LANGUAGE_CODE, at=now()).describe(form)
    context = {"application": application, "form": form, "preview": preview(application, on=today())}
    return render(request, "jobs/applications/edit.html", context)


@login_required
@require_safe
def application_places(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every place of the federation for this request: who can do it, in which order, and why."""
    application = _own(request, pk)
    comparison = compare(application, language=request.LANGUAGE_CODE, at=now())
    context = {
        "application": application,
        "table": comparison.table(everything="all" in request.GET),
        "weights": comparison.published,
    }
    return render(request, "jobs/applications/places.html", context)


@login_required
@require_POST
def application_autosave(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Called by the form as it is filled in; answers with the panel beside it."""
    application = _own(request, pk)
    form = ApplicationForm(request.POST, mode=application.mode, on=today())
    form.is_valid()
    save_draft(application=application, answers=form.answers(), actor=request.user)
    context = {"application": application, "preview": preview(application, on=today()), "saved_at": now()}
    return render(request, "jobs/applications/_preview.html", context)


@login_required
def application_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything on one page before it is sent; the published rules with their outcome as it stands now."""
    application = _own(request, pk)
    if application.state != ApplicationState.DRAFT:
        return redirect("jobs:application", pk)
    if request.method == "POST":
        try:
            submit_application(application=application, actor=request.user, at=now())
        except DomainError as refusal:
            messages.error(request, refusal.sentence)
            return redirect("jobs:application_edit" if refusal.code == "incomplete" else "jobs:application_check", pk)
        return redirect("jobs:application", pk)
    by_policy = application.mode.decided_by == AccessMode.DecidedBy.POLICY
    checks = run_checks(STARTER_RULES, application, on=today()) if by_policy else []
    context = {
        "application": application,
        "preview": preview(application, on=today()),
        "missing": missing_answers(application, on=today()),
        "checks": shown(checks),
        "rules_fail": any(check.passed is not True for check in checks),
        "by_policy": by_policy,
    }
    return render(request, "jobs/applications/check.html", context)


@login_required
def application(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One request: where it stands, the decision with its rules, the conversation."""
    row = _own(request, pk)
    if row.state == ApplicationState.DRAFT:
        return redirect("jobs:application_edit", pk)
    form = MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer_question(application=row, body=form.cleaned_data["body"], actor=request.user, at=now())
        messages.success(request, _("Sent to the helpdesk."))
        return redirect("jobs:application", pk)
    decision = getattr(row, "decision", None)
    context = {
        "application": row,
        "decision": decision,
        "checks": shown(decision.checks) if decision else [],
        "allocation": getattr(row, "allocation", None),
        "conversation": row.messages.select_related("author"),
        "form": form,
        "preview": preview(row, on=today()),
        "open": row.state in (ApplicationState.SUBMITTED, ApplicationState.QUESTION),
    }
    return render(request, "jobs/applications/detail.html", context)


@login_required
@require_POST
def application_withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _own(request, pk)
    withdraw(application=row, actor=request.user)
    messages.success(request, _("%(reference)s was withdrawn.") % {"reference": row.reference})
    return redirect("jobs:applications")
