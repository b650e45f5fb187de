"""What the catalogue's pages show, put together from rows in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.site_directory import Grantor
from catalog import liveness, names
from catalog.memory import by_precision, parameters_that_fit, weights_gb
from catalog.models import AccessMode, FoundationModel, Partition, RateCard, Site, StoredModel
from catalog.records import shape_of

SHAPE = (
    "layers",
    "hidden",
    "intermediate",
    "heads",
    "kv_heads",
    "head_dim",
    "vocab",
    "tied_embeddings",
    "mlp_matrices",
)


@dataclass(frozen=True)
class Facets:
    """What the filters can offer, from the models there are."""

    tasks: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    licences: list[tuple[str, str]]
    countries: list[tuple[str, str]]


def facets() -> Facets:
    """Every value that at least one model has, by its name. One query."""
    tasks: set[str] = set()
    spoken: set[str] = set()
    licences: set[str] = set()
    countries: set[str] = set()
    rows = FoundationModel.objects.order_by().values_list("task", "languages", "licence_spdx", "provider_country")
    for task, codes, licence, country in rows:
        tasks.add(task)
        spoken.update(codes)
        licences.add(licence)
        countries.update(part for part in country.split("/") if part)

    def named(codes: Iterable[str], name: Any) -> list[tuple[str, str]]:
        return sorted(((code, name(code)) for code in codes), key=lambda pair: pair[1])

    labels = dict(FoundationModel.Task.choices)
    return Facets(
        tasks=[(code, str(labels[code])) for code in FoundationModel.Task.values if code in tasks],
        languages=named(spoken, names.language),
        licences=named(licences, licence_name),
        countries=named(countries, names.country),
    )


def licence_name(spdx: str) -> str:
    return spdx.removeprefix("LicenseRef-").replace("-", " ") if spdx.startswith("LicenseRef-") else spdx


def listed_models(wanted: dict[str, Any]) -> QuerySet[FoundationModel]:
    """The models that meet every filter given; `wanted` is the filter form's cleaned data."""
    found: QuerySet[FoundationModel] = FoundationModel.objects.all()
    if wanted.get("q"):
        found = FoundationModel.objects.search(wanted["q"])
    if wanted.get("task"):
        found = found.filter(task=wanted["task"])
    if wanted.get("language"):
        found = found.speaks(wanted["language"])  # type: ignore[attr-defined]
    if wanted.get("licence") == "commercial":
        found = found.filter(commercial_use=True)
    elif wanted.get("licence"):
        found = found.filter(licence_spdx=wanted["licence"])
    if wanted.get("memory"):
        found = found.filter(params__lte=parameters_that_fit(float(wanted["memory"])))
    if wanted.get("country"):
        found = found.filter(provider_country__contains=wanted["country"])
    if wanted.get("ready"):
        found = found.ready_at_connected_site()  # type: ignore[attr-defined]
    held = StoredModel.objects.filter(model=OuterRef("pk"), site__status=Site.Status.CONNECTED)
    found = found.annotate(is_ready=Exists(held)).defer("search", "seeded", "source", "note")
    return found if wanted.get("q") else found.order_by("-is_ready", "is_demonstration", "name")


@dataclass(frozen=True)
class ModelRow:
    """A model as the list shows it."""

    model: FoundationModel

    @property
    def weights_gb(self) -> float | None:
        return bf16_gb(self.model)

    @property
    def country(self) -> str:
        return names.country(self.model.provider_country)

    @property
    def licence(self) -> str:
        return licence_name(self.model.licence_spdx)


def memory_of(model: FoundationModel) -> list[tuple[str, float]]:
    """GB of the bare weights by precision, the largest first; empty when nobody knows the parameters."""
    if not model.params:
        return []
    tables = counted.table_parameters if (counted := counted_shape(model)) else 0
    return list(by_precision(int(model.params), table_parameters=tables))


def bf16_gb(model: FoundationModel) -> float | None:
    return weights_gb(int(model.params), "bf16") if model.params else None


def counted_shape(model: FoundationModel) -> Any:
    numbers = {name: getattr(model, name) for name in SHAPE}
    needed = {name: value for name, value in numbers.items() if name != "vocab"}
    return None if None in needed.values() else shape_of(model.task, numbers)


