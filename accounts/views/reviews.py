"""The officers' queue of companies whose size no rule decides."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.derivation import reasons_in
from accounts.forms.ownership import ReviewForm
from accounts.models import SizeReview
from accounts.permissions import may_somewhere
from accounts.roles import Action
from accounts.selectors import statements_for_review
from accounts.services.size_reviews import decide_size, works_for
from accounts.views.access import add_refusal, person
from accounts.views.statements import context_of
from portal.kernel.clock import today
from portal.kernel.errors import DomainError

PER_PAGE = 20


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """What waits, the longest first; with `?decided=1` what was decided, the latest first."""
    _officers_only(request)
    decided = "decided" in request.GET
    answered = Exists(SizeReview.objects.filter(assessment=OuterRef("pk")))
    found = statements_for_review().filter(answered if decided else ~answered)
    page = Paginator(found.order_by("-created_at" if decided else "created_at"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = []
    for one in page:
        reasons = [reason["sentence"] for reason in reasons_in(one.trace) if reason["is_open"]]
        rows.append(
            {"assessment": one, "reasons": reasons, "more": len(reasons) - 1, "days": (today() - one.declared_on).days}
        )
    waiting = statements_for_review().filter(~answered).count()
    filters = [
        {"url": "?", "label": _("Waiting"), "count": waiting, "current": not decided},
        {"url": "?decided=1", "label": _("Decided"), "current": decided},
    ]
    return render(
        request, "accounts/size_reviews.html", {"page": page, "rows": rows, "filters": filters, "decided": decided}
    )


@login_required
def review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything that was stated, and the decision. Nothing is preselected."""
    _officers_only(request)
    assessment = get_object_or_404(statements_for_review(), pk=pk)
    form = ReviewForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            decide_size(actor=person(request), assessment=assessment, on=today(), **form.cleaned_data)
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form, error)
        else:
            messages.success(request, _("Decided. The owners are told."))
            return redirect("accounts:size_reviews")
    context = {
        **context_of(assessment),
        "form": form,
        "conflict": works_for(person(request), assessment),
        "earlier": list(assessment.reviews.select_related("decided_by")),  # type: ignore[attr-defined]
    }
    return render(request, "accounts/size_review.html", context, status=422 if form.is_bound else 200)


def _officers_only(request: HttpRequest) -> None:
    """Whoever decides no sizes learns nothing here, not even that there is a queue."""
    if not may_somewhere(person(request), Action.REVIEW_SIZE):
        raise Http404
