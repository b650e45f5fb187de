"""Our group: who controls whom since when, what happened to the companies, and what others state about us."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.forms.utils import ErrorDict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import AidAward, ControlStatement, Organisation, UndertakingEvent
from accounts.permissions import may, require
from accounts.roles import Action
from accounts.state_aid import group_forms as forms
from accounts.state_aid import services
from accounts.state_aid.keys import organisation_key
from accounts.state_aid.services.undertakings import keys_of
from accounts.views.access import add_refusal, in_organisation, organisation_of, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError, NotAllowed


@in_organisation
def group(request: HttpRequest) -> HttpResponse:
    organisation = organisation_of(request)
    context = {
        "organisation": organisation,
        "members": services.undertaking_of(organisation=organisation, on=today()),
        "links": [_link(row, today()) for row in organisation.control_statements.order_by("-valid_from")],
        "events": [_event(row) for row in _events(organisation)],
        "waiting": services.waiting_for(organisation),
        "may_state": may(person(request), Action.DECLARE, organisation=organisation),
    }
    return render(request, "accounts/group.html", context)


def _link(row: ControlStatement, on: date) -> dict[str, Any]:
    ended = row.valid_to is not None and row.valid_to <= on
    refused = row.refused_on is not None
    return {"row": row, "ended": ended, "refused": refused, "confirmed": row.confirmed_on is not None}


def _events(organisation: Organisation) -> list[UndertakingEvent]:
    rows = organisation.undertaking_events.filter(superseded_by__isnull=True).exclude(before=[], after=[])
    return list(rows.order_by("-on", "-created_at"))


def _event(row: UndertakingEvent) -> dict[str, Any]:
    own = organisation_key(row.organisation_id)

    def named(keys: list[str]) -> list[str]:
        return [row.names.get(key) or (row.organisation.legal_name if key == own else key) for key in keys]

    return {"row": row, "before": named(row.before), "after": named(row.after)}


@in_organisation
def link(request: HttpRequest) -> HttpResponse:
    """Stating that one company controls another."""
    organisation = organisation_of(request)
    require(person(request), Action.DECLARE, organisation=organisation)
    form = forms.LinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cleaned, me = form.cleaned_data, organisation_key(organisation.pk)
        other = forms.company_key(cleaned, _known_names(organisation))
        up = cleaned["direction"] == "up"
        try:
            services.state_link(
                organisation=organisation,
                controller=other if up else me,
                controller_name=cleaned["name"] if up else organisation.legal_name,
                controlled=me if up else other,
                controlled_name=organisation.legal_name if up else cleaned["name"],
                ground=cleaned["ground"],
                valid_from=cleaned["valid_from"],
                actor=person(request),
                on=today(),
            )
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The link is stated."))
            return redirect("accounts:group")
    return render(request, "accounts/group_link.html", {"form": form})


def _known_names(organisation: Organisation) -> dict[str, str]:
    """Companies without a number that we stated before, by name, so that the same name means the same company."""
    found: dict[str, str] = {}
    for row in organisation.control_statements.all():
        for key, name in ((row.controller, row.controller_name), (row.controlled, row.controlled_name)):
            if key.startswith("party:"):
                found.setdefault(name.strip().casefold(), key)
    return found


@in_organisation
def link_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    organisation = organisation_of(request)
    row = get_object_or_404(ControlStatement, pk=pk, organisation=organisation)
    require(person(request), Action.DECLARE, organisation=organisation)
    form = forms.EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.end_link(
                statement=row, last_day_before=form.cleaned_data["valid_to"], actor=person(request), on=today()
            )
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The link has ended. What was granted before stays as it was judged."))
            return redirect("accounts:group")
    return render(request, "accounts/group_link_end.html", {"form": form, "row": row})


@in_organisation
@require_POST
def link_confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An owner says that what another company states about theirs is right."""
    organisation = organisation_of(request)
    row = _stated_about(organisation, pk)
    try:
        services.confirm_link(statement=row, actor=person(request), on=today(), as_organisation=organisation)
    except NotAllowed:
        raise
    except DomainError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, _("The link is confirmed: public support of both companies counts together."))
    return redirect("accounts:group")