@dataclass(frozen=True)
class SiteRow:
    """A site as lists and the map show it."""

    site: Site
    pulse: liveness.Pulse

    @property
    def name(self) -> str:
        return self.site.name

    @property
    def url(self) -> str:
        return self.site.get_absolute_url()

    @property
    def connected(self) -> bool:
        return self.site.is_connected

    @property
    def latitude(self) -> float | None:
        return self.site.latitude

    @property
    def longitude(self) -> float | None:
        return self.site.longitude

    @property
    def country(self) -> str:
        return names.country(self.site.country)

    @property
    def hardware(self) -> list[str]:
        return list(dict.fromkeys(str(partition) for partition in self.site.partitions.all()))


def site_rows(sites: Iterable[Site], *, at: datetime) -> list[SiteRow]:
    """Connected sites first, then by country and name in the reader's language."""
    sites = list(sites)
    pulses = liveness.pulses(sites, at=at)
    rows = [SiteRow(site, pulses[site.pk]) for site in sites]
    return sorted(rows, key=lambda row: (not row.connected, row.country, row.name))


def landing_sites() -> Sequence[dict[str, Any]]:
    """Sites for the landing page: one query, no liveness."""
    sites = Site.objects.exclude(kind=Site.Kind.ANTENNA).only("slug", "name", "status", "latitude", "longitude")
    ordered = sorted(sites, key=lambda site: (not site.is_connected, site.name))
    return [
        {
            "name": site.name,
            "url": site.get_absolute_url(),
            "connected": site.is_connected,
            "latitude": site.latitude,
            "longitude": site.longitude,
        }
        for site in ordered
    ]


def with_hardware(sites: QuerySet[Site], *, on: date) -> QuerySet[Site]:
    """Partitions, each with the one rate card valid that day under `rates_today`."""
    rates = RateCard.objects.valid_on(on).order_by("-valid_from")
    partitions = Partition.objects.prefetch_related(Prefetch("rate_cards", queryset=rates, to_attr="rates_today"))
    return sites.prefetch_related(Prefetch("partitions", queryset=partitions))


def family_of(slug: str, *, on: date) -> tuple[Site | None, list[Site]]:
    """A site and the antennas that lead to it, in one query (and two for the hardware)."""
    found = list(with_hardware(Site.objects.filter(Q(slug=slug) | Q(linked_factories__contains=[slug])), on=on))
    site = next((one for one in found if one.slug == slug), None)
    linked = [one for one in found if one.slug != slug]
    if site and site.linked_factories:
        linked += Site.objects.filter(slug__in=site.linked_factories)
    return site, sorted(linked, key=lambda one: one.name)


@dataclass(frozen=True)
class ModeRow:
    """A way to access as its page shows it: where it is open here, and the cut-offs still to come."""

    mode: AccessMode
    sites: list[Site]
    cut_offs: list[datetime]


def with_rates(modes: QuerySet[AccessMode], *, on: date) -> QuerySet[AccessMode]:
    """Each way to access with its sites, their hardware and the rates valid that day: what `catalog.worth` reads."""
    return modes.prefetch_related(Prefetch("sites", queryset=with_hardware(Site.objects.all(), on=on)))


def mode_rows(*, at: datetime) -> list[ModeRow]:
    """The terms valid that day, in their published order."""
    day = at.date()
    valid = AccessMode.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day)
    return [
        ModeRow(
            mode=mode,
            sites=sorted((site for site in mode.sites.all() if site.is_connected), key=str),
            cut_offs=[moment for moment in mode.cut_offs if moment > at],
        )
        for mode in with_rates(valid, on=day)
    ]


def site_names() -> Sequence[tuple[str, str]]:
    """(slug, name) of every site, for choosing whose helpdesk somebody joins: one query."""
    return list(Site.objects.order_by("name").values_list("slug", "name"))


def site_grantors() -> Sequence[Grantor]:
    """Whose time each site gives away, for everything that belongs to a granting State: one query."""
    found = Site.objects.exclude(granting_state="").order_by("slug")
    return [Grantor(*row) for row in found.values_list("slug", "granting_state", "granting_authority")]
