"""Papers: added, opened by whoever may, and removed while nothing is signed."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from accounts.forms.ownership import EvidenceForm
from accounts.interview_wording import subject_label
from accounts.models import Evidence, Organisation
from accounts.paper_types import MOST_BYTES
from accounts.selectors import evidence_visible_to
from accounts.services.evidence import add_evidence, remove_evidence
from accounts.uploads import CappedUploadHandler
from accounts.views.access import add_refusal, in_organisation, person
from accounts.views.size_common import address, editing
from portal.kernel.errors import DomainError


@csrf_exempt  # checked below, once the upload handler is in place: reading the token reads the whole file
@in_organisation
def papers(request: HttpRequest) -> Any:
    """The papers that will go with the next statement, and the form to add one."""
    organisation = editing(request)
    handler = CappedUploadHandler(request, MOST_BYTES)
    request.upload_handlers = [handler]
    return _papers(request, organisation, handler)


@csrf_protect
def _papers(request: HttpRequest, organisation: Organisation, handler: CappedUploadHandler) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    files = request.FILES if request.method == "POST" else None
    form = EvidenceForm(posted, files, parties=organisation.parties.filter(is_self=False), too_large=handler.too_large)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            add_evidence(
                actor=person(request),
                organisation=organisation,
                subject=form.cleaned_data["subject"],
                title=form.cleaned_data["title"],
                party=form.cleaned_data.get("party"),
                file=file,
                filename=file.name,
            )
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form, error)
        else:
            messages.success(request, _("The paper is added. It goes with your next statement."))
            return redirect("accounts:size_papers")
    context = {
        "form": form,
        "papers": _rows(organisation.evidence.filter(assessment=None).select_related("party")),
        "back": address("check"),
    }
    return render(request, "accounts/size_papers.html", context, status=422 if form.is_bound else 200)


@login_required
@require_safe
def evidence_file(request: HttpRequest, pk: UUID) -> FileResponse:
    """The file itself, always as a download: for the company's people, and the officer who reviews its statement."""
    paper = get_object_or_404(evidence_visible_to(person(request)), pk=pk)
    response = FileResponse(
        paper.file.open("rb"), as_attachment=True, filename=paper.filename, content_type=paper.media_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@in_organisation
@require_POST
def evidence_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    paper = get_object_or_404(Evidence, pk=pk, organisation=editing(request))
    remove_evidence(actor=person(request), evidence=paper)
    messages.success(request, _("The paper is removed."))
    return redirect("accounts:size_papers")


def _rows(papers: Any) -> list[dict[str, Any]]:
    return [{"paper": one, "subject": subject_label(one.subject)} for one in papers]