def _stated_about(organisation: Organisation, pk: UUID) -> ControlStatement:
    """A statement of somebody else that names the organisation; every other row does not exist here."""
    row = get_object_or_404(ControlStatement.objects.exclude(organisation=organisation), pk=pk)
    if {row.controller, row.controlled}.isdisjoint(keys_of(organisation)):
        raise Http404
    return row


@in_organisation
def link_refuse(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An owner says that what another company states about theirs is wrong, and why."""
    organisation = organisation_of(request)
    row = _stated_about(organisation, pk)
    require(person(request), Action.DECLARE, organisation=organisation)
    form = forms.RefuseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.refuse_link(
                statement=row,
                reason=form.cleaned_data["reason"],
                actor=person(request),
                on=today(),
                as_organisation=organisation,
            )
        except NotAllowed:
            raise
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Refused. The link counts for nobody; the company that stated it is told."))
            return redirect("accounts:group")
    return render(request, "accounts/group_link_refuse.html", {"form": form, "row": row})


@in_organisation
def event(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Stating a merger, takeover or split, or correcting one: a correction is a row of its own."""
    organisation = organisation_of(request)
    corrected = get_object_or_404(UndertakingEvent, pk=pk, organisation=organisation) if pk else None
    require(person(request), Action.DECLARE, organisation=organisation)
    if corrected is not None and "take_back" in request.POST:
        return _take_back(request, corrected)
    if request.method != "POST":
        return _event_page(request, *_unbound(organisation, corrected), corrected)
    data = request.POST.copy()
    if "more" in data:
        data["companies-TOTAL_FORMS"] = str(_count(data) + 1)
    form, companies, used = _bound(data, organisation)
    if "more" in data:
        for one in (form, used, *companies.forms):
            one._errors = ErrorDict()
        return _event_page(request, form, companies, used, corrected)
    if all([form.is_valid(), companies.is_valid(), used.is_valid()]):
        try:
            services.record_event(**_facts(organisation, form, companies, used, corrected), actor=person(request))
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Recorded. What is left under each ceiling is worked out anew."))
            return redirect("accounts:group")
    return _event_page(request, form, companies, used, corrected)


def _count(data: Any) -> int:
    try:
        return min(int(data.get("companies-TOTAL_FORMS", "1")), forms.MAX_COMPANIES - 1)
    except ValueError:
        return 1


def _references(organisation: Organisation) -> list[str]:
    rows = AidAward.objects.filter(organisation=organisation, event=AidAward.Event.RESERVED)
    return sorted(set(rows.values_list("reference", flat=True)))


def _bound(data: Any, organisation: Organisation) -> tuple[Any, Any, Any]:
    companies = forms.CompanySet(data, prefix="companies")
    used = forms.UsedByForm(data, references=_references(organisation), lines=len(companies.forms))
    return forms.EventForm(data), companies, used


def _unbound(organisation: Organisation, corrected: UndertakingEvent | None) -> tuple[Any, Any, Any]:
    if corrected is None:
        used = forms.UsedByForm(references=_references(organisation), lines=1)
        return forms.EventForm(initial={"we_were": True, "we_are": True}), forms.CompanySet(prefix="companies"), used
    me = organisation_key(organisation.pk)
    others = list(dict.fromkeys(key for key in (*corrected.before, *corrected.after) if key != me))
    lines = [
        {
            "name": corrected.names.get(key, ""),
            **_numbers(key),
            "before": key in corrected.before,
            "after": key in corrected.after,
            "equity": corrected.equity.get(key),
        }
        for key in others
    ]
    initial = {
        "kind": corrected.kind,
        "on": corrected.on,
        "we_were": me in corrected.before,
        "we_are": me in corrected.after,
        "buyer": forms.US if corrected.before[:1] == [me] else "first",
        "equity": corrected.equity.get(me),
        "note": corrected.note,
    }
    order = {key: str(number) for number, key in enumerate(others)} | {me: forms.US}
    references = _references(organisation)
    used = {f"used_{n}": order.get(corrected.used_by.get(ref, ""), "") for n, ref in enumerate(references)}
    return (
        forms.EventForm(initial=initial),
        forms.CompanySet(initial=lines, prefix="companies"),
        forms.UsedByForm(references=references, lines=len(lines) + 1, initial=used),
    )


def _numbers(key: str) -> dict[str, str]:
    """The number in a key, and its country where the number tells; another organisation's own key tells nothing."""
    kind, _colon, number = key.partition(":")
    country = {"EL": "GR"}.get(number[:2], number[:2]) if kind in ("vat", "euid") else ""
    return {"vat_number": number if kind == "vat" else "", "euid": number if kind == "euid" else "", "country": country}


def _facts(
    organisation: Organisation, form: Any, companies: Any, used: Any, corrected: UndertakingEvent | None
) -> dict[str, Any]:
    """What the forms say, as `record_event` wants it."""
    me, cleaned = organisation_key(organisation.pk), form.cleaned_data
    known = _known_names(organisation)
    if corrected is not None:
        known |= {name.strip().casefold(): key for key, name in corrected.names.items()}
    lines = [(number, line.cleaned_data) for number, line in enumerate(companies) if line.cleaned_data]
    keys = {number: forms.company_key(line, known) for number, line in lines}
    takeover = cleaned["kind"] == UndertakingEvent.Kind.ACQUISITION
    before = [keys[number] for number, line in lines if line["before"] or takeover]
    after = [keys[number] for number, line in lines if line["after"] or takeover]
    first = not takeover or cleaned.get("buyer") != "first"
    if cleaned["we_were"] or takeover:
        before = [me, *before] if first else [*before, me]
    if cleaned["we_are"] or takeover:
        after = [me, *after] if first else [*after, me]
    equity = {keys[number]: line["equity"] for number, line in lines if line.get("equity") is not None}
    if cleaned.get("equity") is not None:
        equity[me] = cleaned["equity"]
    split = cleaned["kind"] == UndertakingEvent.Kind.SPLIT
    chosen = {ref: me if who == forms.US else keys.get(int(who), "") for ref, who in used.chosen().items()}
    return {
        "organisation": organisation,
        "kind": cleaned["kind"],
        "on": cleaned["on"],
        "before": before,
        "after": after,
        "names": {me: organisation.legal_name, **{keys[number]: line["name"] for number, line in lines}},
        "equity": equity if split else {},
        "used_by": {ref: key for ref, key in chosen.items() if key} if split else {},
        "note": cleaned["note"],
        "today": today(),
        "supersedes": corrected,
    }


def _event_page(
    request: HttpRequest, form: Any, companies: Any, used: Any, corrected: UndertakingEvent | None
) -> HttpResponse:
    context = {
        "form": form,
        "companies": companies,
        "used": used,
        "corrected": corrected,
        "may_add": len(companies.forms) < forms.MAX_COMPANIES,
    }
    return render(request, "accounts/group_event.html", context)


def _take_back(request: HttpRequest, row: UndertakingEvent) -> HttpResponse:
    try:
        services.take_back_event(event=row, reason="", actor=person(request), today=today())
    except DomainError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, _("Taken back. The row stays on record and no longer counts."))
    return redirect("accounts:group")


