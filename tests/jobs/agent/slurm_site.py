"""A real Slurm site for the tests: slurmctld, slurmd, slurmdbd and MariaDB, brought up once for all of them."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.jobs.agent.workshop import ROOT, eventually
from tests.support import require

TOOL = ROOT / "deploy" / "slurm" / "local_slurm.py"
FOLDER = Path(os.environ.get("LOCAL_SLURM_ROOT", "/var/tmp/open-paas-slurm"))


class SlurmSite:
    """One site; `down` leaves nothing of it. Its maker's death makes it an orphan, which the next run removes."""

    def __init__(self, name: str, *shape: str) -> None:
        self.name, self.folder = name, FOLDER / name
        self.conf = self.folder / "etc" / "slurm.conf"
        self.node = f"{name}-n1"
        self.tool("down", "--orphans")
        self.tool("up", name, "--owner", str(os.getpid()), *shape)

    def tool(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, str(TOOL), *words], capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def stop(self, daemon: str, *, kill: bool = False) -> None:
        self.tool("stop", self.name, daemon, *(["--kill"] if kill else []))

    def start(self, daemon: str) -> None:
        self.tool("start", self.name, daemon)

    def ask(self, *words: str, fails: bool = False) -> str:
        """What the site's operator sees."""
        environment = {**os.environ, "SLURM_CONF": str(self.conf), "SLURM_TIME_FORMAT": "%s", "TZ": "UTC"}
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=environment)
        assert fails or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def gpu_seconds(self, name: str) -> int:
        """GPU-seconds of every start of the jobs of that name, as sacct itself has them."""
        total = 0
        words = ("--name", name, "-S", "now-1days", "-o", "ElapsedRaw,AllocTRES")
        for line in self.ask("sacct", "-D", "-X", "-n", "-P", *words).splitlines():
            elapsed, _, tres = line.partition("|")
            gpus = dict(part.split("=") for part in tres.split(",") if part).get("gres/gpu", "0")
            total += int(elapsed) * int(gpus)
        return total

    def jobs(self, name: str, *states: str) -> list[str]:
        found = self.ask("squeue", "-h", "-o", "%A %T", f"--name={name}", "--states=all").splitlines()
        return [line.split()[0] for line in found if not states or line.split()[1] in states]

    def all_run(self) -> None:
        """Starts again whatever a test has ended, and waits until the node takes work."""
        for daemon in ("munged", "mariadbd", "slurmdbd", "slurmctld", self.node):
            self.start(daemon)
        self.ask("scontrol", "update", f"nodename={self.node}", "state=RESUME", fails=True)
        eventually(lambda: self.ask("sinfo", "-h", "-p", "gpu", "-o", "%t").strip() in ("idle", "mix"), seconds=60)


@pytest.fixture(scope="session")
def slurm_site():
    why_not = subprocess.run(
        [sys.executable, str(TOOL), "missing"], capture_output=True, text=True, check=False, timeout=60
    ).stdout.strip()
    require(not why_not, f"Slurm: {why_not}")
    site = SlurmSite(f"t{uuid.uuid4().hex[:8]}")
    yield site
    site.tool("down", site.name)


@pytest.fixture
def slurm_options(slurm_site):
    """[backend.slurm] for one test: jobs of its own names, and a queue that is looked at often."""
    slurm_site.all_run()
    return {
        "conf": str(slurm_site.conf), "prefix": f"{uuid.uuid4().hex[:8]}-", "account": "paas", "poll_seconds": 0.2,
        "signal_seconds": 10, "lost_seconds": 30,
    }  # fmt: skip
