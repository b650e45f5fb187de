"""Pages on which an administrator edits the catalogue."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.permissions import may, require
from accounts.roles import Action
from catalog.manage import services
from catalog.manage.forms import AccessModeForm, FoundationModelForm, PartitionForm, RateForm, SiteForm
from catalog.manage.rates import approve_rate, propose_rate, withdraw_rate
from catalog.manage.selectors import history
from catalog.models import AccessMode, FoundationModel, Partition, RateCard, Site
from catalog.states import RateState
from portal.kernel.clock import today
from portal.kernel.errors import DomainError

View = Callable[..., HttpResponse]


def _actor(request: HttpRequest) -> User:
    """The person; only for pages behind a sign-in."""
    return cast(User, request.user)


def administrators(view: View) -> View:
    """Signed-in people whose role allows it; everybody else learns who may."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require(_actor(request), Action.MANAGE_SITES)
        return view(request, *args, **kwargs)

    return guarded


@administrators
def overview(request: HttpRequest) -> HttpResponse:
    """Everything that can be edited, in four lists."""
    rates = RateCard.objects.valid_on(today())
    context = {
        "proposed": RateCard.objects.proposed().select_related("partition__site", "proposed_by"),
        "sites": Site.objects.order_by("-status", "name"),
        "partitions": Partition.objects.select_related("site")
        .prefetch_related(Prefetch("rate_cards", queryset=rates, to_attr="rates_today"))
        .order_by("site__name", "name"),
        "modes": AccessMode.objects.order_by("position", "code", "-valid_from"),
        "models": FoundationModel.objects.only("slug", "name", "verified", "licence_spdx"),
    }
    return render(request, "catalog/manage/overview.html", context)


def _edited(request: HttpRequest, form: forms.BaseForm, title: str, save: Callable[[], Any], back: str) -> HttpResponse:
    """Shows a form, or saves it and goes back. A rule's refusal stands beside its field."""
    if request.method == "POST" and form.is_valid():
        try:
            save()
        except DomainError as error:
            form.add_error(error.field, error.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(back)
    status = 422 if form.is_bound else 200
    return render(request, "catalog/manage/edit.html", {"form": form, "title": title, "back": back}, status=status)


@administrators
def site(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    found = get_object_or_404(Site, slug=slug) if slug else None
    form = SiteForm(request.POST or None, instance=found)
    title = _("Edit %(name)s") % {"name": found} if found else _("Add a site")

    def save() -> None:
        services.save_record(record=form.instance, actor=_actor(request))

    return _edited(request, form, title, save, found.get_absolute_url() if found else reverse("catalog:manage"))


@administrators
def partition(request: HttpRequest, slug: str, pk: int | None = None) -> HttpResponse:
    owner = get_object_or_404(Site, slug=slug)
    found = get_object_or_404(Partition, pk=pk, site=owner) if pk else Partition(site=owner)
    form = PartitionForm(request.POST or None, instance=found)
    title = _("Edit hardware of %(site)s") if pk else _("Add hardware to %(site)s")

    def save() -> None:
        services.save_record(record=form.instance, actor=_actor(request))

    return _edited(request, form, title % {"site": owner}, save, owner.get_absolute_url())


@administrators
def rate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new rate for one kind of hardware, beside the ones before; it waits for a second administrator."""
    found = get_object_or_404(Partition.objects.select_related("site"), pk=pk)
    form = RateForm(request.POST or None, request.FILES or None, initial={"valid_from": today()})
    if request.method == "POST" and form.is_valid():
        try:
            propose_rate(partition=found, actor=_actor(request), **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
        else:
            messages.success(request, _("Proposed. It counts once another administrator has approved it."))
            return redirect("catalog:rates", pk)
    context = {"form": form, "partition": found, "rate": found.rate_cards.valid_on(today()).first()}
    return render(request, "catalog/manage/rate.html", context, status=422 if form.errors else 200)


@administrators
def rates(request: HttpRequest, pk: int) -> HttpResponse:
    """Every rate this hardware ever had or was proposed, the newest first, each with its evidence."""
    found = get_object_or_404(Partition.objects.select_related("site"), pk=pk)
    cards = list(found.rate_cards.select_related("proposed_by", "decided_by").order_by("-valid_from", "-pk"))
    context = {
        "partition": found,
        "proposed": [card for card in cards if card.state == RateState.PROPOSED],
        "rows": history(cards, on=today()),
        "actor": _actor(request),
    }
    return render(request, "catalog/manage/rates.html", context)


@administrators
@require_POST
def rate_approve(request: HttpRequest, pk: int) -> HttpResponse:
    card = get_object_or_404(RateCard.objects.select_related("partition__site"), pk=pk)
    return _decided(request, card, approve_rate, _("Approved. Grants use it from the day it begins."))


@administrators
@require_POST
def rate_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    card = get_object_or_404(RateCard.objects.select_related("partition__site"), pk=pk)
    return _decided(request, card, withdraw_rate, _("Withdrawn. The rate before goes on."))


def _decided(request: HttpRequest, card: RateCard, decide: Callable[..., Any], words: str) -> HttpResponse:
    try:
        decide(card=card, actor=_actor(request), on=today())
        messages.success(request, words)
    except DomainError as error:
        messages.error(request, error.sentence)
    return redirect("catalog:rates", card.partition_id)


@login_required
def rate_paper(request: HttpRequest, pk: int) -> FileResponse:
    """The uploaded evidence as a download, for administrators and auditors."""
    if not may(_actor(request), Action.READ_AID_LEDGER):
        require(_actor(request), Action.MANAGE_SITES)
    card = get_object_or_404(RateCard.objects.exclude(evidence_file=""), pk=pk)
    return FileResponse(card.evidence_file.open("rb"), as_attachment=True, filename=card.evidence_filename)


@administrators
def access_mode(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    mode = get_object_or_404(AccessMode, pk=pk) if pk else None
    initial = AccessModeForm.initial_of(mode) if mode else {"valid_from": today(), "is_open": True, "position": 10}
    form = AccessModeForm(request.POST or None, initial=initial)
    if mode:
        form.fields["code"].disabled = True

    def save() -> None:
        sites = list(form.cleaned_data["sites"])
        if mode:
            services.change_access_mode(
                mode=mode, changes=form.terms(mode), sites=sites, valid_from=form.cleaned_data["valid_from"],
                actor=_actor(request),
            )  # fmt: skip
        else:
            new = AccessMode(code=form.cleaned_data["code"], valid_from=form.cleaned_data["valid_from"], **form.terms())
            services.add_access_mode(mode=new, sites=sites, actor=_actor(request))

    title = _("Edit %(name)s") % {"name": mode} if mode else _("Add a way to access")
    return _edited(request, form, title, save, reverse("catalog:access"))


@administrators
def model(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    found = get_object_or_404(FoundationModel, slug=slug) if slug else None
    form = FoundationModelForm(request.POST or None, instance=found)
    title = _("Edit %(name)s") % {"name": found} if found else _("Add a model")

    def save() -> None:
        services.save_record(record=form.save_words(), actor=_actor(request))

    return _edited(request, form, title, save, found.get_absolute_url() if found else reverse("catalog:manage"))