# ---- administrators ------------------------------------------------------------------------------------------------


@login_required
def groups(request: HttpRequest) -> HttpResponse:
    """Links and events that wait for somebody who has seen the papers."""
    require(person(request), Action.MANAGE_LAW)
    links = ControlStatement.objects.filter(confirmed_on=None).select_related("organisation").order_by("created_at")
    events = (
        UndertakingEvent.objects.filter(confirmed_by=None, superseded_by__isnull=True)
        .exclude(before=[], after=[])
        .select_related("organisation")
        .order_by("created_at")
    )
    page = Paginator(links, 50).get_page(request.GET.get("page"))
    context = {"page_obj": page, "events": [_event(row) for row in events[:50]]}
    return render(request, "accounts/groups_to_confirm.html", context)


@login_required
@require_POST
def groups_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    require(person(request), Action.MANAGE_LAW)
    row = get_object_or_404(ControlStatement, pk=pk)
    services.confirm_link(statement=row, actor=person(request), on=today())
    messages.success(request, _("Confirmed: public support of both companies counts together."))
    return redirect("accounts:groups")


@login_required
@require_POST
def groups_event(request: HttpRequest, pk: UUID) -> HttpResponse:
    require(person(request), Action.MANAGE_LAW)
    row = get_object_or_404(UndertakingEvent, pk=pk)
    services.confirm_event(event=row, actor=person(request))
    messages.success(request, _("Confirmed: the event decides from its day on whose earlier aid counts."))
    return redirect("accounts:groups")
