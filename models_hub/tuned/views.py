"""Results: the list of finished models, one model's page, and everything that can be taken away from it."""

from functools import partial
from typing import TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from accounts.permissions import may, require
from accounts.roles import Action
from models_hub.models import TunedFile, TunedModel
from models_hub.tuned import pages
from models_hub.tuned.archive import Member, stream_zip
from models_hub.tuned.services import delete_result
from models_hub.tuned.verdict import verdict_of
from portal.kernel.errors import DomainError

PER_PAGE = 20
Response = TypeVar("Response", bound=HttpResponseBase)


def _own(request: HttpRequest, pk: UUID) -> TunedModel:
    """A model of one of the person's organisations, or 404."""
    found = TunedModel.objects.visible_to(request.user).select_related("organisation", "base_model", "dataset")
    return get_object_or_404(found, pk=pk)


@login_required
@require_safe
def results(request: HttpRequest) -> HttpResponse:
    """The organisation's finished models, newest first."""
    own = TunedModel.objects.visible_to(request.user).filter(organisation=request.organisation)
    page = Paginator(own.select_related("base_model").defer("manifest", "spec"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [
        {"tuned": tuned, "verdict": verdict_of(tuned.result), "method": pages.method_title(tuned)}
        for tuned in page.object_list
    ]
    return render(request, "models_hub/results.html", {"page": page, "rows": rows})


@login_required
@require_safe
def result(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One finished model: verdict, comparison, lineage, files."""
    tuned = _own(request, pk)
    context = {
        "tuned": tuned,
        "page": pages.result_page(tuned),
        "recipe": pages.recipe_title(tuned.recipe),
        "method": pages.method_title(tuned),
        "may_download": may(request.user, Action.DOWNLOAD_RESULT, organisation=tuned.organisation),
        "may_delete": may(request.user, Action.MANAGE_DATA, organisation=tuned.organisation),
    }
    return render(request, "models_hub/result.html", context)


@login_required
@require_GET
def result_download(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """Everything as one ZIP, built while it is sent, with the list that `sha256sum -c` checks."""
    tuned = _own(request, pk)
    require(request.user, Action.DOWNLOAD_RESULT, organisation=tuned.organisation)
    files = list(tuned.files.all())
    for file in files:
        _present(file)
    folder = _folder(tuned)
    members = [Member(f"{folder}/{file.path}", partial(file.file.open, "rb"), file.sha256) for file in files]
    texts = {f"{folder}/{pages.SUMS_FILE}": pages.checksums(files)}
    response = StreamingHttpResponse(
        stream_zip(members, texts=texts, at=tuned.created_at), content_type="application/zip"
    )
    return _attached(response, f"{folder}.zip")


@login_required
@require_GET
def result_file(request: HttpRequest, pk: UUID, path: str) -> FileResponse:
    """One file, as named in the manifest."""
    tuned = _own(request, pk)
    require(request.user, Action.DOWNLOAD_RESULT, organisation=tuned.organisation)
    file = get_object_or_404(tuned.files, path=path)
    _present(file)
    response = FileResponse(file.file.open("rb"), content_type="application/octet-stream")
    response["ETag"] = f'"{file.sha256}"'
    return _attached(response, path.rsplit("/", 1)[-1])


@login_required
@require_GET
def result_sums(request: HttpRequest, pk: UUID) -> HttpResponse:
    """SHA256SUMS, for those who take single files."""
    tuned = _own(request, pk)
    require(request.user, Action.DOWNLOAD_RESULT, organisation=tuned.organisation)
    response = HttpResponse(pages.checksums(list(tuned.files.all())), content_type="text/plain; charset=utf-8")
    return _attached(response, pages.SUMS_FILE)


@login_required
def result_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Asks once, then deletes."""
    tuned = _own(request, pk)
    require(request.user, Action.MANAGE_DATA, organisation=tuned.organisation)
    if request.method == "POST":
        delete_result(tuned=tuned, actor=request.user)
        messages.success(request, _("%(name)s was deleted.") % {"name": tuned.name})
        return redirect("models_hub:results")
    return render(request, "models_hub/result_delete.html", {"tuned": tuned})


def _folder(tuned: TunedModel) -> str:
    return slugify(tuned.name) or f"model-{tuned.pk.hex[:8]}"


def _attached(response: Response, name: str) -> Response:
    """Sent to be saved, never to be shown: nobody's file runs in our origin."""
    response["Content-Disposition"] = f'attachment; filename="{_ascii(name)}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _ascii(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name)


def _present(file: TunedFile) -> None:
    """Says so before the first byte when a stored file is gone or has another size."""
    try:
        size = file.file.size
    except OSError:
        size = -1
    if size != file.bytes:
        raise DomainError(
            "file_missing",
            _(
                "The file %(path)s of this model is damaged or missing in our storage. "
                "Nothing you did caused it; tell the helpdesk."
            )
            % {"path": file.path},
            status=410,
        )
