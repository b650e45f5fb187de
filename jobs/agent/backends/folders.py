"""A job's folder at the site, and how its training is called: the same for every back-end that works with files.

jobs/<key>/order.json  data/            written before it is handed over
           spec.json  out/  log  runs/…  made by its wrapper, where it runs

The driver's thread alone changes what lies here. Others may look at any moment, also while a job is being removed: they
see it whole or not at all, and writing nothing they cannot bring back what has just gone.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jobs.agent.backends.base import BackendError
from jobs.agent.backends.wrapper import ALIVE, LOG, ORDER, RUNS, SPEC, START
from jobs.agent.files import read_json, write_json
from models_hub.specs import JobSpec
from models_hub.specs.fields import SAFE_NAME

_START_NAME = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class JobFolders:
    """The verbs of a back-end that are only about files. `folder` holds one folder a key."""

    folder: Path

    def logs(self, key: str, offset: int, most: int) -> bytes:
        try:
            with (self._job(key) / LOG).open("rb") as file:
                file.seek(offset)
                return file.read(most)
        except FileNotFoundError:
            return b""

    def stage(self, key: str, direction: Literal["in", "out"]) -> Path:
        return self._job(key) / ("data" if direction == "in" else "out")

    def _job(self, key: str) -> Path:
        if not SAFE_NAME.match(key):
            raise BackendError(f"{key!r} is not a name of a job.")
        return self.folder / key

    def _known(self, key: str) -> bool:
        return self._job(key).is_dir()

    def _keys(self) -> list[str]:
        """The keys that have a folder here."""
        return [path.name for path in self.folder.iterdir() if SAFE_NAME.match(path.name)]

    def _remove(self, key: str) -> None:
        """Removes the job's folder; what cannot be removed is an error, for the portal is told that all is gone.

        It is moved aside first: killed in the middle, the agent finds the rest under that name and not half a job.
        """
        job, aside = self._job(key), self.folder / f".{key}.removed"
        shutil.rmtree(aside, ignore_errors=True)
        if job.exists():
            try:
                job.rename(aside)
            except OSError as error:
                raise BackendError(f"{job} could not be moved aside to be removed: {error}") from error
            shutil.rmtree(aside, ignore_errors=True)
        if aside.exists():
            raise BackendError(f"{aside} could not be removed in full. Look at its owner and its disk.")

    def _write_order(self, key: str, order: dict[str, Any], spec: JobSpec) -> None:
        """All that the wrapper needs, in one file: many jobs may be written at once, on a disk that many share."""
        job = self._job(key)
        job.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json(job / ORDER, {**order, "spec": spec.to_json()})

    def _order_of(self, key: str) -> dict[str, Any]:
        return read_json(self._job(key) / ORDER) or {}


@dataclass(frozen=True)
class Claim:
    """A start that a wrapper has claimed, `runs/<name>`: what it wrote down then, and when it was last alive."""

    path: Path
    start: dict[str, Any]
    seen_at: float

    @property
    def number(self) -> tuple[int, int]:
        """Of the submission, and how often the scheduler itself has started it again: `runs/N` or `runs/N.R`."""
        number, _, restart = self.path.name.partition(".")
        return int(number), int(restart or 0)


def claims(job: Path) -> list[Claim]:
    """The claimed starts of a job, oldest first. One that is going or gone is not there."""
    try:
        paths = [path for path in (job / RUNS).iterdir() if _START_NAME.fullmatch(path.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(path, read_json(path / START), max(_changed(path / START), _changed(path / ALIVE))) for path in paths]
    there = [Claim(path, start, seen_at) for path, start, seen_at in found if isinstance(start, dict) and seen_at]
    return sorted(there, key=lambda one: one.number)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return 0.0


def training_command(command: list[str], job: Path, *, store: Path) -> list[str]:
    arguments = {"--spec": job / SPEC, "--data": job / "data", "--store": store, "--out": job / "out"}
    return [*command, "run", *(str(part) for pair in arguments.items() for part in pair)]


def training_environment(job: Path, *, code: Path, threads: int) -> dict[str, str]:
    """What the training sees: nothing of the agent's, no home but the job's folder, no way to a model hub."""
    return {
        **plain_environment(),
        "PYTHONPATH": str(code),
        "PYTHONUNBUFFERED": "1",
        "HOME": str(job),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        **({"OMP_NUM_THREADS": str(threads)} if threads else {}),
    }


def plain_environment() -> dict[str, str]:
    """What a program needs to start, and nothing that is nobody's business."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "TMPDIR", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    return {name: os.environ[name] for name in kept if name in os.environ}
