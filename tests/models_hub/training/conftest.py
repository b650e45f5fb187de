"""Real jobs for the tests: a small demonstration store, and runs in the site's own Python.

The portal's environment has no torch, so everything that trains is started as a site starts it: another interpreter,
the repository on its path, the job's folder as working directory.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.models_hub.training.jobs import make_job
from tests.support import require

ROOT = Path(__file__).resolve().parents[3]
SITE_PYTHON = Path(os.environ.get("SITE_PYTHON", ROOT / ".venv-site" / "bin" / "python"))
PATIENCE = 600  # seconds until a test gives a process up; nothing is measured by it


def site_command(*arguments: object) -> list[str]:
    return [str(SITE_PYTHON), *map(str, arguments)]


def site_environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))}
    return plain | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class Run:
    """One job's folder, and what is in it once the runtime has worked there."""

    folder: Path
    store: Path
    code: int | None = None
    log: str = ""

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def artefacts(self) -> Path:
        return self.out / "artefacts"

    @property
    def result(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.out / "result.json").read_text(encoding="utf-8"))
        return read

    def events(self, type_: str | None = None) -> list[dict[str, Any]]:
        path = self.out / "events.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [event for event in map(json.loads, lines) if type_ in (None, event["type"])]

    @property
    def command(self) -> list[str]:
        return site_command(
            *("-m", "models_hub.training", "run", "--spec", "spec.json"),
            *("--data", "data", "--store", self.store, "--out", "out"),
        )

    def start(self, **options: Any) -> subprocess.Popen[bytes]:
        """Start the runtime and leave it running."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                self.command, cwd=self.folder, env=site_environment(), stdout=log, stderr=subprocess.STDOUT, **options
            )

    def finish(self, process: subprocess.Popen[bytes]) -> Run:
        try:
            self.code = process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return self

    def go(self, **options: Any) -> Run:
        return self.finish(self.start(**options))

    def wait_for(self, process: subprocess.Popen[bytes], condition: Callable[[], object]) -> None:
        """Until the condition holds; fails when the process ends before."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, f"the run ended too soon:\n{(self.folder / 'log').read_text()}"
            assert time.monotonic() < deadline, "the run never came to the awaited point"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def site_python() -> Path:
    require(SITE_PYTHON.exists(), "needs the site environment (.venv-site, or SITE_PYTHON)")
    return SITE_PYTHON


@pytest.fixture(scope="session")
def store(site_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quick demonstration store, built once for all processes of a test run."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if os.environ.get("PYTEST_XDIST_WORKER") else shared
    with (shared / "store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            site_command("-m", "models_hub.training", "store", "demo", "--store", shared / "store", "--quick"),
            env=site_environment(),
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
    return shared / "store"


@pytest.fixture
def make_run(store: Path, tmp_path: Path) -> Callable[..., Run]:
    """A job of its own for one test; keywords go to `make_job`, `change` may alter the spec before it is saved."""

    def make(name: str = "job", **kind: Any) -> Run:
        (tmp_path / name).mkdir()
        make_job(tmp_path / name, **kind)
        return Run(folder=tmp_path / name, store=store)

    return make


def _finished(store: Path, folder: Path, **kind: Any) -> Run:
    make_job(folder, **kind)
    run = Run(folder=folder, store=store).go()
    assert run.code == 0, run.log
    return run


@pytest.fixture(scope="session")
def lora_run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished chat job, for tests that only look at it."""
    return _finished(store, tmp_path_factory.mktemp("lora"), epochs=12)


@pytest.fixture(scope="session")
def quick_run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _finished(store, tmp_path_factory.mktemp("quick"), recipe="classify", method="baseline")


@pytest.fixture(scope="session")
def encoder_run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _finished(
        store, tmp_path_factory.mktemp("encoder"), recipe="classify", method="encoder", patience=2, epochs=8
    )


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Run], Run]:
    """A finished run's folder to spoil."""

    def copy(run: Run) -> Run:
        shutil.copytree(run.folder, tmp_path / "copy")
        return Run(folder=tmp_path / "copy", store=run.store)

    return copy


@pytest.fixture
def probe(site_python: Path) -> Callable[..., Any]:
    """Runs one of our probes in the site's Python and hands back the JSON it prints."""

    def run(name: str, *arguments: object) -> Any:
        script = Path(__file__).with_name("probes") / f"{name}.py"
        done = subprocess.run(
            site_command(script, *arguments), env=site_environment(), capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
