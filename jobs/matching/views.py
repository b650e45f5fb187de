"""Comparing places: by a plan of a few numbers, with the weights published beside the result."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Organisation
from accounts.permissions import may, require
from accounts.roles import Action
from jobs.matching import selectors
from jobs.matching.facts import Need
from jobs.matching.forms import PlanForm, WeightsForm
from jobs.matching.plans import planned_run
from jobs.matching.rules import rank
from jobs.matching.services import set_weights
from jobs.matching.table import published, table_of
from jobs.models import MatchingWeights
from models_hub.recipes import RECIPES
from portal.kernel.clock import now
from portal.kernel.errors import DomainError


@login_required
@require_safe
def matching(request: HttpRequest) -> HttpResponse:
    """Every place of the federation for a plan; nothing is saved."""
    form = PlanForm(request.GET or None)
    plan = form.cleaned_data if form.is_bound and form.is_valid() else {}
    organisation = request.organisation  # type: ignore[attr-defined]
    need = _need(plan, organisation, request.LANGUAGE_CODE)  # type: ignore[attr-defined]
    weights = selectors.weights()
    ranking = rank(need, selectors.offers(need, at=now(), organisation=organisation), weights)
    context = {
        "form": form,
        "table": table_of(ranking, weights, everything="all" in request.GET),
        "weights": published(weights),
        "changed": MatchingWeights.objects.order_by("-pk").first(),
        "query": request.GET.urlencode(),
        "may_weigh": may(request.user, Action.MANAGE_SITES),  # type: ignore[arg-type]
    }
    return render(request, "jobs/matching/matching.html", context)


def _need(plan: dict[str, Any], organisation: Organisation | None, language: str) -> Need:
    model, recipe = plan.get("model"), str(plan.get("recipe") or "")
    return Need(
        recipe=recipe and (getattr(RECIPES[recipe], "runs_as", "") or recipe),
        model=model.slug if model else "",
        run=planned_run(model, rows=plan.get("rows"), words_per_row=plan.get("words")),
        runs=plan.get("runs") or 1,
        eligible=organisation is None or selectors.is_eligible(organisation),
        sector=organisation.nace_code if organisation else "",
        language=language,
        needs_hours=bool(plan.get("mine")) and organisation is not None,
    )


@login_required
def matching_weights(request: HttpRequest) -> HttpResponse:
    """An administrator changes what counts how much; the reason is published."""
    require(request.user, Action.MANAGE_SITES)  # type: ignore[arg-type]
    form = WeightsForm(request.POST or None, initial=selectors.weights())
    if request.method == "POST" and form.is_valid():
        try:
            set_weights(wanted=form.weights, reason=form.cleaned_data["reason"], actor=request.user)  # type: ignore[arg-type]
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("Saved. Every ranking uses these weights from now on."))
            return redirect("jobs:matching")
    history = MatchingWeights.objects.select_related("set_by")[:20]
    return render(request, "jobs/matching/weights.html", {"form": form, "history": history})
