"""Plain functions that make one valid row each; keyword arguments override what a test cares about."""

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from allauth.mfa.models import Authenticator

from accounts.models import AccountYear, Organisation, RoleGrant, SmeAssessment, User
from accounts.roles import Role
from catalog.models import AccessMode, FoundationModel, Partition, RateCard, Site
from catalog.states import RateState
from jobs.models import Allocation, Application, Job, LedgerEntry
from jobs.states import ApplicationState
from models_hub.models import Dataset, DatasetPart
from models_hub.states import DatasetState

_number = itertools.count(1)


def make_user(**fields: Any) -> User:
    number = next(_number)
    return User.objects.create_user(
        fields.pop("email", f"person{number}@example.eu"),
        fields.pop("password", "correct-horse-battery"),
        **{"full_name": f"Person {number}", **fields},
    )


def make_organisation(*, owner: User | None = None, **fields: Any) -> Organisation:
    number = next(_number)
    organisation = Organisation.objects.create(
        **{
            "legal_name": f"Firma {number}",
            "country": "LU",
            "euid": f"LURCSL.B{100000 + number}",
            "nace_code": "62.10",
            "street": "1 rue de l'Exemple",
            "city": "Luxembourg",
            **fields,
        }
    )
    if owner:
        grant(owner, Role.OWNER, organisation=organisation)
        owner.current_organisation = organisation
        owner.save(update_fields=["current_organisation"])
    return organisation


def grant(user: User, role: Role, *, organisation: Organisation | None = None, site_slug: str = "") -> RoleGrant:
    return RoleGrant.objects.create(user=user, role=role, organisation=organisation, site_slug=site_slug)


def make_sme(*, owner: User, **fields: Any) -> Organisation:
    """An organisation with approved figures and a signed assessment as a small enterprise."""
    organisation = make_organisation(owner=owner, **fields)
    AccountYear.objects.create(
        organisation=organisation,
        year_end=date(2025, 12, 31),
        headcount_awu=Decimal("12"),
        turnover_eur=Decimal("1500000"),
        balance_sheet_eur=Decimal("900000"),
        basis=AccountYear.Basis.APPROVED,
    )
    SmeAssessment.objects.create(
        organisation=organisation,
        size_class="small",
        rule_version="test",
        trace={},
        declared_autonomous=True,
        declared_by=owner,
        declared_on=date(2026, 1, 10),
    )
    return organisation


def make_site(**fields: Any) -> Site:
    number = next(_number)
    return Site.objects.create(
        **{
            "slug": f"site-{number}",
            "name": f"Site {number}",
            "host": "A computing centre",
            "status": Site.Status.CONNECTED,
            "country": "LU",
            "granting_state": "LU",
            "granting_authority": "A ministry",
            "offers_starter": True,
            **fields,
        }
    )


def make_partition(*, site: Site | None = None, rate: str | None = "2.20", **fields: Any) -> Partition:
    partition = Partition.objects.create(
        **{
            "site": site or make_site(),
            "name": f"gpu-{next(_number)}",
            "gpu_type": "A100",
            "gpu_memory_gb": Decimal("80"),
            "bf16_tflops": Decimal("312"),
            "gpus_total": 16,
            "tdp_watts": 400,
            "share_low": Decimal("0.28"),
            "share_high": Decimal("0.42"),
            **fields,
        }
    )
    if rate is not None:
        make_rate(partition, rate)
    return partition


def make_rate(partition: Partition, rate: str = "2.20", **fields: Any) -> RateCard:
    """An approved rate, valid from the first day of 2026 on."""
    return RateCard.objects.create(
        **{
            "partition": partition,
            "state": RateState.APPROVED,
            "eur_per_gpu_hour": Decimal(rate),
            "method": RateCard.Method.MARKET_MEDIAN,
            "valid_from": date(2026, 1, 1),
            **fields,
        }
    )


def make_foundation_model(**fields: Any) -> FoundationModel:
    number = next(_number)
    return FoundationModel.objects.create(
        **{
            "slug": f"model-{number}",
            "name": f"Model {number}",
            "task": FoundationModel.Task.TEXT_GENERATION,
            "provider": "A consortium",
            "licence_spdx": "Apache-2.0",
            "commercial_use": True,
            "layers": 4,
            "hidden": 256,
            "intermediate": 704,
            "heads": 8,
            "kv_heads": 4,
            "head_dim": 32,
            "vocab": 4096,
            "tied_embeddings": True,
            "mlp_matrices": 3,
            "context": 512,
            "params": 4_000_000,
            **fields,
        }
    )


