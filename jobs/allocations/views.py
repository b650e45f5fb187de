"""Allocations: what was granted, what is left, every booking; and an administrator's changes."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import may, require
from accounts.roles import Action
from accounts.state_aid.services import standing, threads_of
from jobs.allocations.forms import AdjustForm, AgreementForm, PlaceForm
from jobs.allocations.places import add_place, may_change_places, remove_place
from jobs.allocations.services import adjust_awards, change_hours, has_ended
from jobs.ledger.services import balance, balances
from jobs.models import Allocation
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError
from portal.kernel.money import gpu_seconds_value, hours_to_seconds
from portal.ui.numbers import money


@login_required
@require_GET
def allocations(request: HttpRequest) -> HttpResponse:
    own = Allocation.objects.filter(organisation=request.organisation).select_related("site", "partition")
    page = Paginator(own, 20).get_page(request.GET.get("page"))
    found = balances(page.object_list)
    rows = [
        (row, found[row.pk], gpu_seconds_value(found[row.pk].granted, row.eur_per_gpu_hour)) for row in page.object_list
    ]
    return render(request, "jobs/allocations/list.html", {"page": page, "rows": rows, "today": today()})


def _visible(request: HttpRequest, pk: UUID) -> Allocation:
    related = Allocation.objects.select_related("site", "partition", "organisation", "application__mode", "rate_card")
    if may(request.user, Action.MANAGE_QUOTAS):
        return get_object_or_404(related, pk=pk)
    return get_object_or_404(related.filter(pk__in=Allocation.objects.visible_to(request.user)), pk=pk)


@login_required
@require_GET
def allocation(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _visible(request, pk)
    now_is = balance(row)
    entries = Paginator(row.entries.select_related("job").order_by("-id"), 30).get_page(request.GET.get("page"))
    context = {
        "allocation": row,
        "balance": now_is,
        "used_value": gpu_seconds_value(now_is.used, row.eur_per_gpu_hour),
        "granted_value": gpu_seconds_value(now_is.granted, row.eur_per_gpu_hour),
        "entries": entries,
        "form": AdjustForm() if may(request.user, Action.MANAGE_QUOTAS) else None,
        "may_adjust_awards": _may_adjust_awards(request, row),
        "places": row.places.select_related("site", "partition"),
    }
    return render(request, "jobs/allocations/detail.html", context)


def _may_adjust_awards(request: HttpRequest, row: Allocation) -> bool:
    return may(request.user, Action.MANAGE_QUOTAS) or may(
        request.user, Action.REVIEW_APPLICATION, site_slug=row.site.slug
    )


@login_required
def allocation_awards(request: HttpRequest, pk: UUID) -> HttpResponse:
    """For the officer of the site and administrators: after the end, only what was used counts as support."""
    row = _visible(request, pk)
    if not _may_adjust_awards(request, row):
        require(request.user, Action.REVIEW_APPLICATION, site_slug=row.site.slug)
    form = AgreementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            rows = adjust_awards(allocation=row, agreement=form.cleaned_data["agreement"], actor=request.user, at=now())
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
        else:
            back = -sum(one.amount_eur for one in rows)
            messages.success(request, _("%(amount)s no longer counts.") % {"amount": money(back)})
            return redirect("jobs:allocation", pk)
    now_is = balance(row)
    threads = threads_of(organisation=row.organisation, reference=row.reference)
    context = {
        "allocation": row,
        "form": form,
        "ended": has_ended(row, on=today()),
        "awards": [{"first": first, "left": standing(first.award)} for first in threads],
        "may_reverse": may(request.user, Action.MANAGE_LAW),
        "used_value": gpu_seconds_value(now_is.used, row.eur_per_gpu_hour),
        "balance": now_is,
    }
    return render(request, "jobs/allocations/awards.html", context)


@login_required
def allocation_places(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where else its jobs may run: read by all who see the allocation, changed by officers and administrators."""
    row = _visible(request, pk)
    may_change = may_change_places(request.user, row)
    form = PlaceForm(request.POST or None, allocation=row) if may_change else None
    if request.method == "POST":
        if form is None:
            require(request.user, Action.MANAGE_QUOTAS)
        elif form.is_valid():
            try:
                place = add_place(allocation=row, actor=request.user, at=now(), **form.cleaned_data)
            except DomainError as refusal:
                if refusal.status == 403:
                    raise
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
            else:
                messages.success(request, _("Added %(place)s.") % {"place": place.site})
                return redirect("jobs:allocation_places", pk)
    context = {
        "allocation": row,
        "places": row.places.select_related("site", "partition", "added_by"),
        "form": form,
        "may_change": may_change,
    }
    return render(request, "jobs/allocations/places.html", context)


@login_required
@require_POST
def allocation_place_remove(request: HttpRequest, pk: UUID, place: int) -> HttpResponse:
    row = _visible(request, pk)
    found = get_object_or_404(row.places.select_related("allocation__site", "allocation__organisation"), pk=place)
    remove_place(place=found, actor=request.user)
    messages.success(request, _("No job goes to %(site)s any more.") % {"site": found.site})
    return redirect("jobs:allocation_places", pk)


@login_required
@require_POST
def allocation_adjust(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An administrator raises or lowers the hours; the reason stands in the book and in the audit record."""
    row = _visible(request, pk)
    require(request.user, Action.MANAGE_QUOTAS)
    form = AdjustForm(request.POST)
    if form.is_valid():
        seconds = hours_to_seconds(form.cleaned_data["gpu_hours"])
        try:
            change_hours(
                allocation=row, gpu_seconds=seconds, reason=form.cleaned_data["reason"], actor=request.user, at=now()
            )
            messages.success(request, _("Changed by %(hours)s GPU-hours.") % {"hours": form.cleaned_data["gpu_hours"]})
        except DomainError as refusal:
            messages.error(request, refusal.sentence)
    else:
        messages.error(request, _("Enter a whole number of hours and a reason."))
    return redirect("jobs:allocation", pk)
