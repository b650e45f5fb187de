"""A company with hours, data and a model at a connected site: what a job needs."""

import hashlib
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django.core.files.base import ContentFile

from catalog.models import StoredModel
from jobs.execution.services import submit_job
from jobs.models import Job, SiteAgent
from models_hub.specs import JobSpec
from tests.factories import (
    make_allocation,
    make_dataset,
    make_foundation_model,
    make_organisation,
    make_partition,
    make_site,
    make_user,
)

AT = datetime.now(UTC)


def spec_json(*, dataset: Any, model: str, name: str = "Sort our mail", **limits: Any) -> dict[str, Any]:
    parts = {
        part.name: {"name": f"{part.name}.jsonl", "sha256": part.sha256, "bytes": part.bytes, "rows": part.rows}
        for part in dataset.parts.all()
    }
    return {
        "schema": "open-paas/job-spec/1",
        "recipe": "classify",
        "name": name,
        "seed": 7,
        "base_model": {"id": model, "revision": "rev-1", "repo": None},
        "method": "baseline",
        "data": {"format": "classification", "labels": ["order", "return"], **parts},
        "train": {
            "epochs": 1, "learning_rate": 0.001, "micro_batch": 8, "accumulation": 1, "max_length": 128,
            "warmup_ratio": 0.0, "scheduler": "constant", "patience": 0, "eval_every": 5, "save_every": 5,
            "log_every": 1,
        },
        "lora": None,
        "evaluation": {"samples": 3, "max_new_tokens": 16},
        "limits": {"gpus": 1, "max_seconds": 600, "memory_gb": 4, **limits},
        "card": {
            "title": name, "licence_spdx": "Apache-2.0", "licence_name": "Apache License 2.0", "base_name": model,
            "base_repo": None, "languages": ["en"], "dataset_name": dataset.name, "dataset_sha256": dataset.digest,
            "intended_use": "",
        },
    }  # fmt: skip


def row_lines(rows: int, seed: str) -> bytes:
    lines = [
        {"text": f"{seed} {number} please send parcel back" if number % 2 else f"{seed} {number} I want to buy",
         "label": "return" if number % 2 else "order"}
        for number in range(rows)
    ]  # fmt: skip
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def fill_parts(dataset: Any) -> None:
    """Real files behind the data set's parts."""
    for part in dataset.parts.all():
        content = row_lines(12, part.name)
        part.sha256, part.bytes, part.rows = hashlib.sha256(content).hexdigest(), len(content), 12
        part.file.save(f"{dataset.pk}-{part.name}.jsonl", ContentFile(content), save=True)


def make_scene(*, gpu_hours: int = 10, slug: str = "tiny-encoder", **site: Any) -> SimpleNamespace:
    owner = make_user()
    organisation = make_organisation(owner=owner)
    partition = make_partition(site=make_site(**site))
    allocation = make_allocation(organisation=organisation, partition=partition, gpu_hours=gpu_hours)
    model = make_foundation_model(slug=slug, task="embedding")
    StoredModel.objects.create(site=partition.site, model=model, revision="rev-1", last_reported_at=AT)
    dataset = make_dataset(organisation=organisation)
    fill_parts(dataset)
    return SimpleNamespace(
        owner=owner, organisation=organisation, partition=partition, site=partition.site, allocation=allocation,
        model=model, dataset=dataset,
    )  # fmt: skip


def submit(
    scene: SimpleNamespace, *, draft: Any = None, at: datetime | None = None, may_move: bool = False, **words: Any
) -> Job:
    spec = JobSpec.from_json(spec_json(dataset=scene.dataset, model=scene.model.slug, **words))
    return submit_job(
        organisation=scene.organisation,
        draft=draft,
        allocation=scene.allocation,
        spec=spec,
        estimate={},
        dataset=scene.dataset,
        base_model=scene.model,
        partition=scene.partition,
        answers={"goal": {"name": spec.name}},
        actor=scene.owner,
        at=at or datetime.now(UTC),
        may_move=may_move,
    )


def make_agent(site: Any, **fields: Any) -> SiteAgent:
    number = SiteAgent.objects.count() + 1
    return SiteAgent.objects.create(
        **{"site": site, "name": f"agent {number}", "public_key": f"key {number}", "epoch": number, **fields}
    )
