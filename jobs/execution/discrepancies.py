"""The pages on which witnesses of GPU time that differ are looked at, and an administrator decides."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.permissions import may_somewhere, require_somewhere
from accounts.roles import Action
from jobs.execution.services.corrections import decide_discrepancy
from jobs.ledger.services import charge_of
from jobs.metering.discrepancies import visible_to
from jobs.metering.forms import DecisionForm
from jobs.metering.reconciliation import compared_for
from jobs.metering.words import explain
from jobs.models import UsageDiscrepancy
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError

PER_PAGE = 25
DAYS = 14


def _person(request: HttpRequest) -> User:
    """Who is signed in; every page here asks for it."""
    return cast(User, request.user)


@login_required
@require_safe
def discrepancies(request: HttpRequest) -> HttpResponse:
    """Open questions first, or those decided; below them the last days' books, site by site."""
    require_somewhere(_person(request), Action.OPERATE_SITE)
    rows = visible_to(_person(request))
    decided = request.GET.get("show") == "decided"
    counts = {state: rows.filter(resolved_at__isnull=state == "open").count() for state in ("open", "decided")}
    here = reverse("jobs:discrepancies")
    context = {
        "page": Paginator(rows.filter(resolved_at__isnull=not decided), PER_PAGE).get_page(request.GET.get("page")),
        "decided": decided,
        "days": compared_for(_person(request), since=today() - timedelta(days=DAYS)),
        "filters": [
            {"url": here, "label": _("Open"), "count": counts["open"], "current": not decided},
            {"url": f"{here}?show=decided", "label": _("Decided"), "count": counts["decided"], "current": decided},
        ],
    }
    return render(request, "jobs/metering/discrepancies.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def discrepancy(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = get_object_or_404(visible_to(_person(request)), pk=pk)
    may_decide = may_somewhere(_person(request), Action.MANAGE_QUOTAS)
    form = None
    if row.resolved_at is None and may_decide:
        form = DecisionForm(request.POST or None, discrepancy=row, initial={"gpu_seconds": _suggested(row)})
    if request.method == "POST":
        answer = _decide(request, row, form)
        if answer is not None:
            return answer
    return render(request, "jobs/metering/discrepancy.html", _context(row, form))


def _decide(request: HttpRequest, row: UsageDiscrepancy, form: DecisionForm | None) -> HttpResponse | None:
    if form is None:
        require_somewhere(_person(request), Action.MANAGE_QUOTAS)
        messages.info(request, _("This question has been decided before. Nothing was changed."))
        return redirect("jobs:discrepancy", row.pk)
    if not form.is_valid():
        return None
    data = form.cleaned_data
    try:
        decide_discrepancy(
            discrepancy=row,
            outcome=data["outcome"],
            note=data["note"],
            record=data.get("record"),
            gpu_seconds=data.get("gpu_seconds"),
            actor=_person(request),
            at=now(),
        )
    except DomainError as refusal:
        if refusal.status == 403:
            raise
        if refusal.code != "already_decided":
            form.add_error(None, str(refusal.sentence))
            return None
        messages.info(request, refusal.sentence)
    else:
        messages.success(request, _("Decided. The booking and the record show it."))
    return redirect("jobs:discrepancy", row.pk)


def _suggested(row: UsageDiscrepancy) -> int | None:
    """The other witness's figure; of late usage its own."""
    late = row.kind == UsageDiscrepancy.Kind.LATE
    return row.accounting_gpu_seconds if late else row.other_gpu_seconds


def _context(row: UsageDiscrepancy, form: DecisionForm | None) -> dict[str, Any]:
    attempt = row.attempt
    job = attempt.job if attempt else None
    later = attempt is not None and job is not None and job.attempts.filter(number__gt=attempt.number).exists()
    return {
        "row": row,
        "words": explain(row),
        "form": form,
        "attempt": attempt,
        "job": job,
        "usage": attempt.usage_records.select_related("corrects") if attempt else [],
        "charged": charge_of(job) if job is not None and job.settled_at is not None else None,
        # A later attempt is what is charged; nothing decided here changes it.
        "replaced": later,
    }
