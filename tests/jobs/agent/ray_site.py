"""A real Ray cluster for the tests: one head with GPUs that are none, brought up once for all of them.

It asks for a token, since parts of Ray listen on every interface and run whatever they are told. It is ended by its own
session and never by `ray stop`, which ends every Ray on the machine.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import httpx
import pytest

from tests.jobs.agent.workshop import ROOT, eventually
from tests.support import require

RAY = ROOT / ".venv-ray" / "bin" / "ray"
GPUS = 4
# Ends the head when whoever started it is gone, however that came about.
_GUARD = "while kill -0 {owner} && kill -0 {head}; do sleep 2; done 2>/dev/null; pkill -9 -s {head}"


class RaySite:
    def __init__(self, folder: Path) -> None:
        self.folder, self.token_file = folder, folder / "token"
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(secrets.token_hex(32))
        self.ports = _free_ports(4)
        self.address = f"http://127.0.0.1:{self.ports[1]}"
        self.http = httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {self.token_file.read_text()}"},
            timeout=20,
            trust_env=False,
        )
        self.head: subprocess.Popen[bytes] | None = None
        self.sessions = 0

    def up(self) -> None:
        """Starts the head; it is ready when its own node can take a job."""
        if self.head is not None and self.head.poll() is None:
            return
        self.sessions += 1
        gcs, dashboard, agent, client = self.ports
        words = {
            "node-ip-address": "127.0.0.1", "port": gcs, "dashboard-host": "127.0.0.1", "dashboard-port": dashboard,
            "dashboard-agent-listen-port": agent, "ray-client-server-port": client, "min-worker-port": 0,
            "max-worker-port": 0, "num-cpus": 8, "num-gpus": GPUS, "object-store-memory": 80_000_000,
            "temp-dir": self.folder / f"s{self.sessions}",
        }  # fmt: skip
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        with (self.folder / "head.log").open("ab") as log:
            self.head = subprocess.Popen(
                [str(RAY), "start", "--head", "--block", "--disable-usage-stats", "--log-style=record",
                 *(f"--{name}={value}" for name, value in words.items())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**plain, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file),
                     "RAY_worker_register_timeout_seconds": "120", "RAY_DISABLE_DOCKER_CPU_WARNING": "1"},
            )  # fmt: skip
        guard = _GUARD.format(owner=os.getpid(), head=self.head.pid)
        subprocess.Popen(["/bin/sh", "-c", guard], start_new_session=True, close_fds=True)
        eventually(self._ready, seconds=120, note=lambda: (self.folder / "head.log").read_text()[-3000:])

    def _ready(self) -> bool:
        assert self.head is not None and self.head.poll() is None, (self.folder / "head.log").read_text()[-3000:]
        try:
            nodes = self.http.get("/nodes", params={"view": "summary"}).json()["data"]["summary"]
            return any(node["raylet"].get("state") == "ALIVE" and node.get("agent") for node in nodes)
        except (httpx.HTTPError, ValueError, KeyError):
            return False

    def kill(self) -> None:
        """kill -9 of the head's machine, as it were: its memory, and with it every record, is gone.

        The workers too: they leave by themselves only once their parent is process 1, which under a test it never is.
        """
        assert self.head is not None
        for pid in members_of_session(self.head.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.head.wait()

    def down(self) -> None:
        if self.head is not None and self.head.poll() is None:
            self.kill()
        self.http.close()

    # ---- what the cluster's operator sees ------------------------------------------------------------------------

    def jobs(self, prefix: str) -> list[dict]:
        found = self.http.get("/api/jobs/").json()
        return [job for job in found if job["submission_id"].startswith(prefix)]

    def stop(self, submission_id: str) -> None:
        self.http.post(f"/api/jobs/{submission_id}/stop").raise_for_status()

    def held_ms(self, prefix: str) -> list[tuple[int, int]]:
        """(GPUs, milliseconds) of each submission: how long its actor lived, as Ray itself has it."""
        actors = self.http.get("/logical/actors").json()["data"]["actors"].values()
        mine = [one for one in actors if one["name"].startswith(f"_ray_internal_job_actor_{prefix}")]
        return [(int(one["requiredResources"]["GPU"]), one["endTime"] - one["startTime"]) for one in mine]


def members_of_session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                if int((path / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                    found.append(int(path.name))
    return found


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="session")
def ray_site():
    require(RAY.exists(), "Ray: .venv-ray is not there; make test builds it where Ray has a wheel for this machine")
    # Sockets lie below this folder, and their paths are bounded: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="oray-", ignore_cleanup_errors=True) as folder:
        site = RaySite(Path(folder))
        try:
            site.up()
            yield site
        finally:
            site.down()


@pytest.fixture
def ray_options(ray_site):
    """[backend.ray] for one test: jobs of its own names, and a cluster that is looked at often."""
    ray_site.up()
    return {
        "address": ray_site.address, "token_file": str(ray_site.token_file), "prefix": f"{uuid.uuid4().hex[:8]}-",
        "python": sys.executable, "poll_seconds": 0.2, "lost_seconds": 4,
    }  # fmt: skip
