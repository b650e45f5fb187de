"""One command from the hub into the store, at sites that allow it: `store add OWNER/NAME --revision COMMIT`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from models_hub.training import surroundings
from models_hub.training.store import Store, StoreError, seal

_WANTED = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "1_Pooling/config.json",
    "README.md",
    "LICENSE*",
    "NOTICE*",
]
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def slug_of(repo: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", repo.rsplit("/", 1)[-1].lower()).strip("-.")


def add_from_hub(store: Store, repo: str, *, revision: str, model_id: str | None) -> str:
    """Fetch one revision of a repository into the store; returns the model's id."""
    if not surroundings.hub_allowed():
        raise StoreError(f"This site does not fetch models from the hub. Set {surroundings.HUB_SWITCH}=1 to allow it.")
    if not _COMMIT.match(revision):
        raise StoreError("Name the revision by its full commit of 40 hexadecimal digits: branches and tags can move.")
    surroundings.open_to_hub()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    name = model_id or slug_of(repo)
    with store.new_model(name) as folder:
        try:
            snapshot_download(repo, revision=revision, local_dir=folder, allow_patterns=_WANTED)
        except GatedRepoError as error:
            raise StoreError(f"{repo} is gated: accept its terms on the hub and set HF_TOKEN to your token.") from error
        except RepositoryNotFoundError as error:
            raise StoreError(
                f"The hub knows no {repo} at {revision}, or it is private and HF_TOKEN is not set."
            ) from error
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise StoreError(f"{repo} could not be fetched: {error}") from error
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        _prefer_safetensors(folder)
        seal(folder, model_id=name, repo=repo, revision=revision)
    return name


def _prefer_safetensors(folder: Path) -> None:
    """Some repositories carry their weights twice: sharded for transformers and consolidated for another runtime."""
    if (folder / "model.safetensors.index.json").exists():
        for path in folder.glob("consolidated*.safetensors"):
            path.unlink()
