"""For administrators: the law as dated rows, the readings of open questions, rates, caps and the schemes of States."""

from datetime import date
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts import countries
from accounts.models import AidScheme, LegalParameter
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid import regimes, serial
from accounts.state_aid.case import Kind
from accounts.state_aid.law_forms import ParameterForm, SchemeForm
from accounts.state_aid.parameters import KEYS, READINGS, Key, in_force, policy_from
from accounts.state_aid.services import enter_parameter, save_scheme
from accounts.state_aid.services.law import Rules
from accounts.views.access import View, add_refusal, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError


def administrators(view: View) -> View:
    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require(person(request), Action.MANAGE_LAW)
        return view(request, *args, **kwargs)

    return guarded


@administrators
def law(request: HttpRequest) -> HttpResponse:
    """What holds today: the texts, the readings, how many rows each kind has, and the schemes."""
    on = today()
    rules = Rules(on)
    rows = list(LegalParameter.objects.values_list("key", "valid_from", "valid_to"))
    context = {
        "laws": sorted(rules.laws, key=lambda one: (one.kind is not Kind.DE_MINIMIS, one.code)),
        "today": on,
        "readings": _readings(on),
        "keys": [{"key": key, "rows": sum(1 for code, *_days in rows if code == key.code)} for key in KEYS.values()],
        "schemes": AidScheme.objects.all(),
    }
    return render(request, "accounts/law.html", context)


def _readings(on: date) -> list[dict[str, Any]]:
    """Each open question with the reading that holds that day."""
    values = [
        row.value
        for row in LegalParameter.objects.filter(key="policy").order_by("valid_from", "created_at")
        if in_force(row.valid_from, row.valid_to, on)
    ]
    policy = policy_from(values)
    said = {name for value in values for name in value}
    return [
        {
            "reading": reading,
            "answer": next(one.label for one in reading.choices if one.value == getattr(policy, reading.name)),
            "chosen": reading.name in said,
        }
        for reading in READINGS
    ]


@administrators
def parameters(request: HttpRequest, key: str) -> HttpResponse:
    """Every row of one kind, the newest first, and a form for another one."""
    known = _known(key)
    form = ParameterForm(request.POST or None, key=known, initial=_initial(known, request.GET.get("from", "")))
    if request.method == "POST" and form.is_valid():
        try:
            enter_parameter(key=key, **_entered(known, form), actor=person(request))
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Entered. Of rows for the same day the newest counts."))
            return redirect("accounts:law_parameters", key)
    history = LegalParameter.objects.filter(key=key).select_related("entered_by").order_by("-created_at")
    context = {
        "key": known,
        "form": form,
        "history": [_shown(known, row) for row in history[:200]],
        "texts": [one for one in regimes.BUILT_IN if one.kind is not Kind.THRESHOLD] if key == "law" else [],
    }
    return render(request, "accounts/law_parameters.html", context)


def _known(key: str) -> Key:
    if key not in KEYS:
        raise Http404
    return KEYS[key]


def _entered(key: Key, form: ParameterForm) -> dict[str, Any]:
    cleaned = form.cleaned_data
    value = form.value()
    entered = {"value": value, "source": cleaned["source"], "state": cleaned.get("state", "")}
    if key.code != "law":
        return {**entered, "valid_from": cleaned["valid_from"], "valid_to": cleaned["valid_to"]}
    return {**entered, **_days(value)}


def _days(value: Any) -> dict[str, Any]:
    """The days a row of law gives itself; what is no row is refused by the service, which names the place."""
    try:
        read = serial.law_from_json(value)
    except serial.Unreadable:
        return {"valid_from": today(), "valid_to": None}
    return {"valid_from": read.valid_from, "valid_to": read.adjustment_until}


def _initial(key: Key, code: str) -> dict[str, Any]:
    """For a text of law: the row in force to start from, so that a new version is a few changed words."""
    if key.code != "law" or not code:
        return {}
    rows = [one for one in Rules(today()).laws if one.code == code] or [
        one for one in regimes.BUILT_IN if one.code == code
    ]
    return {"row": serial.law_to_json(rows[-1])} if rows else {}


def _shown(key: Key, row: LegalParameter) -> dict[str, Any]:
    scope = countries.name(row.state) if key.scope == "state" and row.state else row.state
    if key.code == "law":
        text = f"{row.value['code']}: {row.value['version']}"
    else:
        text = ", ".join(f"{_label(key, name)} {_word(key, name, value)}" for name, value in row.value.items())
    return {"row": row, "scope": scope, "text": text}


def _label(key: Key, name: str) -> str:
    return str(next((part.label for part in key.parts if part.name == name), name))


def _word(key: Key, name: str, value: Any) -> str:
    part = next((part for part in key.parts if part.name == name), None)
    choices = part.choices if part else ()
    return str(next((choice.label for choice in choices if choice.value == value), value))


@administrators
def scheme(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A State's published measure, added or edited; every change is on record."""
    found = get_object_or_404(AidScheme, pk=pk) if pk else None
    form = SchemeForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            save_scheme(scheme=form.save(commit=False), actor=person(request), on=today())
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:law")
    return render(request, "accounts/law_scheme.html", {"form": form, "scheme": found})
