"""A signed statement of size: the page, the PDF, and whether computing it again gives the same."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from accounts.derivation import ownership_in, reasons_in, tree_in
from accounts.interview_wording import answers_in_words, subject_label
from accounts.models import SmeAssessment
from accounts.selectors import statements_visible_to
from accounts.services import latest_assessment
from accounts.services.size import replayed
from accounts.size_in_force import last_day_in_force
from accounts.size_paper import paper_of
from accounts.views.access import organisation_or_none, person
from accounts.views.size_common import drawings_of
from portal.papers import draw


@login_required
@require_safe
def statement(request: HttpRequest, pk: UUID) -> HttpResponse:
    assessment = get_object_or_404(statements_visible_to(person(request)), pk=pk)
    return render(
        request, "accounts/size_statement.html", {**context_of(assessment), "is_own": _is_own(request, assessment)}
    )


@login_required
@require_safe
def statement_pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same as a document, drawn from what was signed: the same bytes each time in one language."""
    assessment = get_object_or_404(statements_visible_to(person(request)), pk=pk)
    response = HttpResponse(draw(paper_of(assessment, language=get_language() or "en")), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="size-{assessment.declared_on:%Y-%m-%d}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def context_of(assessment: SmeAssessment) -> dict[str, Any]:
    """Everything that was signed, for the company's page and for the officer's."""
    trace = assessment.trace
    ownership = ownership_in(trace)
    drawn: dict[str, Any] = {"drawings": (), "drawn_rows": [], "standings": {}}
    latest = latest_assessment(assessment.organisation)
    return {
        "assessment": assessment,
        "organisation": assessment.organisation,
        "review": assessment.reviews.select_related("decided_by").first(),  # type: ignore[attr-defined]
        "tree": tree_in(trace),
        "reasons": reasons_in(trace),
        **(drawings_of(ownership, trace) if ownership else drawn),
        "answered": answers_in_words(trace["answers"]) if trace.get("answers") else [],
        "papers": [
            {"paper": one, "subject": subject_label(one.subject)}
            for one in assessment.evidence.select_related("party")  # type: ignore[attr-defined]
        ],
        "same": replayed(assessment),
        "last_day": last_day_in_force(assessment),
        "is_latest": latest is not None and latest.pk == assessment.pk,
    }


def _is_own(request: HttpRequest, assessment: SmeAssessment) -> bool:
    organisation = organisation_or_none(request)
    return organisation is not None and organisation.pk == assessment.organisation_id
