"""The auditors' pages: the ledger, every verdict, one verdict, and the replay. Nothing here changes an award."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import AidAssessment
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid.ledger.export import FORMATS
from accounts.state_aid.ledger.replaying import replay, replay_all
from accounts.state_aid.ledger.search import LedgerForm
from accounts.state_aid.ledger.shown import shown
from accounts.views.access import person
from portal.kernel.clock import today

PER_PAGE = 50
# More than this at once takes minutes in one request; an auditor narrows the selection or takes the JSON along.
MOST_REPLAYS = 5000
SHOWN_DIFFERENCES = 200


def _auditor(request: HttpRequest) -> None:
    require(person(request), Action.READ_AID_LEDGER)


@login_required
@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """Every row of every award, as filtered."""
    _auditor(request)
    form = LedgerForm(request.GET)
    rows = form.awards() if form.is_valid() else LedgerForm.nothing()
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/aid_ledger.html", _list_context(request, form, page, "awards"))


@login_required
@require_safe
def verdicts(request: HttpRequest) -> HttpResponse:
    """Every verdict that was stored, those that led to no award among them."""
    _auditor(request)
    form = LedgerForm(request.GET)
    rows = form.verdicts().defer("case", "verdict") if form.is_valid() else AidAssessment.objects.none()
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/aid_verdicts.html", _list_context(request, form, page, "verdicts"))


def _list_context(request: HttpRequest, form: LedgerForm, page: Any, here: str) -> dict[str, Any]:
    query = form.query
    tabs = (("awards", "accounts:aid_ledger", _("Awards")), ("verdicts", "accounts:aid_verdicts", _("Verdicts")))
    return {
        "form": form,
        "page_obj": page,
        "query": query,
        "here": here,
        "formats": list(FORMATS),
        "tabs": [
            {"url": f"{reverse(view)}?{query}", "label": label, "current": code == here} for code, view, label in tabs
        ],
    }


@login_required
@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The selection as a file; that it was taken is recorded with its filters."""
    _auditor(request)
    wanted = request.GET.get("format", "csv")
    form = LedgerForm(request.GET)
    if wanted not in FORMATS or not form.is_valid():
        raise Http404
    content_type, write = FORMATS[wanted]
    with transaction.atomic():
        audit.record(actor=person(request), action="aid.ledger_exported", target=person(request),
                     format=wanted, filters=form.query)  # fmt: skip
    answer = StreamingHttpResponse(write(form.awards()), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="aid-ledger-{today().isoformat()}.{wanted}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@login_required
def assessment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One verdict with every input. A POST computes it again and shows what came out otherwise."""
    _auditor(request)
    stored = get_object_or_404(AidAssessment.objects.select_related("organisation"), pk=pk)
    context = {"stored": stored, "replay": None, **shown(stored)}
    if request.method == "POST":
        context["replay"] = replay(stored)
        _record(request, checked=1, different=0 if context["replay"].same else 1)
    return render(request, "accounts/aid_assessment.html", context)


@login_required
@require_POST
def replay_many(request: HttpRequest) -> HttpResponse:
    """Computes the chosen verdicts, or all of the selection, again and lists those that came out otherwise."""
    _auditor(request)
    chosen = _chosen(request)
    if chosen is None:
        messages.info(request, _("Choose at least one verdict, then recompute."))
        return redirect("accounts:aid_ledger")
    checked, different = 0, []
    for one in replay_all(chosen):
        checked += 1
        if not one.same and len(different) < SHOWN_DIFFERENCES:
            different.append(one)
    _record(request, checked=checked, different=len(different))
    context = {
        "checked": checked,
        "different": different,
        "same": checked - len(different),
        "cut": checked == MOST_REPLAYS,
        "most": MOST_REPLAYS,
        "query": request.POST.get("query", ""),
    }
    return render(request, "accounts/aid_replay.html", context)


def _chosen(request: HttpRequest) -> Iterable[AidAssessment] | None:
    """The verdicts ticked on the page, or every one that meets the filters; None when nothing was chosen."""
    rows = AidAssessment.objects.select_related("organisation").order_by("-created_at")
    if request.POST.get("scope") == "selection":
        form = LedgerForm(QueryDict(request.POST.get("query", "")))
        if not form.is_valid():
            return None
        if form.cleaned_data.get("event") or request.POST.get("here") == "awards":
            found = rows.filter(pk__in=form.awards().order_by().values("assessment"))
        else:
            found = form.verdicts()
        return found[:MOST_REPLAYS].iterator(chunk_size=200)
    keys = [key for key in (_uuid(text) for text in request.POST.getlist("assessment")) if key]
    return rows.filter(pk__in=keys[:PER_PAGE]) if keys else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _record(request: HttpRequest, *, checked: int, different: int) -> None:
    with transaction.atomic():
        audit.record(actor=person(request), action="aid.replayed", target=person(request),
                     checked=checked, different=different)  # fmt: skip
