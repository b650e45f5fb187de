"""What the wizard reads: models that can run, data sets that are ready, and places with hours left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from catalog.models import FoundationModel, Partition, Site, StoredModel
from jobs.models import Allocation, AllocationPlace, Job, JobDraft, LedgerEntry
from jobs.states import AllocationState, DraftState, JobState
from models_hub.estimate import ENERGY_BOUNDS, MEMORY_BOUNDS, TIME_BOUNDS, Corrections, correction_from
from models_hub.models import Dataset, DatasetPart
from models_hub.recipes import Place, Recipe
from models_hub.recipes.settings import parameters_of
from portal.kernel.money import gpu_seconds_value
from portal.ui import numbers
from portal.ui.widgets import Option

SHOWN_AFTER_END = timedelta(days=30)
MOST_DATASETS = 50
RUNS_LOOKED_AT = 200


@dataclass(frozen=True)
class HoursLeft:
    """GPU-seconds still free in one allocation, and what they are worth at its frozen rate."""

    allocation: Allocation
    left: int

    @property
    def value(self) -> Decimal:
        return gpu_seconds_value(self.left, self.allocation.eur_per_gpu_hour)


def hours_left(organisation: Organisation, *, on: date) -> list[HoursLeft]:
    """Allocations that can be used today with something left, the one that ends first on top. One query."""
    rows = (
        Allocation.objects.filter(organisation=organisation)
        .usable_on(on)
        .annotate(free=Coalesce(Sum("entries__gpu_seconds"), 0))
        .filter(free__gt=0)
        .select_related("site")
        .order_by("ends_on", "created_at")
    )
    return [HoursLeft(row, row.free) for row in rows[:5]]


def drafts_of(user: User, organisation: Organisation) -> QuerySet[JobDraft]:
    return (
        JobDraft.objects.visible_to(user)
        .filter(organisation=organisation, state__in=[DraftState.OPEN, DraftState.EXPIRED])
        .select_related("created_by")
        .order_by("-saved_at")
    )


def models_for(recipe: Recipe, organisation_id: UUID, on: date) -> QuerySet[FoundationModel]:
    """Models of the recipe's kind; `sites`: connected sites that hold one, `near`: you have hours there."""
    connected = Q(stored_at__site__status=Site.Status.CONNECTED)
    held = StoredModel.objects.filter(
        model=OuterRef("pk"),
        site__allocations__in=Allocation.objects.filter(organisation_id=organisation_id).usable_on(on),
    )
    return (
        FoundationModel.objects.filter(task__in=recipe.about.model_tasks)
        .annotate(
            sites=ArrayAgg("stored_at__site__name", filter=connected, distinct=True, default=None),
            near=Exists(held),
        )
        .order_by(F("near").desc(), "is_demonstration", "name")
    )


def offers(models: Iterable[FoundationModel]) -> tuple[dict[str, dict[str, Any]], list[tuple[FoundationModel, str]]]:
    """Models as choices, and those that cannot be chosen with the reason."""
    chosen: dict[str, dict[str, Any]] = {}
    missing: list[tuple[FoundationModel, str]] = []
    for model in models:
        if not model.sites:  # type: ignore[attr-defined]
            missing.append((model, _("No connected site holds it yet.")))
        elif not model.has_shape:
            missing.append((model, _("Its shape is not known, so nothing can be estimated.")))
        else:
            chosen[model.slug] = {"name": model.name, "option": _model_option(model)}
    return chosen, missing


def _model_option(model: FoundationModel) -> Option:
    facts: list[tuple[str, ...]] = [("layers", _("%(size)s parameters") % {"size": _size_of(parameters_of(model))})]
    if model.languages:
        facts.append(("translate", _("%(count)s languages") % {"count": len(model.languages)}))
    facts.append(("file-earmark-text", model.licence_spdx))
    sites = ", ".join(model.sites)  # type: ignore[attr-defined]
    if model.near:  # type: ignore[attr-defined]
        facts.append(("geo-alt", sites))
    else:
        facts.append(("geo-alt", _("%(sites)s: ask for GPU-hours there first") % {"sites": sites}, "warn"))
    return Option(
        description=model.summary, facts=facts, tag=_("Demonstration") if model.is_demonstration else "", tone=""
    )


def _size_of(parameters: int) -> str:
    if parameters >= 1_000_000_000:
        return _("%(n)s billion") % {"n": numbers.number(parameters / 1e9, 1)}
    return _("%(n)s million") % {"n": numbers.number(parameters / 1e6, 0 if parameters >= 10_000_000 else 1)}


def datasets_for(recipe: Recipe, user: User, organisation_id: UUID) -> QuerySet[Dataset]:
    """The organisation's newest ready data sets of the recipe's kind."""
    ready = Dataset.objects.visible_to(user).filter(organisation_id=organisation_id).ready()
    return ready.filter(kind=recipe.about.dataset_kind).order_by("-created_at")[:MOST_DATASETS]


def chosen_dataset(organisation_id: UUID, key: object) -> tuple[Dataset | None, dict[str, DatasetPart]]:
    """A ready data set of the organisation with its parts, in one query."""
    try:
        pk = UUID(str(key))
    except ValueError:
        return None, {}
    parts = (
        DatasetPart.objects.filter(dataset=pk, dataset__organisation_id=organisation_id)
        .filter(dataset__in=Dataset.objects.ready())
        .select_related("dataset")
    )
    found = {part.name: part for part in parts}
    return (next(iter(found.values())).dataset, found) if found else (None, {})


