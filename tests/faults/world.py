"""A whole federation to break: the portal as its own processes, a real Slurm site, and the agent between them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from portal.embedded import processes
from portal.embedded.installation import free_port
from portal.embedded.layout import Layout
from portal.embedded.supervision import Supervisor
from tests.faults.line import Armed, Line
from tests.jobs.agent.slurm_site import SlurmSite
from tests.jobs.agent.workshop import ROOT, Workshop, eventually

_OF_THE_TESTS = {
    "DATABASE_URL", "BROKER_URL", "CACHE_URL", "SECRET_KEY", "BASE_URL", "ALLOWED_HOSTS", "OPEN_PAAS_EMBEDDED",
    "PORTAL_SIGNING_KEY_FILE", "TEST_DB_SUFFIX", "PYTEST_CURRENT_TEST",
}  # fmt: skip
PORTAL = ("web", "worker", "postgres")
SITE = ("agent", "slurmctld", "slurmd")
TOOLS = ("squeue", "sacct", "scancel", "sinfo", "scontrol", "sacctmgr")
# Tells the line before and after the real sbatch, and waits for its word.
SBATCH = """#!/bin/bash
said() {{ exec 3<>/dev/tcp/127.0.0.1/{port}; echo "$step $1" >&3; read -r _ <&3; exec 3>&-; }}
step=sbatch; [[ " $*" != *" --array="* ]] || step=array
[ "$1" = --test-only ] || said before
{sbatch} "$@"; code=$?
[ "$1" = --test-only ] || said after
exit $code
"""


class Portal:
    """PostgreSQL, broker, web, worker and clock under their supervisor, which starts again whatever dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o711)
        self.layout, self.port = Layout(folder / "var"), free_port()
        kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_TESTS}
        self.environ = kept | {"OPEN_PAAS_DATA_DIR": str(self.layout.data), "PYTHONPATH": str(ROOT)}
        self.output = folder / "output.txt"
        words = [sys.executable, "-m", "portal.embedded", "run", "--without-site", "--port", str(self.port)]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(words, cwd=ROOT, env=self.environ, stdout=output, stderr=output)
        eventually(lambda: "is ready" in self.said() or self.process.poll() is not None, note=self.said)
        assert self.process.poll() is None, self.said()
        words = [sys.executable, "-m", "portal.embedded", "exec", "--", sys.executable, "-m", "tests.faults.teller"]
        self.teller = subprocess.Popen(
            words, cwd=ROOT, env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def said(self) -> str:
        return self.output.read_text()

    def ask(self, what: str, *words: Any) -> Any:
        """The teller's answer; asked again while the database is away."""
        for _ in range(60):
            print(json.dumps({"ask": what, "words": words}), file=self.teller.stdin, flush=True)
            answer = json.loads(self.teller.stdout.readline())
            if "said" in answer:
                return answer["said"]
            if "OperationalError" not in answer["trouble"] and "InterfaceError" not in answer["trouble"]:
                raise AssertionError(f"{what}: {answer['trouble']}")
            time.sleep(0.5)
        raise AssertionError(f"{what}: {answer['trouble']}")

    def pid(self, name: str) -> int:
        found = Supervisor(self.layout).states().get(name, {})
        return int(str(found.get("pid", 0))) if found.get("statename") == "RUNNING" else 0

    def kill(self, name: str) -> None:
        """kill -9 of one program with all its processes."""
        pid = self.pid(name)
        for one in [pid, *processes.descendants(pid)] if pid else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def end(self) -> None:
        self.teller.stdin.close()
        self.teller.wait(timeout=30)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=120)


