"""A real Slurm site for the tests: slurmctld, slurmd, slurmdbd and MariaDB, brought up once for all of them."""

import json
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
        self.site = json.loads((self.folder / "site.json").read_text())
        self.nodes = [f"{name}-n{number}" for number in range(1, self.site["nodes"] + 1)]

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
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "SLURM_CONF": str(self.conf), "SLURM_TIME_FORMAT": "%s", "TZ": "UTC"}
        # sbatch writes its jobs' output to where it was called.
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=60, env=environment, cwd=self.folder
        )
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
        rest = ["slurmrestd"] if self.site["rest"] else []
        for daemon in ("munged", "mariadbd", "slurmdbd", "slurmctld", *self.nodes, *rest):
            self.start(daemon)
        self.ask("scontrol", "update", f"nodename={','.join(self.nodes)}", "state=RESUME", fails=True)
        ready = {"idle", "mix"}
        eventually(lambda: set(self.ask("sinfo", "-h", "-p", "gpu", "-o", "%t").split()) <= ready, seconds=60)

    def rest_options(self, folder: Path) -> dict[str, object]:
        """[backend.slurm] for the way in by slurmrestd, with a token in a file as a site would keep it."""
        token = folder / "token"
        token.write_text(self.ask("scontrol", "token", "lifespan=3600"))
        token.chmod(0o600)
        return {"rest_url": f"http://127.0.0.1:{self.site['port'] + 41}", "token_file": str(token)}


def needs_slurm() -> None:
    why_not = subprocess.run(
        [sys.executable, str(TOOL), "missing"], capture_output=True, text=True, check=False, timeout=60
    ).stdout.strip()
    require(not why_not, f"Slurm: {why_not}")


@pytest.fixture(scope="session")
def slurm_site():
    needs_slurm()
    site = SlurmSite(f"t{uuid.uuid4().hex[:8]}")
    yield site
    site.tool("down", site.name)


@pytest.fixture
def slurm_options(slurm_site):
    """[backend.slurm] for one test: jobs of its own names, and a queue that is looked at often."""
    return options_for(slurm_site)


ROOTS = FOLDER.with_name(f"{FOLDER.name}-roots")


@pytest.fixture(scope="session")
def slurm_trixie():
    """A site of Slurm 24.11, in a Debian 13 that is made once and stays for the next run."""
    needs_slurm()
    root = ROOTS / "trixie"
    made = subprocess.run(
        [sys.executable, str(TOOL), "mkroot", str(root), "trixie"],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"no Debian 13 can be made here: {made.stderr.strip()}")
    site = SlurmSite(f"d{uuid.uuid4().hex[:8]}", "--nodes", "2", "--rest", "--root", str(root), "--bind", str(ROOT))
    yield site
    site.tool("down", site.name)


def options_for(site):
    site.all_run()
    return {
        "conf": str(site.conf), "prefix": f"{uuid.uuid4().hex[:8]}-", "account": "paas", "poll_seconds": 0.2,
        "signal_seconds": 10, "lost_seconds": 30,
    }  # fmt: skip


@pytest.fixture(scope="session")
def slurm_pair():
    """A second site: two nodes with four GPUs each, and slurmrestd."""
    needs_slurm()
    site = SlurmSite(f"p{uuid.uuid4().hex[:8]}", "--nodes", "2", "--rest")
    yield site
    site.tool("down", site.name)


@pytest.fixture
def pair_options(slurm_pair):
    return options_for(slurm_pair)


@pytest.fixture
def rest_options(slurm_pair, tmp_path):
    """The same by slurmrestd: no command of Slurm's is used."""
    return {**options_for(slurm_pair), **slurm_pair.rest_options(tmp_path), "bin": str(tmp_path)}


@pytest.fixture
def trixie_options(slurm_trixie):
    """Debian 13's own Python runs the wrapper there."""
    tools = {"bin": str(slurm_trixie.folder / "bin"), "python": "/usr/bin/python3", "srun": "/usr/bin/srun"}
    return {**options_for(slurm_trixie), **tools}


@pytest.fixture
def trixie_rest_options(slurm_trixie, trixie_options, tmp_path):
    return {**trixie_options, **slurm_trixie.rest_options(tmp_path), "bin": str(tmp_path)}
