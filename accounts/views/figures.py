"""The size of the company: what is signed, what is being stated, and the figures of its years."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import services
from accounts.models import AccountYear, Organisation, OwnershipStatement, SmeAssessment
from accounts.permissions import may
from accounts.roles import Action
from accounts.services.interview import open_points
from accounts.services.ownership import ownership_of, read_group, statement_of
from accounts.size_in_force import is_due, last_day_in_force
from accounts.sme.graph import ownership_to_json
from accounts.views.access import in_organisation, organisation_of, person
from accounts.views.size_common import STEPS, address, steps_of
from portal.kernel.clock import today

EARLIER = 12


@in_organisation
@require_safe
def facts(request: HttpRequest) -> HttpResponse:
    """The entry to everything about size."""
    organisation, user = organisation_of(request), person(request)
    statements = list(organisation.sme_assessments.prefetch_related("reviews")[: EARLIER + 1])
    assessment = statements[0] if statements else None
    end = last_day_in_force(assessment) if assessment else None
    may_edit = may(user, Action.EDIT_ORGANISATION, organisation=organisation)
    statement = statement_of(read_group(organisation))
    tasks, ahead = _tasks(organisation, statement)
    due = assessment is not None and is_due(assessment, today())
    is_signed = assessment is not None and not due and _says(assessment, organisation, statement)
    if is_signed:
        tasks[-1] |= {"state": "done", "url": address("check")}
    context = {
        "organisation": organisation,
        "assessment": assessment,
        "earlier": statements[1:],
        "last_day": end,
        "is_due": due,
        "has_expired": end is not None and today() > end,
        "years": list(organisation.account_years.all())[:10],
        "tasks": [{**task, "url": task["url"] if may_edit else ""} for task in tasks],
        "ahead": ahead,
        "is_signed": is_signed,
        "begun": bool(statement.answers),
        "may_edit": may_edit,
        "may_declare": may(user, Action.DECLARE, organisation=organisation),
    }
    return render(request, "accounts/company_facts.html", context)


def _tasks(organisation: Organisation, statement: OwnershipStatement) -> tuple[list[dict[str, str]], str]:
    """The steps with their state, and the address of the first that is not done."""
    missing = {point.step for point in open_points(organisation, statement)}
    titles = {code: str(title) for code, title, _minutes in STEPS}
    ahead, tasks = "", []
    for code in steps_of(organisation, statement):
        state = (
            "todo" if code in missing or (code == "check" and not missing) else "later" if code == "check" else "done"
        )
        if state == "todo" and not ahead:
            ahead = address(code)
        tasks.append({"title": titles[code], "state": state, "url": address(code) if state != "later" else ""})
    return tasks, ahead


def _says(assessment: SmeAssessment, organisation: Organisation, statement: OwnershipStatement) -> bool:
    """Whether what is stated now is what was signed."""
    signed = assessment.trace.get("inputs", {}).get("ownership")
    return bool(signed == ownership_to_json(ownership_of(organisation, statement)))


@in_organisation
@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    organisation = organisation_of(request)
    year = get_object_or_404(AccountYear, pk=pk, organisation=organisation)
    services.forget_account_year(actor=person(request), organisation=organisation, year=year)
    messages.success(request, _("The figures are removed. What was signed before keeps its own copy."))
    return redirect("accounts:size_figures")
