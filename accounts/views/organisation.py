"""The organisation: founding, looking at, changing and choosing it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import nace, services
from accounts.forms.organisation import OrganisationDetailsForm, OrganisationForm
from accounts.models import Organisation
from accounts.permissions import may, require
from accounts.roles import Action
from accounts.selectors import has_second_factor
from accounts.state_aid.services import headrooms, latest_declaration
from accounts.views.access import (
    add_refusal,
    as_uuid,
    in_organisation,
    organisation_of,
    organisation_or_none,
    person,
    way_back,
)
from accounts.views.setup import setup_tasks
from portal.kernel.clock import today
from portal.kernel.errors import DomainError


@login_required
def create(request: HttpRequest) -> HttpResponse:
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            organisation = services.create_organisation(actor=person(request), **form.cleaned_data)
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("%(name)s is registered.") % {"name": organisation})
            return redirect("accounts:organisation")
    return render(request, "accounts/organisation_create.html", {"form": form})


@login_required
def show(request: HttpRequest) -> HttpResponse:
    """The current organisation with what is still to do; without one, the choice."""
    organisation = organisation_or_none(request)
    user = person(request)
    if organisation is None:
        mine = list(Organisation.objects.visible_to(user))
        return render(request, "accounts/organisation_choose.html", {"organisations": mine})
    assessment = services.latest_assessment(organisation)
    declaration = latest_declaration(organisation)
    tasks = setup_tasks(
        assessment=assessment,
        declaration=declaration,
        second_factor=has_second_factor(user),
        may_declare=may(user, Action.DECLARE, organisation=organisation),
        on=today(),
    )
    context = {
        "organisation": organisation,
        "nace_title": nace.title(organisation.nace_code),
        "assessment": assessment,
        "tasks": tasks,
        "rooms": headrooms(organisation=organisation, on=today()),
        "may_edit": may(user, Action.EDIT_ORGANISATION, organisation=organisation),
    }
    return render(request, "accounts/organisation.html", context)


@in_organisation
def edit(request: HttpRequest) -> HttpResponse:
    organisation = organisation_of(request)
    require(person(request), Action.EDIT_ORGANISATION, organisation=organisation)
    names = OrganisationDetailsForm.base_fields
    form = OrganisationDetailsForm(request.POST or None, initial={name: getattr(organisation, name) for name in names})
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_organisation(actor=person(request), organisation=organisation, **form.cleaned_data)
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The details are saved."))
            return redirect("accounts:organisation")
    return render(request, "accounts/organisation_edit.html", {"form": form, "organisation": organisation})


@login_required
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Works for another of the person's organisations from now on."""
    form_value = request.POST.get("organisation", "")
    organisation = get_object_or_404(Organisation.objects.visible_to(person(request)), pk=as_uuid(form_value))
    services.switch_organisation(actor=person(request), organisation=organisation)
    messages.success(request, _("You are now working for %(name)s.") % {"name": organisation})
    return redirect(way_back(request, reverse("accounts:organisation")))
