"""The manifest of a finished job: every delivered file with its SHA-256, and the check against it."""

from __future__ import annotations

from pathlib import Path

from models_hub.specs import MANIFEST_SCHEMA, Artefact, Manifest
from models_hub.training.files import files_below, read_json, sha256_of, write_json

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"


def write_manifest(artefacts: Path, *, spec_hash: str, base_model: str, base_digest: str) -> Manifest:
    files = tuple(
        Artefact(path=path.relative_to(artefacts).as_posix(), sha256=sha256_of(path), bytes=path.stat().st_size)
        for path in files_below(artefacts)
        if path != artefacts / MANIFEST
    )
    manifest = Manifest(
        schema=MANIFEST_SCHEMA, spec_hash=spec_hash, base_model=base_model, base_digest=base_digest, files=files
    )
    write_json(artefacts / MANIFEST, manifest.to_json())
    return manifest


def problems(artefacts: Path) -> list[str]:
    """What is wrong with a folder of artefacts, one sentence each; an empty list is the good answer."""
    if not (artefacts / MANIFEST).is_file():
        return [f"There is no {MANIFEST} in {artefacts}."]
    try:
        manifest = Manifest.from_json(read_json(artefacts / MANIFEST))
    except ValueError as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    found: list[str] = []
    for artefact in manifest.files:
        path = artefacts / artefact.path
        if not path.is_file():
            found.append(f"{artefact.path} is missing.")
        elif path.stat().st_size != artefact.bytes:
            found.append(f"{artefact.path} has {path.stat().st_size} bytes instead of {artefact.bytes}.")
        elif sha256_of(path) != artefact.sha256:
            found.append(f"{artefact.path} was changed: its SHA-256 differs.")
    # The portal's download adds the same sums in the form that `sha256sum -c` reads; they must say the same.
    sums = artefacts / SUMS
    if sums.is_file():
        expected = {artefact.path: artefact.sha256 for artefact in manifest.files}
        for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
            digest, _, name = line.partition("  ")
            if name in expected and digest != expected[name]:
                found.append(f"{SUMS} and {MANIFEST} disagree about {name}.")
    listed = {artefact.path for artefact in manifest.files} | {MANIFEST, SUMS}
    here = {path.relative_to(artefacts).as_posix() for path in artefacts.rglob("*") if not path.is_dir()}
    found += [f"{name} is not in the manifest." for name in sorted(here - listed)]
    return found
