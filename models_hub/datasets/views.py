"""The pages of data: the list, the upload, one data set, its columns, its rejected rows, its end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.permissions import may, require
from accounts.roles import Action
from accounts.views.access import add_refusal, in_organisation, organisation_of, person
from models_hub.datasets import checking, pages, services
from models_hub.datasets.forms import KINDS, MappingForm, ResidencyForm, UploadForm
from models_hub.datasets.receiving import DatasetUploadHandler
from models_hub.datasets.residency import allowed_words, set_residency
from models_hub.datasets.samples import SAMPLES
from models_hub.datasets.tasks import check_dataset
from models_hub.models import Dataset
from models_hub.states import DatasetState
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError
from portal.kernel.wake import wake

PER_PAGE = 20
MAPPABLE = (DatasetState.NEEDS_MAPPING, DatasetState.REJECTED, DatasetState.READY)


@in_organisation
@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    """The organisation's data, newest first, and our samples."""
    organisation = organisation_of(request)
    own = Dataset.objects.visible_to(person(request)).filter(organisation=organisation).select_related("created_by")
    page = Paginator(own.defer("report", "mapping", "labels"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "samples": [{"code": one.code, "name": _(one.name), "text": _(one.description)} for one in SAMPLES],
        "used": services.bytes_used(organisation),
        "quota": services.QUOTA_BYTES,
        "may_manage": may(person(request), Action.MANAGE_DATA, organisation=organisation),
    }
    return render(request, "models_hub/datasets.html", context)


@csrf_exempt  # checked below, once the upload handler is in place: reading the token reads the whole file
@in_organisation
def dataset_upload(request: HttpRequest) -> Any:
    """Refuses what it can before the first byte of the file is read."""
    require(person(request), Action.MANAGE_DATA, organisation=organisation_of(request))
    limit = services.upload_limits().file_bytes
    request.upload_handlers = [DatasetUploadHandler(request, limit)]
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    ahead = _next(request)
    initial = {"kind": request.GET.get("kind") if request.GET.get("kind") in KINDS else None, "personal": "unknown"}
    form = UploadForm(
        request.POST if request.method == "POST" else None, request.FILES or None, today=today(), initial=initial
    )
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            dataset = services.create_dataset(
                organisation=organisation_of(request),
                actor=person(request),
                name=form.cleaned_data["name"],
                kind=form.cleaned_data["kind"],
                file=file,
                original_name=file.name,
                sha256=file.sha256,
                at=now(),
                contains_personal_data=form.contains_personal_data,
                keep_until=form.cleaned_data["keep_until"],
            )
        except DomainError as error:
            add_refusal(form, error)
        else:
            wake(check_dataset, dataset.pk)
            return redirect(_with_next(dataset, ahead))
    return render(request, "models_hub/dataset_upload.html", {"form": form, "next": ahead})


@in_organisation
@require_POST
def dataset_sample(request: HttpRequest) -> HttpResponse:
    """One of our samples, checked at once."""
    dataset = services.add_sample(
        organisation=organisation_of(request), actor=person(request), code=request.POST.get("sample", ""), at=now()
    )
    checking.check_now(dataset_id=dataset.pk, clock=now)
    return redirect(_with_next(dataset, _next(request)))


@in_organisation
@require_safe
def dataset(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "models_hub/dataset.html", _context(request, _own(request, pk)))


@in_organisation
@require_GET
def dataset_status(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The body of the page alone, asked for while a check runs."""
    return render(request, "models_hub/_dataset.html", _context(request, _own(request, pk)))


@in_organisation
def dataset_mapping(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the columns mean."""
    found = _own(request, pk)
    require(person(request), Action.MANAGE_DATA, organisation=found.organisation)
    report = found.report or {}
    columns = [column["name"] for column in report.get("columns") or []]
    if found.state not in MAPPABLE or not columns:
        return redirect("models_hub:dataset", pk)
    known = {**(report.get("suggestions") or {}), **((report.get("mapping") or {}).get("columns") or {})}
    form = MappingForm(request.POST or None, kind=found.kind, columns=columns, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            services.map_columns(dataset=found, mapping=form.mapping, actor=person(request))
        except DomainError as error:
            add_refusal(form, error)
        else:
            wake(check_dataset, found.pk)
            return redirect(_with_next(found, _next(request)))
    context = {"dataset": found, "form": form, "columns": report["columns"], "next": _next(request)}
    return render(request, "models_hub/dataset_mapping.html", context)


@in_organisation
def dataset_residency(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which countries' sites may receive the data."""
    found = _own(request, pk)
    require(person(request), Action.MANAGE_DATA, organisation=found.organisation)
    posted = request.POST if request.method == "POST" else None
    form = ResidencyForm(posted, dataset=found, initial={"countries": found.residency})
    if posted is not None and form.is_valid():
        try:
            set_residency(dataset=found, allowed=form.cleaned_data["countries"], actor=person(request))
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved. It holds for every run from now on."))
            return redirect("models_hub:dataset", pk)
    return render(request, "models_hub/dataset_residency.html", {"dataset": found, "form": form})


@in_organisation
@require_GET
def dataset_rejected(request: HttpRequest, pk: UUID) -> Any:
    """The rows that were left out, each with its reason; safe to open in a spreadsheet."""
    found = _own(request, pk)
    require(person(request), Action.MANAGE_DATA, organisation=found.organisation)
    if not found.rejected_rows:
        raise DomainError("no_rejected_rows", _("No row of this data was rejected."), status=404)
    try:
        stored = found.rejected_rows.open("rb")
    except OSError:
        raise DomainError(
            "file_missing", _("The list of rejected rows is missing. Upload the data again to see it."), status=410
        ) from None
    response = FileResponse(stored, as_attachment=True, filename="rejected-rows.csv", content_type="text/csv")
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@in_organisation
def dataset_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Asks once, then deletes."""
    found = _own(request, pk)
    require(person(request), Action.MANAGE_DATA, organisation=found.organisation)
    if request.method == "POST":
        services.delete_dataset(dataset=found, actor=person(request))
        messages.success(request, _("%(name)s was deleted.") % {"name": found.name})
        return redirect("models_hub:datasets")
    return render(request, "models_hub/dataset_delete.html", {"dataset": found})


def _own(request: HttpRequest, pk: UUID) -> Dataset:
    """A data set of one of the person's organisations, or 404."""
    return get_object_or_404(Dataset.objects.visible_to(person(request)).select_related("organisation"), pk=pk)


def _context(request: HttpRequest, found: Dataset) -> dict[str, Any]:
    manages = may(person(request), Action.MANAGE_DATA, organisation=found.organisation)
    ahead = _next(request)
    return {
        "dataset": found,
        "page": pages.dataset_page(found),
        "parts": {part.name: part for part in found.parts.all()},
        "may_manage": manages,
        "may_map": manages and found.state in MAPPABLE and bool((found.report or {}).get("columns")),
        "residency": allowed_words(found),
        "next": ahead,
        "status_url": f"{reverse('models_hub:dataset_status', args=[found.pk])}{_query(ahead)}",
    }


def _next(request: HttpRequest) -> str:
    """The page to go on to, if it is one of ours."""
    wanted = request.POST.get("next", "") if request.method == "POST" else request.GET.get("next", "")
    wanted = wanted or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and safe else ""


def _with_next(found: Dataset, ahead: str) -> str:
    return f"{reverse('models_hub:dataset', args=[found.pk])}{_query(ahead)}"


def _query(ahead: str) -> str:
    return f"?{urlencode({'next': ahead})}" if ahead else ""
