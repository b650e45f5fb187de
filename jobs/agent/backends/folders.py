"""A job's folder at the site, and how its training is called: the same for every back-end that works with files.

jobs/<key>/order.json  spec.json  data/  out/  log  runs/…
"""

import os
import shutil
from pathlib import Path
from typing import Any, Literal

from jobs.agent.backends.base import BackendError
from jobs.agent.backends.wrapper import LOG, ORDER
from jobs.agent.files import read_json
from models_hub.specs.fields import SAFE_NAME


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
        folder = self._job(key) / ("data" if direction == "in" else "out")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def _job(self, key: str) -> Path:
        if not SAFE_NAME.match(key):
            raise BackendError(f"{key!r} is not a name of a job.")
        return self.folder / key

    def _known(self, key: str) -> bool:
        return self._job(key).is_dir()

    def _remove(self, key: str) -> None:
        """Removes the job's folder; what cannot be removed is an error, for the portal is told that all is gone."""
        shutil.rmtree(self._job(key), ignore_errors=True)
        if self._known(key):
            raise BackendError(f"{self._job(key)} could not be removed in full. Look at its owner and its disk.")

    def _order_of(self, key: str) -> dict[str, Any]:
        return read_json(self._job(key) / ORDER) or {}


def training_command(command: list[str], job: Path, *, store: Path) -> list[str]:
    arguments = {"--spec": job / "spec.json", "--data": job / "data", "--store": store, "--out": job / "out"}
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
