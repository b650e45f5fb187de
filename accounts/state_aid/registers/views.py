"""Pages about registers: the file for the upload, the answers that came back, and the year's totals."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.models import RegisterExport
from accounts.state_aid.duties.rooms import for_officers, rooms, state_choices
from accounts.state_aid.duties.scope import keeps, states_seen_by
from accounts.state_aid.duties.yearly import year_of, years_of
from accounts.state_aid.registers import PROFILES
from accounts.state_aid.registers.forms import FORMATS, ExportForm, ReferencesForm, YearForm
from accounts.state_aid.registers.references import WrongLines, read_answers, record_references
from accounts.state_aid.registers.services import (
    file_of,
    filename,
    lines_for,
    make_export,
    make_yearly_export,
    media_type,
)
from accounts.views.access import add_refusal, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError

EXAMPLE = "entry,reference\nALC-2026-0001/1f2e3d4c,AIR-1\nALC-2026-0002/5a6b7c8d,AIR-2"
KEPT = 20
PREVIEW = 200
FIRST = {"profile": "eair", "only_open": True}


@for_officers
def register(request: HttpRequest) -> HttpResponse:
    """What would stand in the file and what the register would complain about; POST makes the file."""
    states = state_choices(request)
    if request.method == "POST":
        form = ExportForm(request.POST, states=states)
        if form.is_valid():
            try:
                names = ("state", "from_day", "to_day", "only_open", "pseudonyms")
                export = make_export(
                    profile_code=form.cleaned_data["profile"],
                    format_code=request.POST.get("format", ""),
                    actor=person(request),
                    **{name: form.cleaned_data[name] for name in names},
                )
            except DomainError as error:
                if error.status == 403:
                    raise
                add_refusal(form, error)
            else:
                messages.success(request, _("The file is made and kept below."))
                return redirect(f"{reverse('accounts:register')}#file-{export.pk}")
    else:
        first = {**FIRST, "state": states[0][0] if states else ""}
        form = ExportForm({**first, **request.GET.dict()} if not request.GET else request.GET, states=states)
    return render(request, "accounts/registers/register.html", _page(request, form))


def _page(request: HttpRequest, form: ExportForm) -> dict[str, Any]:
    lines, profile, state = [], None, ""
    if form.is_valid():
        profile, state = PROFILES[form.cleaned_data["profile"]], form.cleaned_data["state"]
        wanted = {name: form.cleaned_data[name] for name in ("from_day", "to_day", "only_open", "pseudonyms")}
        lines = lines_for(profile=profile, state=state, **wanted)
    seen = states_seen_by(person(request))
    exports = RegisterExport.objects.select_related("made_by").order_by("-created_at")
    exports = exports if seen is None else exports.filter(granting_state__in=seen)
    return {
        "rooms": rooms("register"),
        "form": form,
        "profile": profile,
        "lines": lines[:PREVIEW],
        "count": len(lines),
        "incomplete": sum(bool(line.problems) for line in lines),
        "may_make": bool(state) and keeps(person(request), state),
        "formats": FORMATS,
        "exports": _titled(list(exports[:KEPT])),
    }


def _titled(exports: list[RegisterExport]) -> list[RegisterExport]:
    """Each with the register's name as people call it, also when its profile is gone."""
    for export in exports:
        known = export.profile in PROFILES
        export.title = PROFILES[export.profile].title if known else _("Yearly totals")  # type: ignore[attr-defined]
    return exports


@login_required
def export_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A file made earlier, made again from its rows."""
    seen = states_seen_by(person(request))
    exports = RegisterExport.objects.all() if seen is None else RegisterExport.objects.filter(granting_state__in=seen)
    export = get_object_or_404(exports, pk=pk)
    content, _same = file_of(export)
    answer = HttpResponse(content, content_type=media_type(export))
    answer["Content-Disposition"] = f'attachment; filename="{filename(export)}"'
    answer["X-Content-SHA256"] = export.sha256
    return answer


@for_officers
def references(request: HttpRequest) -> HttpResponse:
    """The register's numbers for many awards at once."""
    states = state_choices(request, to_keep=True)
    form = ReferencesForm(request.POST or None, request.FILES or None, states=states)
    wrong: list[tuple[int, str]] = []
    if request.method == "POST" and form.is_valid():
        try:
            done = record_references(
                answers=read_answers(form.cleaned_data["file"]),
                kind=form.cleaned_data["kind"],
                state=form.cleaned_data["state"],
                actor=person(request),
                on=today(),
            )
        except WrongLines as error:
            wrong = error.lines
            add_refusal(form, error)
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form, error)
        else:
            said = ngettext("%(n)d award is recorded.", "%(n)d awards are recorded.", done) % {"n": done}
            messages.success(request, said)
            return redirect("accounts:duties")
    context = {
        "rooms": rooms("references"),
        "form": form,
        "wrong": wrong,
        "may_record": bool(states),
        "example": EXAMPLE,
    }
    return render(request, "accounts/registers/references.html", context)


@for_officers
def yearly(request: HttpRequest) -> HttpResponse:
    """A State's totals of a year, as they are reported by 30 June of the next."""
    states = state_choices(request)
    first = states[0][0] if states else ""
    state = request.GET.get("state", first)
    state = state if state in dict(states) else first
    years = years_of(state) or [today().year]
    form = YearForm({"state": state, "year": request.GET.get("year", years[0])}, states=states, years=years)
    year = form.cleaned_data["year"] if form.is_valid() else years[0]
    context = {
        "rooms": rooms("yearly"),
        "form": form,
        "year": year_of(state=state, year=year) if state else None,
        "formats": FORMATS,
        "may_make": bool(state) and keeps(person(request), state),
    }
    return render(request, "accounts/registers/yearly.html", context)


@login_required
@require_POST
def yearly_file(request: HttpRequest) -> HttpResponse:
    """Makes the year's file and leads to it."""
    form = YearForm(request.POST, states=state_choices(request), years=list(range(2014, today().year + 1)))
    if not form.is_valid():
        return redirect("accounts:yearly")
    export = make_yearly_export(format_code=request.POST.get("format", ""), actor=person(request), **form.cleaned_data)
    return redirect("accounts:export_file", pk=export.pk)
