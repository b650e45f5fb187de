"""`Manifest` and `Artefact`: what a finished job delivers, file by file with its SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models_hub.specs.fields import SAFE_NAME, Fields, SpecError, decoded, plain

MANIFEST_SCHEMA = "open-paas/manifest/1"


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """One file of a finished job. `path` is relative to the artefacts folder, with forward slashes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a finished job delivers, file by file, and which spec and base model it came from."""

    schema: str
    spec_hash: str
    base_model: str
    base_digest: str
    files: tuple[Artefact, ...]

    @classmethod
    def from_json(cls, source: str | bytes | Mapping[str, Any]) -> Manifest:
        fields = Fields(decoded(source), "")
        manifest = cls(
            schema=fields.choice("schema", (MANIFEST_SCHEMA,)),
            spec_hash=fields.digest("spec_hash"),
            base_model=fields.safe_name("base_model"),
            base_digest=fields.digest("base_digest"),
            files=tuple(_read_artefact(item) for item in fields.objects("files")),
        )
        fields.nothing_else()
        if len({artefact.path for artefact in manifest.files}) != len(manifest.files):
            raise SpecError("files", "A file is listed twice.")
        return manifest

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(self)
        return found


def _read_artefact(fields: Fields) -> Artefact:
    path = fields.text("path", longest=500)
    if any(not SAFE_NAME.match(part) for part in path.split("/")):
        raise fields.error("path", "A path stays inside its folder and uses letters, digits, dot, dash and underscore.")
    artefact = Artefact(path=path, sha256=fields.digest("sha256"), bytes=fields.whole("bytes", least=0, most=2**50))
    fields.nothing_else()
    return artefact
