"""Every place of the federation as the rules look at it, in a number of queries that does not depend on how many."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import OuterRef, Prefetch, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.countries import ELIGIBLE
from accounts.models import Organisation
from catalog.models import AccessMode, Partition, RateCard, Site, StoredModel
from jobs.matching.facts import Able, Need, Offer
from jobs.matching.weights import USUAL
from jobs.models import Allocation, LedgerEntry, MaintenanceWindow, MatchingWeights, PartitionReport, SiteAgent
from models_hub.recipes.hardware import hardware_of

Reports = Mapping[int, Mapping[str, list[PartitionReport]]]


def offers(
    need: Need,
    *,
    at: datetime,
    organisation: Organisation | None = None,
    places: Iterable[Partition] | None = None,
    mode: AccessMode | None = None,
) -> list[Offer]:
    """The offers of all connected and draining sites, or of the places given (whatever their site's state).

    Six queries; one more each for a model, for hours and for a way to access, and for the sites where none are given.
    """
    if places is None:
        found = list(
            Partition.objects.exclude(site__status=Site.Status.KNOWN)
            .defer("seeded", "confidence")
            .prefetch_related(Prefetch("site", Site.objects.defer("seeded", "description", "source")))
        )
    else:
        found = list(places)
    sites = {partition.site_id for partition in found}
    agents = _agents(sites, at=at)
    models = _models(sites, need.model) if need.model else {}
    rates = _rates(on=at.date())
    reports = _reports(sites)
    closed = _closed(sites, at=at)
    hours = _hours(organisation, on=at.date()) if organisation is not None and need.needs_hours else {}
    open_at = _open_at(mode)
    return [
        Offer(
            key=str(partition.pk),
            site=partition.site.name,
            place=str(partition),
            country=partition.site.country,
            hardware=hardware_of(partition),
            taking=partition.site.status == Site.Status.CONNECTED,
            known=partition.site.status != Site.Status.KNOWN,
            agents=agents.get(partition.site_id, ()),
            models=models.get(partition.site_id, {}) if need.model else None,
            modes=_modes_of(partition.site, mode, open_at),
            nodes=max(1, partition.gpus_total // max(1, partition.gpus_per_node)),
            max_seconds=partition.max_hours * 3600,
            eur_per_gpu_hour=rates.get(partition.pk),
            may_grant=bool(partition.site.granting_state),
            hours_left=hours.get(partition.pk),
            wait_seconds=expected_wait(_said_of(reports, partition), need, at=at),
            closed_seconds=_closed_for(
                closed.get(partition.site_id, ()), {partition.name, _queue_of(reports, partition)}, at=at
            ),
            sectors=tuple(partition.site.sectors),
            languages=tuple(partition.site.helpdesk_languages),
        )
        for partition in found
    ]


def weights() -> dict[str, int]:
    """What holds today: the newest row an administrator wrote, else the usual weights. One query."""
    newest = MatchingWeights.objects.order_by("-pk").first()
    said = newest.weights if newest is not None else {}
    return {code: int(said.get(code, usual)) for code, usual in USUAL.items()}


def is_eligible(organisation: Organisation) -> bool:
    return organisation.country in ELIGIBLE


def _agents(sites: Iterable[int], *, at: datetime) -> dict[int, tuple[Able, ...]]:
    found: dict[int, list[Able]] = defaultdict(list)
    for agent in SiteAgent.objects.filter(site__in=sites, revoked_at__isnull=True).order_by("created_at"):
        found[agent.site_id].append(able(agent, at=at))
    return {site: tuple(agents) for site, agents in found.items()}


def able(agent: SiteAgent, *, at: datetime) -> Able:
    """What an agent said of itself when its session began, and how long it has been silent."""
    said = agent.description or {}
    limits = said.get("limits") or {}
    recipes = said.get("recipes")
    silent = max(0, round((at - agent.last_seen_at).total_seconds())) if agent.last_seen_at else None
    return Able(
        recipes=frozenset(recipes) if isinstance(recipes, list) else None,
        gpus=_whole(limits.get("gpus")),
        nodes=_whole(limits.get("nodes")),
        seconds=_whole(limits.get("max_seconds")),
        country=country_of(said),
        draining=bool((agent.capacity or {}).get("draining")),
        silent_seconds=silent,
    )


def country_of(said: Mapping[str, Any]) -> str:
    """The country an agent says it runs in, as two capital letters; empty when it says none."""
    country = said.get("country")
    return country.upper()[:2] if isinstance(country, str) else ""


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _models(sites: Iterable[int], slug: str) -> dict[int, dict[str, str]]:
    rows = StoredModel.objects.filter(site__in=sites, model__slug=slug).values_list("site", "revision")
    return {site: {slug: revision} for site, revision in rows}


def _rates(*, on: date) -> dict[int, Any]:
    """The rate in force of each hardware: of the approved ones, the last to begin, if it has not ended.

    The same as `RateCard.objects.valid_on`, in one pass instead of a comparison of every pair.
    """
    begun = RateCard.objects.approved().filter(valid_from__lte=on).order_by("valid_from")
    last = {row[0]: row[1:] for row in begun.values_list("partition", "eur_per_gpu_hour", "valid_to")}
    return {partition: rate for partition, (rate, ends) in last.items() if ends is None or ends >= on}


def _reports(sites: Iterable[int]) -> Reports:
    found: dict[int, dict[str, list[PartitionReport]]] = defaultdict(lambda: defaultdict(list))
    for report in PartitionReport.objects.filter(site__in=sites, agent__revoked_at__isnull=True).order_by():
        found[report.site_id][report.name].append(report)
    return found


def _queue_of(reports: Reports, partition: Partition) -> str:
    """The name that the site's own queue for this hardware has: the same, or that of the only one there is."""
    said = reports.get(partition.site_id, {})
    return next(iter(said)) if len(said) == 1 else partition.name


def _said_of(reports: Reports, partition: Partition) -> Sequence[PartitionReport]:
    return reports.get(partition.site_id, {}).get(_queue_of(reports, partition), ())


def expected_wait(reports: Iterable[PartitionReport], need: Need, *, at: datetime) -> int | None:
    """Seconds until a job of that shape would start; None where nobody says, or what was said is out of date.

    Of the shapes reported, the smallest one that is large enough counts; free GPUs and an empty queue mean at once.
    """
    waits = []
    for report in reports:
        age = (at - report.measured_at).total_seconds()
        if age > report.good_for_seconds or report.health == "down":
            continue
        shapes = [shape for shape in report.expected_starts if _holds(shape, need)]
        if shapes:
            best = min(shapes, key=lambda shape: (shape["gpus"], shape.get("nodes") or 1))
            waits.append(max(0, round(best["seconds"] - age)))
        elif report.gpus_free >= need.gpus and report.queued == 0:
            waits.append(0)
    return min(waits, default=None)


def _holds(shape: Any, need: Need) -> bool:
    if not isinstance(shape, dict) or not isinstance(shape.get("seconds"), int | float):
        return False
    gpus, nodes = _whole(shape.get("gpus")), _whole(shape.get("nodes"))
    return gpus is not None and gpus >= need.gpus and (nodes or 1) >= need.nodes


def _closed(sites: Iterable[int], *, at: datetime) -> dict[int, list[MaintenanceWindow]]:
    found: dict[int, list[MaintenanceWindow]] = defaultdict(list)
    for window in MaintenanceWindow.objects.filter(site__in=sites, starts_at__lte=at, ends_at__gt=at):
        found[window.site_id].append(window)
    return found


def _closed_for(windows: Iterable[MaintenanceWindow], names: set[str], *, at: datetime) -> int:
    ends = [window.ends_at for window in windows if window.partition_name in {"", *names}]
    return round((max(ends) - at).total_seconds()) if ends else 0


def _open_at(mode: AccessMode | None) -> frozenset[int]:
    """Sites where a way to access is open; empty means at every site."""
    return frozenset(mode.sites.values_list("pk", flat=True)) if mode is not None else frozenset()


def _modes_of(site: Site, mode: AccessMode | None, open_at: frozenset[int]) -> frozenset[str] | None:
    if mode is None:
        return None
    closed = (bool(open_at) and site.pk not in open_at) or (
        mode.decided_by == AccessMode.DecidedBy.POLICY and not site.offers_starter
    )
    return frozenset() if closed else frozenset({mode.code})


def _hours(organisation: Organisation, *, on: date) -> dict[int, int]:
    """GPU-seconds left by partition, the largest allocation of each: a job is paid from one."""
    booked = (
        LedgerEntry.objects.filter(allocation=OuterRef("pk"))
        .order_by()
        .values("allocation")
        .annotate(total=Sum("gpu_seconds"))
        .values("total")
    )
    rows = Allocation.objects.filter(organisation=organisation).usable_on(on)
    found: dict[int, int] = {}
    for partition, left in rows.annotate(left=Coalesce(Subquery(booked), 0)).values_list("partition", "left"):
        found[partition] = max(left, found.get(partition, left))
    return found
