"""The tool that brings up real Slurm sites: apart from each other, and gone without a trace."""

import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from tests.jobs.agent.slurm_site import FOLDER, TOOL, SlurmSite

pytestmark = pytest.mark.slurm


def processes(folder: Path) -> list[str]:
    """Whatever names the site's folder in its words or in its environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and any(
                str(folder).encode() in (entry / part).read_bytes() for part in ("cmdline", "environ")
            ):
                found.append((entry / "comm").read_text().strip())
    return found


def test_two_sites_live_side_by_side_and_one_leaves_nothing(slurm_site):
    other = SlurmSite(f"t{uuid.uuid4().hex[:8]}", "--nodes", "2", "--gpus", "2", "--rest")
    try:
        assert other.ask("sinfo", "-h", "-N", "-p", "gpu", "-o", "%N %G").split() == [
            f"{other.name}-n1", "gpu:h100:2", f"{other.name}-n2", "gpu:h100:2",
        ]  # fmt: skip
        other.ask("sbatch", "--gres=gpu:1", "--job-name=lasting", "--wrap", "sleep 600")
        assert other.jobs("lasting") and not slurm_site.jobs("lasting")
        assert "slurmrestd: pid" in other.tool("status", other.name)
        assert {"slurmctld", "slurmd", "mariadbd", "munged", "slurmdbd"} <= set(processes(other.folder))
    finally:
        other.tool("down", other.name)
    assert processes(other.folder) == []
    assert not other.folder.exists()
    assert "does not run" not in slurm_site.tool("status", slurm_site.name)


def test_a_site_whose_maker_has_died_is_removed(slurm_site):
    maker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = f"t{uuid.uuid4().hex[:8]}"
    slurm_site.tool("up", name, "--owner", str(maker.pid))
    slurm_site.tool("down", "--orphans")
    assert (FOLDER / name).exists()
    maker.kill()
    maker.wait()
    slurm_site.tool("down", "--orphans")
    assert not (FOLDER / name).exists()
    assert slurm_site.folder.exists()


def test_a_name_that_is_no_name_is_refused():
    done = subprocess.run([sys.executable, str(TOOL), "up", "../x"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "name" in done.stderr or "root" in done.stderr or "no " in done.stderr
