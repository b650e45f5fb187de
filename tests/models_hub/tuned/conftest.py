"""A finished classification and a finished chat model, with small files on disk."""

import hashlib
import json

import pytest
from django.core.files.base import ContentFile

from models_hub.models import TunedFile, TunedModel
from tests.factories import make_dataset, make_foundation_model, make_organisation, make_user

CURVE = "".join(
    json.dumps(point) + "\n"
    for point in [
        {"type": "metrics", "step": 5, "loss": 1.4},
        {"type": "metrics", "step": 10, "loss": 1.0},
        {"type": "metrics", "step": 10, "validation_loss": 1.1},
        {"type": "metrics", "step": 15, "loss": 0.6},
        {"type": "metrics", "step": 20, "validation_loss": 0.7},
        {"type": "metrics", "step": 30, "loss": 0.3},
        {"type": "metrics", "step": 30, "validation_loss": 0.8},
    ]
)


def classified(**changed):
    """The result of an encoder that sorts 100 held-out rows."""
    return {
        "schema": "open-paas/job-result/1",
        "state": "succeeded",
        "recipe": "classify",
        "method": "encoder",
        "headline": "accuracy",
        "improved": True,
        "labels": ["order", "return"],
        "majority": {"what": "majority_class", "accuracy": 0.5, "macro_f1": 0.33, "rows": 100},
        "baseline": {"what": "frozen_baseline", "accuracy": 0.8, "macro_f1": 0.8, "rows": 100},
        "before": {"what": "frozen_baseline", "accuracy": 0.8, "macro_f1": 0.8, "rows": 100},
        "after": {
            "what": "tuned_model", "accuracy": 0.95, "macro_f1": 0.95, "rows": 100, "confusion": [[48, 2], [3, 47]],
        },
        "samples": [{"prompt": "Where is <b>my</b> parcel?", "expected": "order", "base": "return", "tuned": "order"}],
        "steps": {"done": 30, "planned": 30, "best": 20, "stopped_early": False},
        "measured": {"device": "cpu", "peak_memory_mb": 970, "train_seconds": 31, "wall_seconds": 46, "energy_j": None},
        "estimate": {
            "seconds": {"likely": 60.0}, "memory": {"total": {"value": 1.2}}, "energy_kwh": {"likely": 0.004},
        },
        **changed,
    }  # fmt: skip


def talked(before=5.1, after=2.0):
    figures = {"perplexity": 7.4, "exact_match": 0.3, "rows": 26, "answered": 6}
    return {
        "state": "succeeded",
        "recipe": "chat",
        "headline": "loss",
        "before": {"what": "base_model", "loss": before, **figures},
        "after": {"what": "tuned_model", "loss": after, **figures},
    }


def make_tuned(organisation, *, files=None, result=None, **fields):
    tuned = TunedModel.objects.create(
        **{
            "organisation": organisation,
            "job_id": hashlib.md5(str(TunedModel.objects.count()).encode(), usedforsecurity=False).hexdigest(),
            "name": "Mail sorter",
            "recipe": "classify",
            "method": "encoder",
            "base_model": make_foundation_model(licence_words="Free to use, also for money."),
            "base_revision": "abc123",
            "dataset": make_dataset(organisation=organisation),
            "dataset_digest": "1" * 64,
            "spec": {},
            "spec_hash": "2" * 64,
            "licence_spdx": "Apache-2.0",
            "result": result or classified(),
            "manifest": {},
            **fields,
        }
    )
    contents = files or {
        "README.md": b"# Mail sorter\n",
        "model/model.safetensors": b"\x00\x01" * 300_000,
        "metrics.jsonl": CURVE.encode(),
        "manifest.json": b"{}",
    }
    for path, content in contents.items():
        row = TunedFile(tuned_model=tuned, path=path, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        row.file.save(path.replace("/", "_"), ContentFile(content))
        row.save()
    return tuned


@pytest.fixture
def owner(db, client):
    person = make_user()
    person.organisation = make_organisation(owner=person)
    client.force_login(person)
    return person


@pytest.fixture
def tuned(owner):
    return make_tuned(owner.organisation)
