"""Pages about requests for information."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import AidDeclaration, AidDuty, AidLetter, InformationRequest, Organisation
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid.bundles.contents import scope_of, threads_in
from accounts.state_aid.bundles.forms import RequestForm
from accounts.state_aid.bundles.services import answer_request, bundle_of, record_request, requests_visible_to
from accounts.state_aid.bundles.sources import decisions
from accounts.state_aid.duties.rooms import for_officers, rooms, state_choices
from accounts.state_aid.duties.scope import keeps
from accounts.state_aid.duties.views import clock_tag
from accounts.views.access import add_refusal, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError


@for_officers
def requests(request: HttpRequest) -> HttpResponse:
    """Every request, open ones first."""
    found = list(requests_visible_to(person(request)))
    clocks = _clocks(found)
    context = {
        "rooms": rooms("requests"),
        "rows": [{"asked": one, "clock": clocks.get(str(one.pk))} for one in found],
        "may_record": bool(state_choices(request, to_keep=True)),
    }
    return render(request, "accounts/bundles/requests.html", context)


def _clocks(found: list[InformationRequest]) -> dict[str, dict[str, str]]:
    kind = AidDuty.Kind.ANSWER
    duties = AidDuty.objects.filter(kind=kind, subject__in=[str(one.pk) for one in found])
    return {duty.subject: clock_tag(duty, today()) for duty in duties}


@for_officers
def request_new(request: HttpRequest) -> HttpResponse:
    """Records what was asked and starts the clock."""
    states = state_choices(request, to_keep=True)
    if not states:
        require(person(request), Action.KEEP_REGISTER)
    form = RequestForm(request.POST or None, states=states)
    if request.method == "POST" and form.is_valid():
        names = ("reference", "asked_by", "question", "state", "received_on")
        said = {name: form.cleaned_data[name] for name in names}
        try:
            asked = record_request(scope=form.scope(), actor=person(request), on=today(), **said)
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Recorded. The clock runs."))
            return redirect("accounts:request", pk=asked.pk)
    return render(request, "accounts/bundles/request_new.html", {"rooms": rooms("requests"), "form": form})


@login_required
def information_request(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One request: what was asked, what the answer holds, and its record."""
    asked = _visible(request, pk)
    context = {
        "rooms": rooms("requests"),
        "asked": asked,
        "clock": _clocks([asked]).get(str(asked.pk)),
        "organisations": Organisation.objects.filter(pk__in=asked.scope.get("organisations", ())),
        "since": scope_of(asked).since,
        "until": scope_of(asked).until,
        "contents": _contents(asked),
        "may_answer": asked.answered_on is None and keeps(person(request), asked.granting_state),
    }
    return render(request, "accounts/bundles/request.html", context)


def _contents(asked: InformationRequest) -> list[tuple[str, int]]:
    """(what, how many) the bundle would hold today, without making it."""
    threads = threads_in(scope_of(asked))
    awards = [thread.award for thread in threads]
    firms = {thread.first.organisation_id for thread in threads}
    return [
        (_("Awards"), len(threads)),
        (_("Verdicts, each computed again"), len({row.assessment_id for t in threads for row in t.rows} - {None})),
        (_("Declarations"), AidDeclaration.objects.filter(organisation__in=firms).count()),
        (_("Letters as PDF"), AidLetter.objects.filter(award__in=awards).count()),
        (_("Decisions"), len(decisions(awards))),
        (_("Duties"), AidDuty.objects.filter(award__in=awards).count()),
    ]


@login_required
def request_bundle_zip(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """What was sent; before that, what would be sent today."""
    asked = _visible(request, pk)
    name = f"answer-{asked.pk}.zip"
    if asked.bundle:
        return FileResponse(asked.bundle.open("rb"), as_attachment=True, filename=name, content_type="application/zip")
    answer = HttpResponse(bundle_of(asked, on=today()), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@login_required
@require_POST
def request_answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Records that the bundle was sent."""
    asked = _visible(request, pk)
    answer_request(request=asked, actor=person(request), on=today())
    messages.success(request, _("The answer is recorded, and the bundle is kept as it was sent."))
    return redirect("accounts:request", pk=asked.pk)


def _visible(request: HttpRequest, pk: UUID) -> InformationRequest:
    found: Any = get_object_or_404(requests_visible_to(person(request)), pk=pk)
    return found