class World:
    """Everything of one fault run. `broken_at` is one case: this is killed at that moment of a job's way."""

    def __init__(
        self, folder: Path, *, hears_sbatch: bool = True, shape: tuple[str, ...] = (),
        options: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.agents, self.controller_died = folder, 0, False
        self.restarting: list[threading.Thread] = []
        with_site: list[SlurmSite] = []
        maker = threading.Thread(target=lambda: with_site.append(SlurmSite(f"w{uuid.uuid4().hex[:8]}", *shape)))
        maker.start()
        self.portal = Portal(folder / "portal")
        maker.join()
        (self.cluster,) = with_site
        self.line = Line(self.portal.port)
        self.url = self.line.url if hears_sbatch else f"http://localhost:{self.portal.port}"
        self.options = {
            "conf": str(self.cluster.conf), "account": "paas", "poll_seconds": 0.2, "signal_seconds": 10,
            "lost_seconds": 5,
        }  # fmt: skip
        self.options |= {"bin": str(self._tools())} if hears_sbatch else {}
        self.options |= options or {}
        self.shop = self._workshop(self.portal.ask("found"))
        self.shop.start()

    def _tools(self) -> Path:
        """Slurm's commands for the agent, with an sbatch that says when it is called."""
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name) or "")
        self.ear = socket.create_server(("127.0.0.1", 0))
        text = SBATCH.format(port=self.ear.getsockname()[1], sbatch=shutil.which("sbatch"))
        (self.bin / "sbatch").write_text(text)
        (self.bin / "sbatch").chmod(0o755)
        threading.Thread(target=self._hear_sbatch, daemon=True).start()
        return self.bin

    def _hear_sbatch(self) -> None:
        def answer(caller: Any) -> None:
            with contextlib.suppress(OSError), caller:
                step, moment = caller.recv(64).decode().split()
                self.line.at(step, moment)
                caller.sendall(b"go on\n")

        with contextlib.suppress(OSError):
            while True:
                caller, _address = self.ear.accept()
                threading.Thread(target=answer, args=(caller,), daemon=True).start()

    def _workshop(self, code: str) -> Workshop:
        self.agents += 1
        shop = Workshop(self.folder / f"site-{self.agents}", url=self.url, code=code)
        shop.add_model("tiny-encoder")
        shop.agent_table, shop.allow = {"backend": "slurm"}, {"max_gpus": 4}
        shop.options = self.options
        if "command" in self.options:
            shop.command, shop.portal_table = [], {"wait_seconds": 25}
        shop.write()
        return shop

    def new_agent(self) -> None:
        """A second agent of the site with a code of its own, in place of the first."""
        self.shop.kill()
        self.shop = self._workshop(self.portal.ask("code"))
        self.shop.start()

    def end(self) -> None:
        self.line.armed = self.line.weather = None
        for thread in self.restarting:
            thread.join()
        self.shop.end()
        self.line.close()
        if hasattr(self, "ear"):
            self.ear.close()
        self.portal.end()
        self.cluster.tool("down", self.cluster.name)

    # ---- breaking things -----------------------------------------------------------------------------------------

    def kill(self, victim: str) -> None:
        """kill -9 now; it is back a little later, as a supervisor or an operator would have it."""
        if victim in PORTAL:
            self.portal.kill(victim)
        elif victim == "agent":
            self.shop.kill()
            self._soon(self.shop.start, 0.2)
        else:
            daemon = self.cluster.node if victim == "slurmd" else victim
            self.controller_died |= victim == "slurmctld"
            self.cluster.stop(daemon, kill=True)
            self._soon(lambda: self.cluster.start(daemon), 0.5)

    def _soon(self, act: Callable[[], object], seconds: float) -> None:
        def later() -> None:
            time.sleep(seconds)
            act()

        thread = threading.Thread(target=later)
        self.restarting.append(thread)
        thread.start()

    def broken_at(
        self, step: str, moment: str, victim: str, *, name: str = "brief", count: int = 1
    ) -> list[dict[str, Any]]:
        """One job or a burst of them, and one kill at that moment. Then everything must be as if nothing had been."""
        self.controller_died = False
        armed = self.line.armed = Armed(step, moment, lambda: self.kill(victim))
        if step in ("enrol", "session"):
            self.new_agent()
        if count > 1:
            self.shop.kill()  # so that it finds them all at once
        jobs = self.portal.ask("submit", name, count)
        if count > 1:
            self.shop.start()
        note = f"{victim} killed {moment} {step}"
        book = self.all_well(jobs, note=note)
        if not armed.fired:  # the last steps come when all is well already
            eventually(lambda: armed.fired, seconds=60, note=lambda: f"nothing was {moment} {step}")
            book = self.all_well(jobs, note=note)
        self.line.armed = None
        return book

    # ---- the end of every run ------------------------------------------------------------------------------------

    def all_well(self, jobs: list[str], *, note: str = "", seconds: float = 180.0) -> list[dict[str, Any]]:
        """No job lost, none run twice with both results kept, and the portal's GPU-seconds are sacct's."""
        final = {"done", "failed", "cancelled"}

        def over() -> bool:
            self._resume_nodes()
            return set(self.portal.ask("states", jobs)) <= final

        eventually(
            over, seconds=seconds,
            note=lambda: f"{note}: {self.portal.ask('book', jobs)}\n{self.shop.log()[-6000:]}",
        )  # fmt: skip
        for thread in self.restarting:
            thread.join()
        self.restarting.clear()
        book: list[dict[str, Any]] = self.portal.ask("book", jobs)
        for job in book:
            assert (job["state"], job["results"], job["delivered"], job["charges"]) == ("done", 1, 1, 1), (
                f"{note}: {job}"
            )
        eventually(lambda: self.equal(jobs), seconds=60, note=lambda: f"{note}: {self._difference(jobs)}")
        return self.portal.ask("book", jobs)

    def _resume_nodes(self) -> None:
        """As an operator would. A controller that died young gives a number again that the node still knows, and Slurm
        takes the node out for it: "Duplicate jobid".
        """
        said = self.cluster.ask("sinfo", "-h", "-N", "-o", "%T %E", fails=True)
        if "drain" in said and "Duplicate jobid" in said:
            self.cluster.ask("scontrol", "update", f"nodename={self.cluster.node}", "state=RESUME", fails=True)

    def equal(self, jobs: list[str]) -> bool:
        metered, sacct = self._both(jobs)
        return metered == sacct

    def _both(self, jobs: list[str]) -> tuple[dict[str, int], dict[str, int]]:
        """GPU-seconds of every start: as the portal has them from the accounting, and as sacct itself has them.

        A start that the accounting has lost with its controller is metered by the receipt of its wrapper; sacct knows
        no end of it, so there is nothing of its to compare. A controller killed within seconds of a start comes back
        from a state older than that start, and the accounting forgets what it had already told us: it then says
        that the job ended without a start, or still runs, or had no GPU, and something else a moment later (once it
        said 1 s, then 5 s, then that the job had never begun). Such a one is held against its receipt.
        """
        metered: dict[str, int] = {}
        receipts: dict[str, int] = {}
        names, arrays = [], set()
        for job in self.portal.ask("book", jobs):
            names += job["keys"]
            for row in job["usage"]:
                arrays |= {row["id"].partition("_")[0]} if "_" in row["id"] else set()
                if row["method"] == "accounting" and row["gpu_seconds"]:
                    metered[row["id"]] = metered.get(row["id"], 0) + row["gpu_seconds"]
                    receipts[row["id"]] = receipts.get(row["id"], 0) + (row["receipt"] or 0)
        rows = self._rows(names, arrays)
        sacct = _held(rows)
        for number in metered.keys() & {row[0] for row in rows} if self.controller_died else ():
            if number not in sacct and receipts[number] and abs(metered[number] - receipts[number]) <= 2:
                sacct[number] = metered[number]
        return metered, sacct

    def _difference(self, jobs: list[str]) -> str:
        metered, sacct = self._both(jobs)
        return f"portal {metered}, sacct {sacct}"

    def _rows(self, names: list[str], arrays: set[str]) -> list[list[str]]:
        """Every start that sacct knows, of the jobs of these names and of all tasks of these arrays."""
        words = ("sacct", "-D", "-X", "-n", "-P", "-S", "now-1days", "-o", "JobID,ElapsedRaw,AllocTRES,End")
        said = self.cluster.ask(*words, "--name", ",".join(names))
        said += self.cluster.ask(*words, "-j", ",".join(sorted(arrays))) if arrays else ""
        return [line.split("|") for line in said.splitlines()]


def _held(rows: list[list[str]]) -> dict[str, int]:
    """GPU-seconds of every start that has ended, by the job's number, the starts under one number together."""
    found: dict[str, int] = {}
    for number, elapsed, tres, end in rows:
        gpus = dict(part.split("=") for part in tres.split(",") if part).get("gres/gpu", "0")
        if end != "Unknown" and int(elapsed) * int(gpus):
            found[number] = found.get(number, 0) + int(elapsed) * int(gpus)
    return found


@contextlib.contextmanager
def whole_world(folder: Path) -> Iterator[World]:
    world = World(folder)
    try:
        yield world
    finally:
        world.end()
