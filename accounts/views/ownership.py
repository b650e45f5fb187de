"""The group around the company: its drawing, its parties with their figures, and who holds what in whom."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.forms.organisation import AccountYearForm
from accounts.forms.ownership import KINDS, HoldingForm, KindForm, MarketsForm, PartyForm, TogetherForm
from accounts.models import Holding, Organisation, Party, PartyYear
from accounts.ownership_drawing import Standing
from accounts.services import ownership as services
from accounts.services.interview import open_points
from accounts.services.ownership import market_pairs, ownership_of, self_party, statement_of
from accounts.services.size import preview_size
from accounts.sme.stored import classification_to_json
from accounts.views.access import add_refusal, as_uuid, in_organisation, person
from accounts.views.size_common import address, drawings_of, editing, frame, next_step, preview_from
from portal.kernel.clock import today
from portal.kernel.errors import DomainError
from portal.kernel.web import row_number

SIDES = ("owner", "owned")


@in_organisation
def group(request: HttpRequest) -> HttpResponse:
    """The drawing, the table that says the same, and what can be added."""
    organisation = editing(request)
    self_party(organisation)
    ownership, found = preview_size(organisation=organisation, on=today())
    stored = classification_to_json(found)
    drawn = drawings_of(ownership, stored)
    context = {
        **frame(organisation, "group"),
        **drawn,
        "parties": _party_rows(organisation, drawn["standings"]),
        "holdings": _holding_rows(organisation),
        "persons": organisation.parties.filter(kind=Party.Kind.PERSON).exists(),
        "unanswered": _unanswered_pairs(organisation),
        "points": [point.sentence for point in open_points(organisation) if point.step == "group"],
        "preview": preview_from(found, known=organisation.account_years.exists()),
        "next": address(next_step(organisation, "group")),
    }
    return render(request, "accounts/ownership_group.html", context)


@in_organisation
def party_new(request: HttpRequest) -> HttpResponse:
    """First what it is, then who it is and what it holds: two short screens, no script needed."""
    organisation = editing(request)
    side = request.GET.get("side", "owner")
    other = _other(organisation, request.GET.get("of", ""))
    kind = request.GET.get("kind", "") or ("enterprise" if side == "owned" else "")
    if side not in SIDES:
        raise Http404
    if kind not in KINDS:
        form = KindForm(request.GET if "kind" in request.GET else None)
        context = {"form": form, "side": side, "other": other, "back": address("group")}
        return render(request, "accounts/ownership_kind.html", context)
    data = request.POST if request.method == "POST" else None
    form, holding = (
        PartyForm(data, kind=kind, organisation=organisation),
        HoldingForm(data, ends=False, kind=kind if side == "owner" else "enterprise"),
    )
    if request.method == "POST" and all((form.is_valid(), holding.is_valid())):
        try:
            added = services.add_party(
                actor=person(request),
                organisation=organisation,
                other=other,
                side=side,
                party={**form.cleaned_data, "kind": kind},
                holding=holding.cleaned_data,
            )
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form if error.field in form.fields else holding, error)
        else:
            messages.success(request, _("%(name)s is added.") % {"name": added})
            return redirect("accounts:party", added.pk) if kind == Party.Kind.ENTERPRISE else redirect(address("group"))
    context = {
        "party_form": form,
        "holding_form": holding,
        "form": form if form.errors else holding,
        "kind_label": Party.Kind(kind).label,
        "kind_option": KINDS[Party.Kind(kind)],
        "side": side,
        "other": other,
        "back": address("group"),
        "query": urlencode({"side": side, "of": other.pk, "kind": kind}),
    }
    return render(request, "accounts/ownership_add.html", context, status=422 if form.is_bound else 200)


@in_organisation
def party(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One party: what is known of it, its figures, and what it holds."""
    organisation = editing(request)
    row = _party(organisation, pk)
    adding = request.method == "POST" and "year" in request.POST
    saving = request.method == "POST" and not adding
    form = PartyForm(request.POST if saving else None, kind=row.kind, organisation=organisation, party=row)
    year_form = AccountYearForm(request.POST if adding else None, initial=_year_of(row, request.GET.get("year", "")))
    try:
        if saving and form.is_valid():
            services.save_party(actor=person(request), organisation=organisation, party=row, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("accounts:size_group")
        if adding and year_form.is_valid():
            services.save_party_year(actor=person(request), party=row, on=today(), **year_form.cleaned_data)
            messages.success(request, _("The figures are saved."))
            return redirect("accounts:party", row.pk)
    except DomainError as error:
        if error.status == 403:
            raise
        add_refusal(year_form if adding else form, error)
    context = {
        "party": row,
        "party_form": form,
        "year_form": year_form,
        "form": year_form if adding else form,
        "years": list(row.years.all()),
        "holdings": [one for one in _holding_rows(organisation) if row.pk in (one.owner_id, one.owned_id)],
        "has_figures": row.kind not in (Party.Kind.PERSON, Party.Kind.PUBLIC_BODY, Party.Kind.LOCAL_AUTHORITY),
        "back": address("group"),
    }
    bad = request.method == "POST"
    return render(request, "accounts/ownership_party.html", context, status=422 if bad else 200)


@in_organisation
@require_POST
def party_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _party(editing(request), pk)
    services.remove_party(actor=person(request), party=row)
    messages.success(request, _("%(name)s is out of the group, with its holdings.") % {"name": row})
    return redirect(address("group"))


@in_organisation
@require_POST
def party_year_remove(request: HttpRequest, pk: int) -> HttpResponse:
    year = get_object_or_404(PartyYear.objects.select_related("party"), pk=pk, party__organisation=editing(request))
    services.remove_party_year(actor=person(request), year=year)
    messages.success(request, _("The figures are removed."))
    return redirect("accounts:party", year.party_id)


@in_organisation
def holding_new(request: HttpRequest) -> HttpResponse:
    """A holding between two parties that are there already."""
    return _holding_form(request, editing(request), None)


@in_organisation
def holding(request: HttpRequest, pk: UUID) -> HttpResponse:
    organisation = editing(request)
    row = get_object_or_404(Holding.objects.select_related("owner", "owned"), pk=pk, organisation=organisation)
    return _holding_form(request, organisation, row)


@in_organisation
@require_POST
def holding_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = get_object_or_404(Holding, pk=pk, organisation=editing(request))
    services.remove_holding(actor=person(request), holding=row)
    messages.success(request, _("The holding is removed."))
    return redirect(address("group"))


@in_organisation
def persons(request: HttpRequest) -> HttpResponse:
    """Who acts together, and how the markets of the companies lie that persons tie together."""
    organisation = editing(request)
    ownership = ownership_of(organisation)
    pairs = market_pairs(ownership)
    joint = organisation.parties.exclude(is_self=True).filter(owns__isnull=False).distinct()
    data = request.POST if request.method == "POST" else None
    named = {one for row in statement_of(organisation).acting_together for one in row}
    together = TogetherForm(data, parties=joint, initial={"parties": list(joint.filter(pk__in=named))})
    markets = MarketsForm(data, ownership=ownership, pairs=pairs)
    if request.method == "POST" and all((together.is_valid(), markets.is_valid())):
        services.set_acting_together(
            actor=person(request), organisation=organisation, parties=list(together.cleaned_data["parties"])
        )
        services.set_markets(actor=person(request), organisation=organisation, relations=markets.relations)
        messages.success(request, _("Saved."))
        return redirect(address("group"))
    context = {
        "together": together if joint.count() > 1 else None,
        "markets": markets if pairs else None,
        "form": together if together.errors else markets,
        "back": address("group"),
    }
    return render(request, "accounts/ownership_persons.html", context, status=422 if data else 200)


def _holding_form(request: HttpRequest, organisation: Organisation, row: Holding | None) -> HttpResponse:
    form = HoldingForm(
        request.POST if request.method == "POST" else None,
        parties=organisation.parties.all(),
        initial=HoldingForm.initial_of(row) if row else {},
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.save_holding(actor=person(request), organisation=organisation, holding=row, **form.cleaned_data)
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form, error)
        else:
            messages.success(request, _("The holding is saved."))
            return redirect(address("group"))
    context = {"form": form, "holding": row, "back": address("group")}
    return render(request, "accounts/ownership_holding.html", context, status=422 if form.is_bound else 200)


def _party(organisation: Organisation, pk: UUID) -> Party:
    return get_object_or_404(Party, pk=pk, organisation=organisation)


def _other(organisation: Organisation, named: str) -> Party:
    return _party(organisation, as_uuid(named)) if named else self_party(organisation)


def _year_of(row: Party, wanted: str) -> dict[str, Any]:
    year = row.years.filter(pk=row_number(wanted)).first()
    names = ("year_end", "headcount_awu", "turnover_eur", "balance_sheet_eur", "basis")
    if year is not None:
        return {name: getattr(year, name) for name in names}
    # Figures of the same closing are asked of everybody; most groups close together.
    own = row.organisation.account_years.exclude(year_end__in=row.years.values("year_end")).first()
    return {"year_end": own.year_end} if own else {}


def _party_rows(organisation: Organisation, standings: dict[str, Standing]) -> list[dict[str, Any]]:
    """Every party with how it stands and whether figures are missing; the company itself first."""
    found = []
    for row in organisation.parties.prefetch_related("years", "owned_by__owner", "owns__owned"):
        standing = Standing("self") if row.is_self else standings.get(str(row.pk), Standing("none"))
        counts = row.kind == Party.Kind.ENTERPRISE and standing.code in ("linked", "partner")
        found.append(
            {
                "party": row,
                "standing": standing,
                "tone": {"self": "run", "linked": "warn", "partner": "warn", "public": "bad"}.get(standing.code, ""),
                "missing": counts and not row.years.all(),
                "may_own": row.kind not in (Party.Kind.UNIVERSITY,),
                "can_be_owned": row.kind == Party.Kind.ENTERPRISE,
            }
        )
    return found


def _holding_rows(organisation: Organisation) -> list[Holding]:
    return list(organisation.holdings.select_related("owner", "owned"))


def _unanswered_pairs(organisation: Organisation) -> int:
    ownership = ownership_of(organisation)
    said = {frozenset((one.first, one.second)) for one in ownership.markets}
    return sum(1 for pair in market_pairs(ownership) if frozenset(pair) not in said)
