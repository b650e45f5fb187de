"""The whole embedded mode, started for real: what is killed comes back, and the end leaves nothing."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded import processes
from portal.embedded.installation import Lock, free_port
from portal.embedded.layout import ROOT, Layout
from portal.embedded.supervision import Supervisor

pytestmark = pytest.mark.faults
PATIENCE = 120.0
RUN = [sys.executable, "-m", "portal.embedded", "run", "--without-site", "--port"]


def eventually(happened: Callable[[], object], why: str) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, why
        time.sleep(0.1)


class Running:
    """One `make run` below the test."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder / "var")
        self.port = free_port()
        self.output = folder / "output.txt"
        named_elsewhere = ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "BASE_URL", "PORTAL_SIGNING_KEY_FILE")
        kept = {name: value for name, value in os.environ.items() if name not in named_elsewhere}
        self.environ = kept | {"OPEN_PAAS_DATA_DIR": str(self.layout.data)}
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*RUN, str(self.port)], cwd=ROOT, env=self.environ, stdout=output, stderr=output
            )
        eventually(lambda: "is ready" in self.said() or self.process.poll() is not None, "it did not start")
        assert self.process.poll() is None, self.said()
        return self.process

    def said(self) -> str:
        return self.output.read_text()

    def pid(self, name: str) -> int:
        found = Supervisor(self.layout).states().get(name, {})
        return int(str(found.get("pid", 0))) if found.get("statename") == "RUNNING" else 0

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def end(self, number: int = signal.SIGINT) -> list[int]:
        """Asks for the end as Ctrl-C does; returns the processes that had been running below it."""
        below = processes.descendants(self.process.pid)
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE) == 0, self.said()
        return below


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        Path(folder).chmod(0o711)
        found = Running(Path(folder))
        try:
            yield found
        finally:
            if found.process.poll() is None:
                found.end()


@pytest.mark.parametrize("name", ["postgres", "valkey", "web", "worker", "beat"])
def test_what_is_killed_comes_back_and_the_portal_recovers(running, name):
    eventually(lambda: running.pid(name), f"{name} did not run")
    before = running.pid(name)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: running.pid(name) not in (0, before), f"{name} did not come back")
    eventually(running.answers, "the portal did not recover")


def test_a_killed_supervisor_is_replaced_together_with_all_it_watched(running):
    before = {name: running.pid(name) for name in ("postgres", "valkey", "web", "worker", "beat")}
    os.kill(int((running.layout.run / "supervisord.pid").read_text()), signal.SIGKILL)
    eventually(lambda: all(running.pid(name) not in (0, pid) for name, pid in before.items()), "not all came back")
    eventually(running.answers, "the portal did not recover")
    assert not [pid for pid in before.values() if pid in processes.parents()]


def test_a_second_start_on_the_same_data_is_refused_in_one_sentence(running):
    second = subprocess.run(
        [*RUN, str(free_port())], cwd=ROOT, env=running.environ, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr.strip() == (
        "open-paas: Open PaaS already runs on this data folder; `make status` shows it, `make stop` ends it."
    )


def test_a_busy_port_is_one_sentence_with_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        environ = os.environ | {"OPEN_PAAS_DATA_DIR": str(tmp_path / "var")}
        refused = subprocess.run([*RUN, str(port)], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"make run PORT={port + 1}" in refused.stderr
    assert not (tmp_path / "var").exists()


def test_reset_refuses_while_it_runs(running):
    refused = subprocess.run(
        [sys.executable, "-m", "portal.embedded", "reset"],
        cwd=ROOT,
        env=running.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    assert running.answers()


def test_status_names_every_program_and_its_memory(running):
    told = subprocess.run(
        [sys.executable, "-m", "portal.embedded", "status"],
        cwd=ROOT,
        env=running.environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(name in told for name in ("postgres", "valkey", "web", "worker", "beat", "total"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_end_leaves_no_process_and_the_data_stay(running, number):
    if running.process.poll() is not None:
        running.start()
    below = running.end(number)
    assert len(below) > 5
    assert not [pid for pid in below if pid in processes.parents()]
    assert Lock(running.layout).holder() is None
    assert (running.layout.data / "postgres" / "cluster" / "PG_VERSION").exists()


def test_when_our_own_process_is_killed_the_supervisor_stops_what_it_watches(running):
    running.start()
    below = processes.descendants(running.process.pid)
    running.process.kill()
    running.process.wait()
    eventually(lambda: not set(below) & set(processes.parents()), "processes were left")
    running.start()
    assert running.answers()
