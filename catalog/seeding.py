"""Loading the curated records. Running it again changes nothing that a person has edited since.

Each row remembers what was seeded into it (`seeded`). A field is written only where the row still holds what the last
seed wrote, so corrections by an administrator stay, field by field, while new facts reach everything else.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from catalog import records
from catalog.models import AccessMode, FoundationModel, Partition, RateCard, Site
from catalog.states import RateState

_encoder = DjangoJSONEncoder()


@dataclass
class Report:
    """How many rows of each kind were created, updated, left as they are, or kept because a person edited them."""

    created: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    kept: list[str] = field(default_factory=list)


def plain(value: Any) -> Any:
    """A value as JSON knows it, so that what is in the database compares with what was seeded."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "as_tuple"):  # Decimal: 1.3 and 1.30 are one number
        return format(value.normalize(), "f")
    return _encoder.default(value)


def upsert(model: type[Any], key: dict[str, Any], values: dict[str, Any], report: Report) -> Any:
    """Creates the row, or brings those of its fields up to date that no person has edited."""
    name = model.__name__
    wanted = {attribute: model._meta.get_field(attribute).to_python(value) for attribute, value in values.items()}
    seeded = {attribute: plain(value) for attribute, value in wanted.items()}
    row = model._default_manager.select_for_update().filter(**key).first()
    if row is None:
        row = model(**key, **wanted, seeded=seeded)
        _check(row, excluding=key)
        row.save(force_insert=True)
        report.created[name] += 1
        return row
    before = row.seeded
    ours = {at for at in wanted if at in before and plain(getattr(row, at)) == before[at]}
    edited = sorted(at for at in wanted if at not in ours and plain(getattr(row, at)) != seeded[at])
    changed = {at: wanted[at] for at in ours if seeded[at] != before[at]}
    if edited:
        report.kept.append(f"{name} {row}: {', '.join(edited)}")
    if not changed:
        report.unchanged[name] += 1
        return row
    for attribute, value in changed.items():
        setattr(row, attribute, value)
    row.seeded = {**before, **{at: seeded[at] for at in changed}}
    _check(row, excluding=key)
    row.save(update_fields=[*changed, "seeded"])
    report.updated[name] += 1
    return row


def _check(row: models.Model, *, excluding: Iterable[str]) -> None:
    """Says which value does not fit its column, before the database does so less kindly."""
    try:
        row.clean_fields(exclude=set(excluding))
    except ValidationError as error:
        wrong = "; ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
        raise records.RecordError(f"{type(row).__name__} {row}: {wrong}") from error


@transaction.atomic
def seed_catalogue(*, demonstration: bool) -> Report:
    """Loads models, sites, rates and access modes. `demonstration` adds the demonstration site, connected.

    Raises records.RecordError before anything is written when a record is not in order.
    """
    models_, sites_, rates_, modes_ = (
        records.foundation_models(), records.sites(), records.rates(), records.access_modes(),
    )  # fmt: skip
    report = Report()
    for model in models_:
        _seed_model(model, report)
    FoundationModel.objects.refresh_search()
    for site in sites_:
        if demonstration or not site.is_demonstration:
            _seed_site(site, rates_, report)
    for mode in modes_:
        _seed_access_mode(mode, report)
    return report


def _seed_model(record: records.ModelRecord, report: Report) -> None:
    shape = {name: getattr(record.shape, name) for name in record.shape.__struct_fields__}
    copied = (
        "name", "hf_repo", "revision", "task", "summary", "note", "provider", "provider_country", "release",
        "languages", "language_words", "gated", "params", "context", "verified", "verified_fields", "source",
        "is_demonstration",
    )  # fmt: skip
    values = {name: getattr(record, name) for name in copied} | shape
    values |= {
        "licence_spdx": record.licence,
        "licence_words": records.licences()[record.licence].words,
        "commercial_use": None if record.commercial_use == "conditional" else record.commercial_use,
    }
    upsert(FoundationModel, {"slug": record.slug}, values, report)


def _seed_site(record: records.SiteRecord, rates: dict[str, records.RateRecord], report: Report) -> None:
    copied = (
        "name", "host", "kind", "country", "city", "latitude", "longitude", "source", "granting_state",
        "granting_authority", "resource_origin", "system_name", "system_status", "description", "url",
        "offers_starter", "pue", "linked_factories",
    )  # fmt: skip
    values = {name: getattr(record, name) for name in copied}
    values["status"] = Site.Status.CONNECTED if record.is_demonstration else Site.Status.KNOWN
    if record.grid_g_per_kwh is not None:
        values |= {"grid_g_per_kwh": record.grid_g_per_kwh, "grid_source": "codecarbon 3.3.2, grid mean of 2023"}
    site = upsert(Site, {"slug": record.slug}, values, report)
    for partition in record.partitions:
        _seed_partition(site, partition, rates[partition.rate], report)


def _seed_partition(site: Site, record: records.PartitionRecord, rate: records.RateRecord, report: Report) -> None:
    values = {name: getattr(record, name) for name in record.__struct_fields__ if name not in ("name", "rate")}
    partition = upsert(Partition, {"site": site, "name": record.name}, values, report)
    # A rate is dated and never edited: it is written once, and only while nobody has set rates for this hardware.
    # It arrives approved: the record with its source was reviewed with the code.
    if partition.rate_cards.exists():
        report.unchanged["RateCard"] += 1
        return
    RateCard.objects.create(
        partition=partition,
        state=RateState.APPROVED,
        eur_per_gpu_hour=rate.eur_per_gpu_hour,
        method=rate.method,
        evidence=rate.evidence,
        evidence_url=rate.evidence_url,
        evidence_sha256=sha256(rate.evidence.encode()).hexdigest(),
        valid_from=rate.valid_from,
    )
    report.created["RateCard"] += 1


def _seed_access_mode(record: records.AccessModeRecord, report: Report) -> None:
    copied = (
        "name", "summary", "audience", "decided_by", "min_gpu_hours", "max_gpu_hours", "months", "valid_to",
        "decision_working_days", "cut_offs", "rules", "is_open", "position", "source",
    )  # fmt: skip
    values = {name: getattr(record, name) for name in copied}
    created = report.created["AccessMode"]
    mode = upsert(AccessMode, {"code": record.code, "valid_from": record.valid_from}, values, report)
    if report.created["AccessMode"] > created and record.sites != "none":
        connected = Site.objects.connected()
        mode.sites.set(connected.filter(offers_starter=True) if record.sites == "offering_starter" else connected)
