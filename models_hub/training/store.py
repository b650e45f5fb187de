"""The site's model store: base models as folders of Hugging Face layout, each sealed with the digests of its files.

A store is a folder; a model is a folder in it, named by the catalogue's id, with `store.json` as its seal. Only
configuration, tokenizer and safetensors files count as a model: no pickles, no Python. What the seal does not list, or
lists with another digest, is refused before a single weight is loaded.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models_hub.specs import BaseModel, Failure, canonical_json
from models_hub.specs.fields import SAFE_NAME
from models_hub.training.failures import JobFailed
from models_hub.training.files import files_below, read_json, sha256_of, write_json

SEAL = "store.json"
SEAL_SCHEMA = "open-paas/store-model/1"
ALLOWED_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".md", ".model")
ALLOWED_NAMES = ("LICENSE", "NOTICE", "USE_POLICY")


class StoreError(Exception):
    """The store's keeper asked for something that cannot be done; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """One base model in the store. `digest` names its exact content; `kind` is `chat` or `encoder`."""

    id: str
    path: Path
    kind: str
    repo: str | None
    revision: str
    digest: str
    demonstration: bool
    files: dict[str, str]

    def public(self) -> dict[str, Any]:
        """What the agent tells the portal about this model: no path of this machine, no list of files."""
        facts = asdict(self)
        del facts["path"], facts["files"]
        return facts | {"bytes": sum((self.path / name).stat().st_size for name in self.files)}


def model_files(folder: Path) -> list[Path]:
    """The files that make up a model; raises StoreError at the first that has no business there."""
    found = [path for path in files_below(folder) if path.name != SEAL]
    for path in [*found, *(path for path in folder.rglob("*") if path.is_symlink())]:
        allowed = path.suffix in ALLOWED_SUFFIXES or path.name.split(".")[0] in ALLOWED_NAMES
        if path.is_symlink() or not allowed:
            raise StoreError(
                f"{path.relative_to(folder)} does not belong in a model of this store: "
                f"only configuration, tokenizer and safetensors files do."
            )
    names = {path.name for path in found}
    if "config.json" not in names or "tokenizer.json" not in names:
        raise StoreError("A model needs a config.json and a tokenizer.json.")
    if not any(name.endswith(".safetensors") for name in names):
        raise StoreError("A model needs its weights as safetensors.")
    config = read_json(folder / "config.json")
    if "auto_map" in config or "custom_code" in config:
        raise StoreError("This model needs Python code of its own; the store takes only architectures that it knows.")
    return found


def seal(folder: Path, *, model_id: str, repo: str | None, revision: str | None, demonstration: bool = False) -> None:
    """Write the seal over everything in `folder`. Without a revision the content's own digest serves as one."""
    files = {path.relative_to(folder).as_posix(): sha256_of(path) for path in model_files(folder)}
    digest = hashlib.sha256(canonical_json(files)).hexdigest()
    write_json(
        folder / SEAL,
        {
            "schema": SEAL_SCHEMA,
            "id": model_id,
            "kind": _kind(read_json(folder / "config.json")),
            "repo": repo,
            "revision": revision or digest[:16],
            "digest": digest,
            "demonstration": demonstration,
            "files": files,
        },
    )


def _kind(config: dict[str, Any]) -> str:
    architectures = config.get("architectures") or [""]
    return "chat" if any(str(name).endswith("ForCausalLM") for name in architectures) else "encoder"


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, model_id: str) -> StoredModel:
        """The model's seal; raises StoreError when there is none. Does not look at the weights."""
        if not SAFE_NAME.match(model_id):
            raise StoreError(f"{model_id!r} is not a name of a model.")
        folder = self.root / model_id
        if not (folder / SEAL).is_file():
            raise StoreError(f"There is no sealed model {model_id} in the store.")
        facts = read_json(folder / SEAL)
        if facts.get("schema") != SEAL_SCHEMA:
            raise StoreError(f"The seal of {model_id} has an unknown schema.")
        return StoredModel(
            path=folder,
            **{name: facts[name] for name in ("id", "kind", "repo", "revision", "digest", "demonstration", "files")},
        )

    def models(self) -> list[StoredModel]:
        if not self.root.is_dir():
            return []
        return [
            self.read(folder.name)
            for folder in sorted(self.root.iterdir())
            if SAFE_NAME.match(folder.name) and (folder / SEAL).is_file()
        ]

    def problems(self, model: StoredModel) -> list[str]:
        """Where the model's folder differs from its seal, one sentence each."""
        try:
            here = {path.relative_to(model.path).as_posix(): path for path in model_files(model.path)}
        except (StoreError, ValueError) as error:
            return [str(error)]
        found = [f"{name} is missing." for name in sorted(model.files.keys() - here.keys())]
        found += [f"{name} is not part of the sealed model." for name in sorted(here.keys() - model.files.keys())]
        found += [
            f"{name} was changed: its SHA-256 differs."
            for name in sorted(model.files.keys() & here.keys())
            if sha256_of(here[name]) != model.files[name]
        ]
        return found

    def fetch_for_job(self, wanted: BaseModel) -> StoredModel:
        """The model a job asks for, its content checked against the seal. Raises JobFailed(MODEL_MISSING)."""
        try:
            model = self.read(wanted.id)
        except (StoreError, OSError, ValueError, KeyError) as error:
            raise JobFailed(
                Failure.MODEL_MISSING, f"The site does not hold the base model {wanted.id}.", detail=str(error)
            ) from error
        if wanted.revision is not None and wanted.revision != model.revision:
            raise JobFailed(
                Failure.MODEL_MISSING,
                f"The site holds {wanted.id} in revision {model.revision}, the job asks for {wanted.revision}.",
            )
        found = self.problems(model)
        if found:
            raise JobFailed(
                Failure.MODEL_MISSING,
                f"The files of {wanted.id} at the site are not those that were put there.",
                detail="\n".join(found),
            )
        return model

    @contextmanager
    def new_model(self, model_id: str) -> Iterator[Path]:
        """A folder to fill. It takes its place in the store in one step when the block ends well, else it vanishes."""
        if not SAFE_NAME.match(model_id):
            raise StoreError(f"{model_id!r} is not a name of a model: letters, digits, dot, dash and underscore only.")
        if (self.root / model_id).exists():
            raise StoreError(f"The store already holds {model_id}; remove its folder first.")
        self.root.mkdir(parents=True, exist_ok=True)
        self._sweep(model_id)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{model_id}.", dir=self.root))
        try:
            yield unfinished
            for path in unfinished.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)
            unfinished.chmod(0o755)
            unfinished.rename(self.root / model_id)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def _sweep(self, model_id: str) -> None:
        """Remove what a killed builder of the same model left behind."""
        for debris in self.root.glob(f".{model_id}.*"):
            shutil.rmtree(debris, ignore_errors=True)

    def adopt(self, model_id: str, *, repo: str | None, revision: str | None) -> StoredModel:
        """Seal a folder that somebody copied into the store by hand."""
        if not SAFE_NAME.match(model_id) or not (self.root / model_id).is_dir():
            raise StoreError(f"There is no folder {model_id} in the store.")
        seal(self.root / model_id, model_id=model_id, repo=repo, revision=revision)
        return self.read(model_id)
