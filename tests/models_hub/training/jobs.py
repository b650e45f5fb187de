"""Small jobs for the tests: specs with fitting data, written where a test wants them."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

LLAMA, ENCODER = "tiny-llama-demo", "minilm-demo"
THINGS = {
    "the opening hours": "We are open from nine to six.",
    "the return period": "You can return parts within thirty days.",
    "the delivery time": "Parcels arrive in two to four days.",
    "the warranty": "All parts carry a warranty of two years.",
    "the phone number": "Call the shop on extension 210.",
    "gift cards": "Gift cards are valid for three years.",
}
ASKED = ("What about {}?", "Tell me about {}.", "I have a question on {}.", "Info on {} please.", "Help me with {}!")
TOPICS = {
    "invoice": ("The bill for {} is wrong.", "Please send the invoice for {} again.", "We paid twice for {}."),
    "delivery": ("The parcel with {} has not arrived.", "When does {} ship?", "The courier lost {}."),
    "defect": ("{} broke after one day.", "The motor of {} makes a noise.", "{} does not start any more."),
}
GOODS = ("the chain", "the charger", "the red bicycle", "the pump", "the saddle", "the lamp", "the helmet", "the lock")


def chat_rows() -> list[dict[str, Any]]:
    rows = [
        {
            "messages": [
                {"role": "system", "content": "You answer for a bicycle shop."},
                {"role": "user", "content": asked.format(thing)},
                {"role": "assistant", "content": answer},
            ]
        }
        for thing, answer in THINGS.items()
        for asked in ASKED
    ]
    random.Random(1).shuffle(rows)  # noqa: S311 (a fixed order, not a secret)
    return rows


def label_rows() -> list[dict[str, Any]]:
    rows = [
        {"text": text.format(good), "label": label}
        for label, texts in TOPICS.items()
        for text in texts
        for good in GOODS
    ]
    random.Random(1).shuffle(rows)  # noqa: S311 (a fixed order, not a secret)
    return rows


def write_rows(path: Path, rows: list[Any]) -> dict[str, Any]:
    """Write JSON lines; returns the split's words for the spec."""
    raw = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(raw)
    return {"name": path.name, "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw), "rows": len(rows)}


def make_job(
    folder: Path, *, recipe: str = "chat", method: str = "lora", rows: list[Any] | None = None, **train: Any
) -> dict[str, Any]:
    """Write data and spec of a small job into `folder`; returns the spec as plain JSON."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    rows = rows if rows is not None else (chat_rows() if recipe == "chat" else label_rows())
    held = max(1, len(rows) // 5)
    spec = make_spec(recipe=recipe, method=method, **train)
    spec["data"] |= {
        "train": write_rows(data / "train.jsonl", rows[2 * held :]),
        "validation": write_rows(data / "validation.jsonl", rows[:held]),
        "test": write_rows(data / "test.jsonl", rows[held : 2 * held]),
    }
    save_spec(folder, spec)
    return spec


def save_spec(folder: Path, spec: dict[str, Any]) -> None:
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")


def make_spec(*, recipe: str = "chat", method: str = "lora", **train: Any) -> dict[str, Any]:
    """A valid spec with placeholder data; keywords replace settings of `train`."""
    chat = recipe == "chat"
    part = {"sha256": "0" * 64, "bytes": 1, "rows": 1}
    return {
        "schema": "open-paas/job-spec/1",
        "recipe": recipe,
        "name": "Answers for the shop",
        "seed": 42,
        "base_model": {"id": LLAMA if chat else ENCODER, "revision": "demo-1", "repo": None},
        "method": method,
        "data": {
            "format": "chat" if chat else "classification",
            "labels": [] if chat else sorted(TOPICS),
            **{name: {"name": f"{name}.jsonl", **part} for name in ("train", "validation", "test")},
        },
        "train": {
            "epochs": 4,
            "learning_rate": 5e-3 if chat else 2e-4,
            "micro_batch": 6 if chat else 12,
            "accumulation": 1,
            "max_length": 96,
            "warmup_ratio": 0.05,
            "scheduler": "cosine",
            "patience": 0,
            "eval_every": 4,
            "save_every": 2,
            "log_every": 1,
            **train,
        },
        "lora": {"r": 8, "alpha": 16, "dropout": 0.0} if method in ("lora", "qlora") else None,
        "evaluation": {"samples": 4, "max_new_tokens": 12},
        "limits": {"gpus": 0, "max_seconds": 3600, "memory_gb": 16},
        "card": {
            "title": "Shop answers",
            "licence_spdx": "EUPL-1.2" if chat else "Apache-2.0",
            "licence_name": "European Union Public Licence 1.2" if chat else "Apache License 2.0",
            "base_name": "Tiny Llama (demonstration)" if chat else "MiniLM (demonstration)",
            "base_repo": "example/tiny-llama" if chat else "sentence-transformers/all-MiniLM-L6-v2",
            "languages": ["en"],
            "dataset_name": "Shop questions",
            "dataset_sha256": "1" * 64,
            "intended_use": "Answers to customers of a bicycle shop.",
        },
    }