def make_access_mode(**fields: Any) -> AccessMode:
    return AccessMode.objects.create(
        **{
            "code": "playground",
            "name": "Playground",
            "summary": "For a first project.",
            "decided_by": AccessMode.DecidedBy.HELPDESK,
            "max_gpu_hours": 5000,
            "months": [1, 2, 3],
            "decision_working_days": 2,
            "valid_from": date(2020, 1, 1) + timedelta(days=next(_number) % 2000),
            **fields,
        }
    )


def make_allocation(
    *, organisation: Organisation, partition: Partition | None = None, gpu_hours: int = 10
) -> Allocation:
    """An active allocation with its grant booked, as a decision would have left it."""
    partition = partition or make_partition()
    number = next(_number)
    application = Application.objects.create(
        reference=f"REQ-T-{number}",
        organisation=organisation,
        mode=make_access_mode(),
        site=partition.site,
        partition=partition,
        state=ApplicationState.APPROVED,
        gpu_hours=gpu_hours,
    )
    today = datetime.now(UTC).date()
    rate = partition.rate_cards.get()
    allocation = Allocation.objects.create(
        reference=f"ALC-T-{number}",
        organisation=organisation,
        application=application,
        site=partition.site,
        partition=partition,
        granted_gpu_seconds=gpu_hours * 3600,
        starts_on=today - timedelta(days=1),
        ends_on=today + timedelta(days=60),
        rate_card=rate,
        eur_per_gpu_hour=rate.eur_per_gpu_hour,
        award=uuid.uuid4(),
    )
    LedgerEntry.objects.create(
        allocation=allocation, kind=LedgerEntry.Kind.GRANT, gpu_seconds=allocation.granted_gpu_seconds
    )
    return allocation


def make_dataset(*, organisation: Organisation, kind: str = "classification", **fields: Any) -> Dataset:
    """A data set that was checked and split; the files hold nothing."""
    dataset = Dataset.objects.create(
        **{
            "organisation": organisation,
            "name": "Customer messages",
            "kind": kind,
            "state": DatasetState.READY,
            "original_name": "messages.jsonl",
            "upload_sha256": "0" * 64,
            "upload_bytes": 1000,
            "rows": 300,
            "digest": "1" * 64,
            "labels": ["order", "return"] if kind == "classification" else [],
            "contains_personal_data": False,
            **fields,
        }
    )
    for name, rows in (("train", 240), ("validation", 30), ("test", 30)):
        DatasetPart.objects.create(
            dataset=dataset,
            name=name,
            file=f"parts/{name}.jsonl",
            sha256=sha256(name.encode()).hexdigest(),
            bytes=rows * 40,
            rows=rows,
        )
    return dataset


def with_second_factor(user: User) -> User:
    """Officers and administrators must have one before they see a page."""
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "not used by tests"})
    return user


def make_job(*, allocation: Allocation, charged_gpu_seconds: int | None = None, **fields: Any) -> Job:
    """A job of the allocation's organisation; with a charge it is booked as settled."""
    number = next(_number)
    job = Job.objects.create(
        **{
            "reference": f"JOB-T-{number}",
            "organisation": allocation.organisation,
            "allocation": allocation,
            "site": allocation.site,
            "partition": allocation.partition,
            "name": f"Run {number}",
            "recipe": "classify",
            "method": "baseline",
            "spec": {},
            "spec_hash": "2" * 64,
            "max_seconds": 3600,
            "reserved_gpu_seconds": 3600,
            "base_model": fields.pop("base_model", None) or make_foundation_model(),
            "dataset": fields.pop("dataset", None) or make_dataset(organisation=allocation.organisation),
            **fields,
        }
    )
    book = LedgerEntry.objects
    book.create(allocation=allocation, job=job, kind=LedgerEntry.Kind.RESERVE, gpu_seconds=-job.reserved_gpu_seconds)
    if charged_gpu_seconds is not None:
        book.create(allocation=allocation, job=job, kind=LedgerEntry.Kind.RELEASE, gpu_seconds=job.reserved_gpu_seconds)
        book.create(allocation=allocation, job=job, kind=LedgerEntry.Kind.CHARGE, gpu_seconds=-charged_gpu_seconds)
    return job