def places_for(organisation_id: UUID, model: FoundationModel | None, *, on: date) -> tuple[Place, ...]:
    """Every allocation that runs or ended lately, with what is left of it and, if it cannot be used, why."""
    booked = (
        LedgerEntry.objects.filter(allocation=OuterRef("pk"))
        .order_by()
        .values("allocation")
        .annotate(total=Sum("gpu_seconds"))
        .values("total")
    )
    stored = StoredModel.objects.filter(site=OuterRef("site"), model=model.pk if model else None)
    allocations = (
        Allocation.objects.filter(organisation_id=organisation_id, ends_on__gte=on - SHOWN_AFTER_END)
        .exclude(state=AllocationState.ENDED)
        .select_related("partition__site")
        .annotate(left=Coalesce(Subquery(booked), 0), held_revision=Subquery(stored.values("revision")[:1]))
        .order_by("created_at")
    )
    return tuple(
        Place(
            key=str(allocation.pk),
            partition=allocation.partition,
            eur_per_gpu_hour=allocation.eur_per_gpu_hour,
            available_seconds=allocation.left,
            revision=allocation.held_revision,
            off=_why_not(allocation, model, on),
        )
        for allocation in allocations
    )


def _why_not(allocation: Any, model: FoundationModel | None, on: date) -> str:
    site = allocation.partition.site
    if allocation.ends_on < on:
        return _("Ended on %(day)s. Ask for more hours.") % {"day": date_format(allocation.ends_on, "DATE_FORMAT")}
    if allocation.starts_on > on:
        return _("Can be used from %(day)s.") % {"day": date_format(allocation.starts_on, "DATE_FORMAT")}
    if allocation.state == AllocationState.PAUSED:
        return _("Paused by the helpdesk. Your hours are kept; ask the helpdesk when it goes on.")
    if site.status == Site.Status.DRAINING:
        return _("Takes no new work at the moment. Your hours are kept.")
    if site.status != Site.Status.CONNECTED:
        return _("Not connected to the portal yet.")
    if model is not None and allocation.held_revision is None:
        return _("Does not hold %(model)s. Choose another model, or ask the site to add it.") % {"model": model.name}
    if allocation.left <= 0:
        return _("No GPU-hours left. Ask for more.")
    return ""


def further_sites(allocation: str) -> list[str]:
    """The names of the sites that the allocation's jobs may go to, should its own fail."""
    names = AllocationPlace.objects.filter(allocation=allocation).values_list("site__name", flat=True)
    return sorted(set(names))


def other_sites(places: Iterable[Place]) -> list[Partition]:
    """Hardware of connected sites where this organisation has no hours: shown, with where to ask."""
    known = {place.partition.site_id for place in places}
    rows = Partition.objects.filter(site__status=Site.Status.CONNECTED).exclude(site__in=known).select_related("site")
    return list(rows.order_by("site__name", "name")[:6])


def corrections_for(partitions: Iterable[int]) -> dict[tuple[int, str], Corrections]:
    """What finished runs say about the estimate, by partition and method: measured over what was first predicted.

    The stored estimate names the factor it was corrected by, which is taken out again; otherwise corrections would be
    judged against corrected figures.
    """
    rows = (
        Job.objects.filter(
            partition__in=set(partitions),
            state=JobState.DONE,
            estimate__has_key="seconds",
            attempts__result__has_key="measured",
        )
        .order_by("-ended_at")
        .values_list("partition_id", "method", "estimate", "attempts__result__measured")[:RUNS_LOOKED_AT]
    )
    ratios: dict[tuple[int, str], dict[str, list[float]]] = {}
    for partition, method, estimate, measured in rows:
        found = ratios.setdefault((partition, method), {"time": [], "memory": [], "energy": []})
        for name, ratio in run_ratios(estimate, measured or {}).items():
            found[name].append(ratio)
    return {
        key: Corrections(
            time=correction_from(found["time"], bounds=TIME_BOUNDS),
            memory=correction_from(found["memory"], bounds=MEMORY_BOUNDS),
            energy=correction_from(found["energy"], bounds=ENERGY_BOUNDS),
        )
        for key, found in ratios.items()
    }


def run_ratios(estimate: dict[str, Any], measured: dict[str, Any]) -> dict[str, float]:
    """Measured over predicted for one finished run; what was not measured is left out."""
    factors = estimate.get("corrected_by", {})
    pairs = {
        "time": (measured.get("wall_seconds"), _deep(estimate, "seconds", "likely")),
        "memory": (_times(measured.get("peak_memory_mb"), 1e-3), _deep(estimate, "memory", "total", "value")),
        "energy": (_times(measured.get("energy_j"), 1 / 3.6e6), _deep(estimate, "energy_kwh", "likely")),
    }
    return {
        name: value / (predicted / float(factors.get(name, 1.0)))
        for name, (value, predicted) in pairs.items()
        if value and predicted
    }


def _deep(data: Any, *path: str) -> float | None:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, int | float) else None


def _times(value: Any, factor: float) -> float | None:
    return value * factor if isinstance(value, int | float) else None
