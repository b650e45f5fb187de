"""The statement of other de minimis aid, and of what the rules ask the company itself, signed by somebody who may."""

from typing import Any

from django.contrib import messages
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.models import AidDeclaration, AidScheme, Organisation, SmeAssessment
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid import regimes
from accounts.state_aid.case import GENERAL
from accounts.state_aid.forms import MAX_LINES, DeclarationForm, LineFormSet, stored_lines
from accounts.state_aid.reminders import WHAT_COUNTS
from accounts.state_aid.services import declare_aid, latest_declaration, undertaking_of
from accounts.state_aid.services.cases import EXEMPTED, size_on
from accounts.views.access import add_refusal, in_organisation, organisation_of, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError


@in_organisation
def declare(request: HttpRequest) -> HttpResponse:
    organisation = organisation_of(request)
    require(person(request), Action.DECLARE, organisation=organisation)
    if request.method != "POST":
        return _page(request, *_unbound(organisation, person(request).full_name))
    if "more" in request.POST:
        return _with_one_more_line(request, organisation)
    form, lines = _bound(request.POST, organisation)
    both = [form.is_valid(), lines.is_valid()]
    if all(both) and _agree(form, lines):
        try:
            declare_aid(
                organisation=organisation,
                items=[line.item() for line in lines if line.cleaned_data],
                statements=form.statements(),
                signature=form.signature(),
                actor=person(request),
                on=today(),
            )
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The declaration is signed."))
            return redirect("accounts:aid")
    return _page(request, form, lines)


def _asked(organisation: Organisation) -> dict[str, bool]:
    """Which questions concern this company today."""
    in_force = AidScheme.objects.filter(basis__in=EXEMPTED, valid_from__lte=today()).exclude(valid_to__lt=today())
    excluded = {division for law in _general() for division in law.excluded_nace}
    size, _assessment = size_on(organisation, today())
    return {
        "exemption": in_force.exists(),
        "mixed": organisation.nace_code[:2] in excluded,
        "large": size == SmeAssessment.SizeClass.LARGE,
    }


def _general() -> list[Any]:
    return [law for law in regimes.laws_on(today()) if law.code == GENERAL]


def _members(organisation: Organisation) -> tuple[tuple[str, str], ...]:
    """The companies of the group that a line may speak of, the own one first."""
    return tuple((one.key, one.name or one.key) for one in undertaking_of(organisation=organisation, on=today()))


def _bound(data: Any, organisation: Organisation) -> tuple[DeclarationForm, Any]:
    lines = LineFormSet(data, prefix="lines", form_kwargs={"members": _members(organisation)})
    return DeclarationForm(data, **_asked(organisation)), lines


def _unbound(organisation: Organisation, name: str) -> tuple[DeclarationForm, Any]:
    """What was declared before is filled in; the signature never is."""
    earlier: AidDeclaration | None = latest_declaration(organisation)
    asked, kwargs = _asked(organisation), {"members": _members(organisation)}
    if earlier is None:
        return DeclarationForm(initial={"signer_name": name}, **asked), LineFormSet(prefix="lines", form_kwargs=kwargs)
    initial = {**DeclarationForm.initial_of(earlier.items, earlier.statements), "signer_name": name}
    initial["signer_position"] = earlier.signature.get("position", "")
    lines = LineFormSet(initial=stored_lines(earlier.items), prefix="lines", form_kwargs=kwargs)
    return DeclarationForm(initial=initial, **asked), lines


def _page(request: HttpRequest, form: DeclarationForm, lines: Any) -> HttpResponse:
    general = _general()
    context = {
        "form": form,
        "lines": lines,
        "may_add": len(lines.forms) < MAX_LINES,
        "what_counts": WHAT_COUNTS,
        "days": general[0].declaration_days if general else None,
    }
    return render(request, "accounts/aid_declare.html", context)


def _with_one_more_line(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """The same page with another empty line; nothing is checked yet and nothing typed is lost."""
    data = request.POST.copy()
    try:
        count = min(int(data.get("lines-TOTAL_FORMS", "1")) + 1, MAX_LINES)
    except ValueError:
        count = 1
    data["lines-TOTAL_FORMS"] = str(count)
    form, lines = _bound(data, organisation)
    for one in (form, *lines.forms):
        one._errors = ErrorDict()  # shown as typed, not judged
    return _page(request, form, lines)


def _agree(form: DeclarationForm, lines: Any) -> bool:
    """Yes needs lines and no forbids them, so that nobody signs one thing and lists another."""
    filled = any(line.cleaned_data for line in lines)
    answer = form.cleaned_data["other_aid"]
    if answer == "some" and not filled:
        form.add_error("other_aid", _("You answered yes: fill in at least one line."))
    if answer == "none" and filled:
        form.add_error("other_aid", _("You answered no, but lines are filled in. Empty them, or answer yes."))
    return not form.errors
