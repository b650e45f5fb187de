"""Company figures, entered once, and the signed statement of the company's size."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import services
from accounts.forms.organisation import AccountYearForm, DeclareSizeForm
from accounts.models import AccountYear
from accounts.permissions import may
from accounts.roles import Action
from accounts.services.size import preview_size
from accounts.size_wording import size_label, step_sentences
from accounts.sme.rules import Size, classification_to_json
from accounts.views.access import add_refusal, in_organisation, organisation_of, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError


@in_organisation
def facts(request: HttpRequest) -> HttpResponse:
    """Two small forms on one page: a year's figures, and the signature."""
    organisation, user = organisation_of(request), person(request)
    signing = request.method == "POST" and "sign" in request.POST
    adding = request.method == "POST" and not signing
    year_form = AccountYearForm(request.POST if adding else None)
    sign_form = DeclareSizeForm(request.POST if signing else None)
    try:
        if adding and year_form.is_valid():
            services.record_account_year(actor=user, organisation=organisation, on=today(), **year_form.cleaned_data)
            messages.success(request, _("The figures are saved. Sign below when all years are in."))
            return redirect("accounts:company_facts")
        if signing and sign_form.is_valid():
            assessment = services.declare_size(
                actor=user, organisation=organisation, autonomous=sign_form.cleaned_data["autonomous"], on=today()
            )
            messages.success(request, _("Signed: %(size)s.") % {"size": assessment.get_size_class_display()})
            return redirect("accounts:company_facts")
    except DomainError as error:
        if error.status == 403:
            raise
        add_refusal(year_form if adding else sign_form, error)
    return render(request, "accounts/company_facts.html", _context(request, year_form, sign_form, signing))


def _context(
    request: HttpRequest, year_form: AccountYearForm, sign_form: DeclareSizeForm, signing: bool
) -> dict[str, object]:
    organisation, user = organisation_of(request), person(request)
    years = list(organisation.account_years.all())
    assessment = services.latest_assessment(organisation)
    preview = preview_size(organisation=organisation, autonomous=True, on=today()) if years else None
    undecided = preview is not None and preview.size is Size.REVIEW
    return {
        "organisation": organisation,
        "years": years,
        "assessment": assessment,
        "explained": step_sentences(assessment.trace) if assessment else [],
        "preview": size_label(preview.size) if preview and not undecided else "",
        "obstacle": step_sentences(classification_to_json(preview))[-1][0] if preview and undecided else "",
        "year_form": year_form,
        "sign_form": sign_form,
        "form": sign_form if signing else year_form,
        "may_edit": may(user, Action.EDIT_ORGANISATION, organisation=organisation),
        "may_declare": may(user, Action.DECLARE, organisation=organisation),
    }


@in_organisation
@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    organisation = organisation_of(request)
    year = get_object_or_404(AccountYear, pk=pk, organisation=organisation)
    services.forget_account_year(actor=person(request), organisation=organisation, year=year)
    messages.success(request, _("The figures are removed. What was signed before keeps its own copy."))
    return redirect("accounts:company_facts")
