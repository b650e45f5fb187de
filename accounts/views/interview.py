"""The interview about the size of the company: one screen for each subject, saved as it goes, signed at its end."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.forms.interview import ChangesForm, Explained, FiguresForm, HoldingsForm, OwnersForm, SignForm
from accounts.interview_wording import answers_in_words
from accounts.models import AccountYear, Organisation
from accounts.permissions import may
from accounts.roles import Action
from accounts.services import declare_size, record_account_year
from accounts.services.interview import open_points
from accounts.services.ownership import save_answers, statement_of
from accounts.services.size import preview_size
from accounts.sme.graph import Basis, Figures
from accounts.sme.stored import classification_to_json
from accounts.views.access import add_refusal, in_organisation, organisation_of, person
from accounts.views.size_common import address, drawings_of, editing, frame, next_step, preview_from, preview_of
from portal.kernel.clock import today
from portal.kernel.errors import DomainError
from portal.kernel.web import row_number

FORMS: dict[str, type[Explained]] = {"owners": OwnersForm, "holdings": HoldingsForm, "changes": ChangesForm}


@in_organisation
def step(request: HttpRequest, code: str) -> HttpResponse:
    """One of the screens with plain questions. Whatever is sent is kept, complete or not."""
    organisation = editing(request)
    form = FORMS[code](
        request.POST if request.method == "POST" else None, initial=statement_of(organisation).answers.get(code, {})
    )
    if request.method == "POST":
        save_answers(actor=person(request), organisation=organisation, step=code, answers=form.kept())
        if request.POST.get("action") == "keep":
            return HttpResponse(status=204)
        if request.POST.get("action") == "later":
            return _later(request)
        if form.is_valid():
            return redirect(address(next_step(organisation, code)))
    return render(
        request,
        "accounts/size_step.html",
        {**frame(organisation, code), "form": form},
        status=422 if form.is_bound else 200,
    )


@in_organisation
def figures(request: HttpRequest) -> HttpResponse:
    """The figures of the closed years, or the estimate of a new company."""
    organisation = editing(request)
    years = list(organisation.account_years.all())
    action = request.POST.get("action", "")
    kept = statement_of(organisation).answers.get("figures", {})
    form = FiguresForm(
        request.POST if request.method == "POST" else None, initial=_first_values(request, organisation, kept)
    )
    if request.method == "POST":
        if action in ("keep", "later"):
            save_answers(actor=person(request), organisation=organisation, step="figures", answers=form.kept())
            return HttpResponse(status=204) if action == "keep" else _later(request)
        if action == "go" and years:
            return redirect(address(next_step(organisation, "figures")))
        if form.is_valid() and _save_year(request, organisation, form):
            return redirect(
                f"{address('figures')}?add=1" if action == "add" else address(next_step(organisation, "figures"))
            )
    asked = request.method == "POST" or not years or "add" in request.GET or "year" in request.GET
    context = {
        **frame(organisation, "figures"),
        "form": form if asked else None,
        "years": years,
        "preview": preview_of(organisation, today()),
    }
    return render(request, "accounts/size_figures.html", context, status=422 if form.is_bound else 200)


@in_organisation
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The panel for what the form of figures says right now; nothing is saved but the draft."""
    organisation = editing(request)
    form = FiguresForm(request.POST)
    save_answers(actor=person(request), organisation=organisation, step="figures", answers=form.kept())
    year = None
    if form.is_valid():
        given = form.cleaned_data
        year = Figures(
            given["year_end"],
            given["headcount_awu"],
            given["turnover_eur"],
            given["balance_sheet_eur"],
            Basis(given["basis"]),
        )
    return render(request, "accounts/_size_preview.html", {"preview": preview_of(organisation, today(), year)})


@in_organisation
def check(request: HttpRequest) -> HttpResponse:
    """Everything on one page, the papers, and the signature."""
    organisation, user = organisation_of(request), person(request)
    form = SignForm(request.POST if request.method == "POST" else None, initial={"name": user.full_name})
    points = open_points(organisation)
    if request.method == "POST" and not points and form.is_valid():
        signature = {name: form.cleaned_data[name] for name in ("name", "position")}
        try:
            assessment = declare_size(actor=user, organisation=organisation, on=today(), signature=signature)
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form, error)
        else:
            messages.success(request, _("Signed: %(size)s.") % {"size": assessment.get_size_class_display()})
            return redirect("accounts:size_statement", assessment.pk)
    ownership, found = preview_size(organisation=organisation, on=today())
    context = {
        **frame(organisation, "check"),
        **drawings_of(ownership, classification_to_json(found)),
        "form": form,
        "points": [{"url": address(one.step), "text": one.sentence} for one in points],
        "preview": preview_from(found, known=organisation.account_years.exists()),
        "answered": [
            (term, value, address(one)) for term, value, one in answers_in_words(statement_of(organisation).answers)
        ],
        "years": list(organisation.account_years.all()),
        "papers": list(organisation.evidence.filter(assessment=None)),
        "may_sign": may(user, Action.DECLARE, organisation=organisation),
        "may_edit": may(user, Action.EDIT_ORGANISATION, organisation=organisation),
    }
    return render(request, "accounts/size_check.html", context, status=422 if form.is_bound else 200)


def _later(request: HttpRequest) -> HttpResponse:
    messages.success(request, _("Saved. Go on whenever you like; nothing was signed."))
    return redirect("accounts:company_facts")


def _save_year(request: HttpRequest, organisation: Organisation, form: FiguresForm) -> bool:
    user = person(request)
    try:
        record_account_year(actor=user, organisation=organisation, on=today(), **form.cleaned_data)
    except DomainError as error:
        if error.status == 403:
            raise
        add_refusal(form, error)
        return False
    save_answers(actor=user, organisation=organisation, step="figures", answers={})
    return True


def _first_values(request: HttpRequest, organisation: Organisation, kept: dict[str, Any]) -> dict[str, Any]:
    """What the form of figures starts with: the year to be changed, the draft, or the closing that is asked next."""
    if wanted := request.GET.get("year"):
        year = organisation.account_years.filter(pk=row_number(wanted)).first()
        if year is not None:
            names = ("year_end", "headcount_awu", "turnover_eur", "balance_sheet_eur", "basis")
            return {name: getattr(year, name) for name in names}
    if kept:
        return kept
    return {"year_end": _closing_to_ask(organisation), "basis": AccountYear.Basis.APPROVED.value}


def _closing_to_ask(organisation: Organisation) -> date:
    """The latest closing whose figures are missing, going back from today."""
    known = set(organisation.account_years.values_list("year_end", flat=True))
    day = _closing(organisation, today().year)
    while day >= today() or day in known:
        day = _closing(organisation, day.year - 1)
    return day


def _closing(organisation: Organisation, year: int) -> date:
    month, day = organisation.fiscal_year_end_month, organisation.fiscal_year_end_day
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1
