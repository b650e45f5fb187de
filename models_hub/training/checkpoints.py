"""Which checkpoints can be trusted after a crash.

A checkpoint counts only when its marker was written, after all its files, and when every file the marker lists is there
in full size. Anything else is debris of a killed process and is removed. Checkpoints are only ever read from the run's
own work folder and only for the spec that wrote them: they hold pickles, so nobody may bring one along.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from models_hub.training.files import files_below, read_json, write_json

MARKER = "complete.json"
_NAME = re.compile(r"checkpoint-(\d+)\Z")


def step_of(checkpoint: Path) -> int:
    match = _NAME.match(checkpoint.name)
    if match is None:
        raise ValueError(f"{checkpoint.name} is not the name of a checkpoint")
    return int(match[1])


def mark_complete(checkpoint: Path, *, spec_hash: str) -> None:
    """Call when the last file has been written; the files reach the disk before the marker does."""
    sizes: dict[str, int] = {}
    for path in files_below(checkpoint):
        if path.name == MARKER:
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sizes[path.relative_to(checkpoint).as_posix()] = path.stat().st_size
    write_json(checkpoint / MARKER, {"spec_hash": spec_hash, "step": step_of(checkpoint), "files": sizes})


def is_complete(checkpoint: Path, *, spec_hash: str) -> bool:
    try:
        marker = read_json(checkpoint / MARKER)
        return (
            marker["spec_hash"] == spec_hash
            and marker["step"] == step_of(checkpoint)
            and all((checkpoint / name).stat().st_size == size for name, size in marker["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def latest(work: Path, *, spec_hash: str) -> Path | None:
    """The newest checkpoint to go on from; torn ones are removed on the way."""
    found: list[Path] = []
    for folder in work.glob("checkpoint-*"):
        if _NAME.match(folder.name) and not folder.is_symlink() and is_complete(folder, spec_hash=spec_hash):
            found.append(folder)
        elif folder.is_symlink() or folder.is_file():
            folder.unlink()
        else:
            shutil.rmtree(folder)
    return max(found, key=step_of, default=None)
