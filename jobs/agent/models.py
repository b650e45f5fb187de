"""The site's model store as the agent reads it: which models are sealed there, and their tokenizers."""

import json
from pathlib import Path
from typing import Any

from jobs.agent.files import read_json
from models_hub.specs.fields import SAFE_NAME

SEAL = "store.json"
# What counting tokens and rendering a conversation needs, and nothing else of what such files may hold.
_CONFIG_NAMES = (
    "bos_token",
    "eos_token",
    "pad_token",
    "unk_token",
    "add_bos_token",
    "add_eos_token",
    "model_max_length",
)


def stored_models(store: Path) -> list[dict[str, str]]:
    """`[{"id", "revision"}]` of every sealed model."""
    if not store.is_dir():
        return []
    found = []
    for folder in sorted(store.iterdir()):
        seal = read_json(folder / SEAL) if SAFE_NAME.match(folder.name) else None
        if isinstance(seal, dict) and seal.get("id") == folder.name:
            found.append({"id": folder.name, "revision": str(seal.get("revision") or "")})
    return found


def tokenizer_of(store: Path, slug: str) -> tuple[str, dict[str, Any]] | None:
    """tokenizer.json as text and the configuration with the chat template; None when the model has none."""
    folder = store / slug
    if not SAFE_NAME.match(slug) or not (folder / "tokenizer.json").is_file():
        return None
    raw = read_json(folder / "tokenizer_config.json") or {}
    config = {name: _text_of(raw[name]) for name in _CONFIG_NAMES if name in raw}
    template = raw.get("chat_template")
    if (folder / "chat_template.jinja").is_file():
        template = (folder / "chat_template.jinja").read_text()
    if isinstance(template, list):
        template = next((one.get("template") for one in template if one.get("name") == "default"), None)
    if isinstance(template, str):
        config["chat_template"] = template
    text = (folder / "tokenizer.json").read_text()
    json.loads(text)
    return text, config


def _text_of(value: Any) -> Any:
    """Special tokens are written as text or as an object with the text inside."""
    return value.get("content") if isinstance(value, dict) else value
