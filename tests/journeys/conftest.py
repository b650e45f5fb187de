"""A real installation, started by the same command as `make run`, and a real Chromium in front of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from portal.embedded.environments import ROOT
from tests.browser import CHROMIUM
from tests.support import require

# The tests talk to the database between two clicks; Playwright keeps an event loop in this thread, which Django minds.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(autouse=True, scope="session")
def chromium_is_here() -> None:
    require(Path(CHROMIUM).exists(), f"no Chromium at {CHROMIUM}; on Debian: apt-get install chromium-headless-shell")


@dataclass
class Installation:
    url: str
    data: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """Runs a management command against this installation."""
        command = [sys.executable, "-m", "portal.embedded", "exec", "--", sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def pids(self, name: str) -> list[int]:
        """Processes of this installation whose command line holds that text."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if name in line and str(self.data).encode() in environment + line.encode():
                    found.append(int(entry.name))
        return found

    def logs(self) -> str:
        parts = []
        for file in sorted((self.data / "logs").glob("*.log")):
            parts.append(f"--- {file.name}\n" + "\n".join(file.read_text(errors="replace").splitlines()[-25:]))
        return "\n".join(parts)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all journeys of a worker, in a folder of its own, stopped and checked at the end."""
    require((ROOT / ".venv-site" / "bin" / "python").exists(), "no site environment; `make test` builds it")
    data = tmp_path_factory.mktemp("installation") / "var"
    for folder in data.parents[:3]:
        folder.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _OF_THE_TESTS},
        "OPEN_PAAS_DATA_DIR": str(data),
        "OMP_NUM_THREADS": "2",
    }
    port = _free_port()
    command = [sys.executable, "-m", "portal.embedded", "run", "--port", str(port)]
    with (data.parent / "run.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    found = Installation(f"http://localhost:{port}", data, process, environment)
    try:
        _wait_until_ready(found)
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=120)
    assert code == 0, (data.parent / "run.log").read_text()
    assert found.pids("") == [], "something was left running"


_OF_THE_TESTS = {
    "DATABASE_URL", "BROKER_URL", "CACHE_URL", "SECRET_KEY", "BASE_URL", "ALLOWED_HOSTS", "OPEN_PAAS_EMBEDDED",
    "PORTAL_SIGNING_KEY_FILE", "DJANGO_SETTINGS_MODULE", "TEST_DB_SUFFIX", "PYTEST_CURRENT_TEST",
}  # fmt: skip


def _wait_until_ready(found: Installation) -> None:
    for _attempt in range(240):
        if found.process.poll() is not None:
            pytest.fail("the installation ended at once:\n" + (found.data.parent / "run.log").read_text())
        try:
            if httpx.get(f"{found.url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    pytest.fail("the installation did not become ready:\n" + found.logs())
