"""The person's own page: name, language, time zone, taking their data along, and leaving."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import erasure, services
from accounts.forms.people import EraseForm, ProfileForm
from accounts.retained import KEPT
from accounts.views.access import add_refusal, person
from portal.kernel.clock import now
from portal.kernel.errors import DomainError


@login_required
def profile(request: HttpRequest) -> HttpResponse:
    user = person(request)
    form = ProfileForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_profile(actor=user, **form.cleaned_data)
        except DomainError as error:
            add_refusal(form, error)
        else:
            with translation.override(user.language):
                messages.success(request, _("Your profile is saved."))
            return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form})


@login_required
@reauthentication_required
def export(request: HttpRequest) -> HttpResponse:
    """Everything kept about the person, as a JSON file."""
    answer = JsonResponse(
        erasure.export_person(person(request)), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    answer["Content-Disposition"] = 'attachment; filename="open-paas-my-data.json"'
    answer["Cache-Control"] = "no-store"
    return answer


@login_required
@reauthentication_required
def erase(request: HttpRequest) -> HttpResponse:
    """Says what goes and what must stay, and deletes the account on confirmation."""
    user = person(request)
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            erasure.erase_person(actor=user, person=user, at=now())
        except DomainError as error:
            add_refusal(form, error)
        else:
            logout(request)
            messages.success(request, _("Your account is deleted."))
            return redirect("home")
    return render(request, "accounts/erase.html", {"form": form, "reason": erasure.reason_to_stay(user), "kept": KEPT})
