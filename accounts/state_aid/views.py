"""Public support: what was used and is left in each State, the signed declaration, and the table as CSV."""

import csv
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts import countries
from accounts.models import AidAssessment, AidAward, AidDeclaration
from accounts.permissions import may, require
from accounts.roles import Action
from accounts.state_aid import rules
from accounts.state_aid.charts import recovery_chart
from accounts.state_aid.forms import MAX_LINES, DeclarationForm, LineFormSet, stored_lines
from accounts.state_aid.regimes import regime_on
from accounts.state_aid.services import Headroom, declare_aid, headrooms, latest_declaration
from accounts.state_aid.wording import REGULATIONS, SENTENCES
from accounts.views.access import add_refusal, in_organisation, organisation_of, organisation_or_none, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError

CSV_COLUMNS = (
    "state",
    "granted_on",
    "amount_eur",
    "regulation",
    "source",
    "reference",
    "counts_today",
    "counts_no_more_from",
)


def aid(request: HttpRequest) -> HttpResponse:
    """For visitors, what de minimis means; for a company, its own account of it."""
    organisation = organisation_or_none(request)
    regime = regime_on(today())
    if organisation is None:
        return render(request, "accounts/aid_explained.html", {"regime": regime})
    rooms = headrooms(organisation=organisation, on=today())
    context = {
        "organisation": organisation,
        "regime": regime,
        "rooms": [_shown(room) for room in rooms],
        "declaration": latest_declaration(organisation),
        "may_declare": may(person(request), Action.DECLARE, organisation=organisation),
    }
    return render(request, "accounts/aid.html", context)


def _shown(room: Headroom) -> dict[str, Any]:
    """One State's account as the template shows it."""
    rows = [
        {"item": item, "regulation": REGULATIONS.get(item.aid.regime, item.aid.regime)} for item in reversed(room.items)
    ]
    return {
        "room": room,
        "country": countries.name(room.granting_state),
        "rows": rows,
        "chart": recovery_chart(room),
    }


@in_organisation
def aid_csv(request: HttpRequest) -> HttpResponse:
    """Every award and declared grant, one line each, as the page shows them."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="public-support.csv"'
    answer.write("\ufeff")
    writer = csv.writer(answer)
    writer.writerow(CSV_COLUMNS)
    for room in headrooms(organisation=organisation_of(request), on=today()):
        for item in room.items:
            one = item.aid
            row = [one.state, one.granted_on.isoformat(), str(one.amount_eur), one.regime, one.source, one.reference]
            row += ["yes" if item.counted else "no", item.falls_out_on.isoformat()]
            writer.writerow([_harmless(cell) for cell in row])
    return answer


def _harmless(cell: str) -> str:
    """Spreadsheets run what begins like a formula; an apostrophe keeps it text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


@in_organisation
def declare(request: HttpRequest) -> HttpResponse:
    """The statement of other de minimis aid, signed by somebody who may."""
    organisation = organisation_of(request)
    require(person(request), Action.DECLARE, organisation=organisation)
    if request.method == "POST" and "more" in request.POST:
        return _with_one_more_line(request)
    form, lines = _bound(request) if request.method == "POST" else _unbound(latest_declaration(organisation))
    if request.method == "POST" and form.is_valid() and lines.is_valid() and _agree(form, lines):
        items = [line.cleaned_data for line in lines if line.cleaned_data]
        try:
            declare_aid(organisation=organisation, items=items, actor=person(request), on=today())
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The declaration is signed."))
            return redirect("accounts:aid")
    return render(request, "accounts/aid_declare.html", _page(form, lines))


def _bound(request: HttpRequest) -> tuple[DeclarationForm, Any]:
    return DeclarationForm(request.POST), LineFormSet(request.POST, prefix="lines")


def _unbound(earlier: AidDeclaration | None) -> tuple[DeclarationForm, Any]:
    """What was declared before is filled in; the signature never is."""
    if earlier is None:
        return DeclarationForm(), LineFormSet(prefix="lines")
    answer = {"other_aid": "some" if earlier.items else "none"}
    return DeclarationForm(initial=answer), LineFormSet(initial=stored_lines(earlier.items), prefix="lines")


def _page(form: DeclarationForm, lines: Any) -> dict[str, Any]:
    return {"form": form, "lines": lines, "may_add": len(lines.forms) < MAX_LINES}


def _with_one_more_line(request: HttpRequest) -> HttpResponse:
    """The same page with another empty line; nothing is checked yet and nothing typed is lost."""
    data = request.POST.copy()
    try:
        count = min(int(data.get("lines-TOTAL_FORMS", "1")) + 1, MAX_LINES)
    except ValueError:
        count = 1
    data["lines-TOTAL_FORMS"] = str(count)
    form, lines = DeclarationForm(data), LineFormSet(data, prefix="lines")
    for one in (form, *lines.forms):
        one._errors = ErrorDict()  # shown as typed, not judged
    return render(request, "accounts/aid_declare.html", _page(form, lines))


def _agree(form: DeclarationForm, lines: Any) -> bool:
    """Yes needs lines and no forbids them, so that nobody signs one thing and lists another."""
    filled = any(line.cleaned_data for line in lines)
    answer = form.cleaned_data["other_aid"]
    if answer == "some" and not filled:
        form.add_error("other_aid", _("You answered yes: fill in at least one line."))
    if answer == "none" and filled:
        form.add_error("other_aid", _("You answered no, but lines are filled in. Empty them, or answer yes."))
    return not form.errors


@login_required
def ledger(request: HttpRequest) -> HttpResponse:
    """For auditors: every award of every organisation, newest first."""
    require(person(request), Action.READ_AID_LEDGER)
    awards = AidAward.objects.select_related("organisation").order_by("-created_at")
    page = Paginator(awards, 50).get_page(request.GET.get("page"))
    return render(request, "accounts/aid_ledger.html", {"page_obj": page})


@login_required
def assessment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """For auditors: one verdict with its inputs, computed again on the spot."""
    require(person(request), Action.READ_AID_LEDGER)
    stored = get_object_or_404(AidAssessment.objects.select_related("organisation"), pk=pk)
    again = rules.replay(stored.case)
    context = {
        "stored": stored,
        "same": again == stored.verdict,
        "again": again,
        "reasons": [
            {"text": SENTENCES.get(reason["code"], reason["code"]), "article": reason["article"]}
            for reason in stored.verdict["reasons"]
        ],
        "items": [{**item, "day": date.fromisoformat(item["aid"]["granted_on"])} for item in stored.verdict["items"]],
        "country": countries.name(stored.case["granting_state"]),
    }
    return render(request, "accounts/aid_assessment.html", context)
