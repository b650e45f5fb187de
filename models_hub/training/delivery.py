"""The artefacts folder: built beside the old one, described in full, then sealed by its manifest.

The libraries leave local paths and placeholder cards behind; both are replaced here, so that what is delivered names
the public base model and nothing of this machine.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from models_hub.training.cards import model_card
from models_hub.training.context import Context
from models_hub.training.events import whole_lines
from models_hub.training.exchange import recipe_yaml
from models_hub.training.files import files_below, read_json, write_atomic, write_json
from models_hub.training.manifest import write_manifest

_LEAVE_BEHIND = (".bin", ".pt", ".pth", ".pkl", ".pickle")


def fresh_folder(context: Context, name: str) -> Path:
    """An empty artefacts folder with one folder in it for the weights."""
    shutil.rmtree(context.artefacts, ignore_errors=True)
    folder = context.artefacts / name
    folder.mkdir(parents=True)
    return folder


def complete(context: Context, result: dict[str, Any]) -> None:
    """Add to the weights all that belongs to them, and the manifest last."""
    folder = context.artefacts
    for weights in ("adapter", "model"):
        if (folder / weights).is_dir():
            _clean(folder / weights, context)
    card = model_card(context.spec, result)
    write_atomic(folder / "README.md", card)
    if (folder / "adapter").is_dir():
        write_atomic(folder / "adapter" / "README.md", card)
    recipe = recipe_yaml(context.spec, tokenizer_folder=next(iter(folder.glob("*/tokenizer.json")), folder).parent)
    if recipe:
        write_atomic(folder / "recipe.yaml", recipe)
    write_json(folder / "spec.json", context.spec.to_json())
    write_json(folder / "samples.json", result["samples"])
    curve = [event for event in whole_lines(context.out / "events.jsonl") if event["type"] == "metrics"]
    write_atomic(folder / "metrics.jsonl", "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in curve))
    write_json(folder / "result.json", result)
    write_manifest(
        folder,
        spec_hash=context.spec.spec_hash,
        base_model=context.model.id,
        base_digest=context.model.digest,
    )


def _clean(folder: Path, context: Context) -> None:
    """No pickles, no library's card, no path of this machine."""
    for path in files_below(folder):
        if path.suffix in _LEAVE_BEHIND or path.name == "README.md":
            path.unlink()
    public_name = context.spec.card.base_repo or context.spec.base_model.repo or context.spec.base_model.id
    for name, fields in (
        ("adapter_config.json", {"base_model_name_or_path": public_name, "revision": _public_revision(context)}),
        ("config.json", {"_name_or_path": public_name}),
        ("tokenizer_config.json", {"name_or_path": public_name}),
    ):
        path = folder / name
        if not path.exists():
            continue
        settings = read_json(path)
        for field, value in fields.items():
            if field in settings or name == "adapter_config.json":
                settings[field] = value
        write_json(path, settings)


def _public_revision(context: Context) -> str | None:
    """A revision is only worth naming where the public repository knows it: a commit."""
    revision = context.model.revision
    is_commit = len(revision) == 40 and set(revision) <= set("0123456789abcdef")
    return revision if is_commit and not context.model.demonstration else None
