"""The curated records in catalog/data/: what a record must hold, and reading them with a clear error for a bad one."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from catalog.memory import Shape
from catalog.models import AccessMode, FoundationModel, RateCard, Site

FOLDER = Path(__file__).parent / "data"
TOLERANCE = 0.02

Record = TypeVar("Record", bound=msgspec.Struct)


class RecordError(ValueError):
    """A record that cannot be loaded. The sentence names the file, the record and what is wrong with it."""


class Licence(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    spdx: str
    name: str
    words: str
    url: str = ""


class ShapeRecord(msgspec.Struct, forbid_unknown_fields=True):
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int | None
    tied_embeddings: bool
    mlp_matrices: Literal[2, 3]


class ModelRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    slug: str
    name: str
    task: str
    summary: str
    provider: str
    licence: str
    params: int
    shape: ShapeRecord
    verified: bool
    verified_fields: list[str]
    source: str
    context: int | None
    hf_repo: str = ""
    revision: str = ""
    provider_country: str = ""
    release: str = ""
    languages: list[str] = []
    language_words: str = ""
    commercial_use: Literal["conditional"] | bool | None = None
    gated: bool | None = None
    note: str = ""
    parameters_differ: str = ""
    is_demonstration: bool = False

    def problems(self) -> list[str]:
        found = []
        if self.task not in FoundationModel.Task.values:
            found.append(f"task {self.task!r} is not one of {', '.join(FoundationModel.Task.values)}")
        if self.licence not in licences():
            found.append(f"licence {self.licence!r} has no words in licences.yaml")
        off = abs(self.counted_parameters / self.params - 1)
        if off > TOLERANCE and not self.parameters_differ:
            found.append(
                f"its shape gives {self.counted_parameters:,} parameters, the record says {self.params:,} "
                f"({off:.1%} apart): correct one of them, or say why in parameters_differ"
            )
        if not self.languages and not self.language_words and self.task not in ("image", "other"):
            found.append("it names no language: list codes in languages, or give the source's phrase in language_words")
        return found

    @property
    def counted_parameters(self) -> int:
        return shape_of(
            self.task, {name: getattr(self.shape, name) for name in self.shape.__struct_fields__}
        ).parameters


class RateRecord(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    eur_per_gpu_hour: Decimal
    method: str
    valid_from: date
    evidence: str
    evidence_url: str = ""

    def problems(self) -> list[str]:
        known = RateCard.Method.values
        return [] if self.method in known else [f"method {self.method!r} is not one of {', '.join(known)}"]


class PartitionRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    gpu_type: str
    gpu_memory_gb: Decimal
    bf16_tflops: Decimal
    gpus_total: int
    gpus_per_node: int
    tdp_watts: int
    share_low: Decimal
    share_high: Decimal
    rate: str
    fixed_seconds: int = 180
    max_hours: int = 24
    native_unit: str = "GPU-hour"
    native_per_gpu_hour: Decimal = Decimal(1)
    confidence: str = ""


class SiteRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    slug: str
    name: str
    host: str
    kind: str
    country: str
    city: str
    latitude: float
    longitude: float
    source: str
    granting_state: str
    granting_authority: str
    resource_origin: str
    system_name: str = ""
    system_status: str = ""
    description: str = ""
    url: str = ""
    offers_starter: bool = False
    pue: Decimal = Decimal("1.30")
    grid_g_per_kwh: int | None = None
    linked_factories: list[str] = []
    partitions: list[PartitionRecord] = []

    @property
    def is_demonstration(self) -> bool:
        return self.kind == Site.Kind.DEMONSTRATION

    def problems(self) -> list[str]:
        found = []
        if self.kind not in Site.Kind.values:
            found.append(f"kind {self.kind!r} is not one of {', '.join(Site.Kind.values)}")
        if self.resource_origin not in Site.Origin.values:
            found.append(f"resource_origin {self.resource_origin!r} is not one of {', '.join(Site.Origin.values)}")
        if len(self.country) != 2 or len(self.granting_state) != 2:
            found.append("country and granting_state are two-letter codes")
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            found.append("latitude or longitude is no place on earth")
        for partition in self.partitions:
            if not 0 < partition.share_low <= partition.share_high <= 1:
                found.append(f"partition {partition.name}: shares must be 0 < share_low <= share_high <= 1")
        return found


class AccessModeRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    code: str
    name: str
    summary: str
    audience: str
    decided_by: str
    min_gpu_hours: int
    max_gpu_hours: int | None
    months: list[int]
    decision_working_days: int
    sites: Literal["offering_starter", "connected", "none"]
    position: int
    valid_from: date
    source: str
    valid_to: date | None = None
    cut_offs: list[datetime] = []
    rules: dict[str, Any] = {}
    is_open: bool = True

    def problems(self) -> list[str]:
        found = []
        if self.decided_by not in AccessMode.DecidedBy.values:
            found.append(f"decided_by {self.decided_by!r} is not one of {', '.join(AccessMode.DecidedBy.values)}")
        if not self.months:
            found.append("months must name at least one duration")
        if self.max_gpu_hours is not None and self.max_gpu_hours < self.min_gpu_hours:
            found.append("max_gpu_hours lies below min_gpu_hours")
        return found


def shape_of(task: str, numbers: dict[str, Any]) -> Shape:
    """The shape to count with: encoders have no output layer, speech models are two stacks."""
    return Shape(
        **{**numbers, "vocab": numbers["vocab"] or 0},
        output_layer=task == FoundationModel.Task.TEXT_GENERATION,
        encoder_and_decoder=task == FoundationModel.Task.SPEECH,
    )


def read(name: str, key: str, kind: type[Record], *, folder: Path = FOLDER, ident: str = "slug") -> list[Record]:
    """Every record under `key` of one file, checked. Raises RecordError at the first bad one."""
    path = folder / name
    try:
        whole = msgspec.yaml.decode(path.read_bytes())
        rows = whole[key]
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise RecordError(f"{name} cannot be read: {error}") from error
    found: dict[str, Record] = {}
    for at, row in enumerate(rows or (), start=1):
        called = row.get(ident) if isinstance(row, dict) else None
        where = f"{name}, {key} record {at}" + (f" ({called})" if called else "")
        try:
            record = msgspec.convert(row, kind)
        except msgspec.ValidationError as error:
            raise RecordError(f"{where}: {error}") from error
        check: Callable[[], list[str]] = getattr(record, "problems", list)
        for problem in check():
            raise RecordError(f"{where}: {problem}")
        if getattr(record, ident) in found:
            raise RecordError(f"{where}: there is another record with this {ident}")
        found[getattr(record, ident)] = record
    return list(found.values())


@cache
def licences() -> dict[str, Licence]:
    return {licence.spdx: licence for licence in read("licences.yaml", "licences", Licence, ident="spdx")}


def foundation_models(folder: Path = FOLDER) -> list[ModelRecord]:
    return read("foundation_models.yaml", "models", ModelRecord, folder=folder)


def access_modes(folder: Path = FOLDER) -> list[AccessModeRecord]:
    return read("access_modes.yaml", "access_modes", AccessModeRecord, folder=folder, ident="code")


def rates(folder: Path = FOLDER) -> dict[str, RateRecord]:
    return {rate.code: rate for rate in read("sites.yaml", "rates", RateRecord, folder=folder, ident="code")}


def sites(folder: Path = FOLDER) -> list[SiteRecord]:
    found = read("sites.yaml", "sites", SiteRecord, folder=folder)
    slugs, known_rates = {site.slug for site in found}, rates(folder)
    for site in found:
        for slug in set(site.linked_factories) - slugs:
            raise RecordError(f"sites.yaml, {site.slug}: linked_factories names {slug!r}, which is no site")
        for partition in site.partitions:
            if partition.rate not in known_rates:
                raise RecordError(f"sites.yaml, {site.slug}: rate {partition.rate!r} is no row of rates")
    return found
