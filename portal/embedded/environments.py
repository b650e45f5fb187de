"""Builds the virtual environments from the locked requirements, once for each state of the lock files.

Runs on the plain interpreter, before anything is installed, so it knows the standard library only:

    python3 portal/embedded/environments.py portal site          # what `make run` needs
    python3 portal/embedded/environments.py portal dev site ray  # what `make test` needs

The portal's environment (.venv) never holds torch; the site's (.venv-site) never holds the portal; the tests' Ray
(.venv-ray) is a cluster to talk to and is imported by nothing of ours. torch is the one package whose build depends on
the machine, so it is pinned in a file of its own and installed before the rest.
"""

from __future__ import annotations  # so that an old Python can still read this far and say that it is too old

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
OLDEST, NEWEST = (3, 11), (3, 13)
CLOSURE_OPTIONS = ("--require-hashes", "--no-deps")


class SetupError(Exception):
    """Something on this machine stands in the way; the text is one sentence that says what to do."""


def check_interpreter(
    version: tuple[int, int] = (sys.version_info[0], sys.version_info[1]),
    has_module: Callable[[str], bool] | None = None,
) -> None:
    """Raises SetupError unless this Python can make our environments."""
    if not OLDEST <= version <= NEWEST:
        raise SetupError(
            "Open PaaS runs on Python 3.11, 3.12 or 3.13, and this is {}.{}; "
            "name another one: make run PYTHON=python3.11".format(*version)
        )
    has_module = has_module or _has_module
    if not (has_module("venv") and has_module("ensurepip")):
        raise SetupError(
            "Python's venv module is missing; on Debian and Ubuntu: apt-get install python{}.{}-venv".format(*version)
        )


def _has_module(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


def fingerprint(locks: list[Path], version: str = sysconfig.get_python_version()) -> str:
    """Changes when a lock file or the interpreter's version changes, and only then."""
    digest = hashlib.sha256(version.encode())
    for lock in locks:
        digest.update(lock.read_bytes())
    return digest.hexdigest()


class Environment:
    """One virtual environment and the stamp that says what was last installed into it."""

    def __init__(self, folder: Path, *, label: str) -> None:
        self.folder = folder
        self.label = label
        self.python = folder / "bin" / "python"

    def is_current(self, part: str, mark: str) -> bool:
        stamp = self._stamp(part)
        return stamp.exists() and stamp.read_text() == mark and self._starts()

    def create(self) -> None:
        if self.python.exists() and self._starts():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.call([sys.executable, "-m", "venv", str(self.folder)], "create a virtual environment")

    def pip(self, *arguments: str, doing: str) -> None:
        self.call([str(self.python), "-m", "pip", "--disable-pip-version-check", *arguments], doing)

    def record(self, part: str, mark: str) -> None:
        self._stamp(part).write_text(mark)

    def _stamp(self, part: str) -> Path:
        return self.folder / f".installed-{part}"

    def _starts(self) -> bool:
        """A folder that was copied or moved, or whose interpreter is gone, is no environment any more."""
        try:
            asked = [str(self.python), "-c", "import sys; print(sys.prefix)"]
            answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            return False
        return Path(answer.stdout.strip()) == self.folder

    def call(self, command: list[str], doing: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SetupError(f"Could not {doing}: {_complaint(done.stderr or done.stdout)}")

    def say(self, text: str) -> None:
        print(f"  {self.label}: {text}", flush=True)


def _complaint(text: str) -> str:
    """The line in which an installer says what went wrong, without its decoration."""
    lines = [line.strip().removeprefix("ERROR: ") for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if not line.startswith(("WARNING", "[notice]"))]
    return (errors or lines or ["no message"])[-1]


def build_portal() -> None:
    """The portal's own environment."""
    environment = Environment(ROOT / ".venv", label="portal")
    lock = REQUIREMENTS / "portal.txt"
    mark = fingerprint([lock])
    if environment.is_current("portal", mark):
        return
    _install_closure(environment, [lock], "portal", mark)


def build_dev() -> None:
    """The tests' and linters' packages, on top of the portal's."""
    environment = Environment(ROOT / ".venv", label="tests")
    lock = REQUIREMENTS / "dev.txt"
    mark = fingerprint([REQUIREMENTS / "portal.txt", lock])
    if environment.is_current("dev", mark):
        return
    _install_closure(environment, [lock], "dev", mark)


def build_site() -> None:
    """The site agent's and training runtime's environment: torch first, then the hash-checked closure."""
    environment = Environment(ROOT / ".venv-site", label="site")
    torch, locks = REQUIREMENTS / "torch.txt", [REQUIREMENTS / "site.txt", REQUIREMENTS / "demo.txt"]
    mark = fingerprint([torch, *locks])
    if environment.is_current("site", mark):
        return
    environment.create()
    install_torch(environment, torch)
    _install_closure(environment, locks, "site", mark)


def build_ray() -> None:
    """The Ray cluster of the tests. Nothing but the tests of the agent's Ray back-end needs it."""
    environment = Environment(ROOT / ".venv-ray", label="ray")
    lock = REQUIREMENTS / "ray.txt"
    mark = fingerprint([lock])
    if environment.is_current("ray", mark):
        return
    _install_closure(environment, [lock], "ray", mark)


def _install_closure(environment: Environment, locks: list[Path], part: str, mark: str) -> None:
    started = time.monotonic()
    environment.create()
    for lock in locks:
        environment.say(f"installing {lock.relative_to(ROOT)}")
        environment.pip("install", "--quiet", *CLOSURE_OPTIONS, "-r", str(lock), doing=f"install {lock.name}")
    environment.record(part, mark)
    environment.say(f"ready after {time.monotonic() - started:.0f} s")


def install_torch(environment: Environment, pin: Path) -> None:
    """Installs the pinned torch in the build that fits this machine.

    Where a plain installation would bring CUDA libraries (gigabytes) to a machine without an NVIDIA GPU, uv takes
    torch's CPU build instead, since uv knows by itself where those are published. OPEN_PAAS_TORCH=pip takes pip's
    choice as it is.
    """
    environment.say("looking for the right build of torch")
    as_it_is = os.environ.get("OPEN_PAAS_TORCH") == "pip" or has_nvidia_gpu()
    if as_it_is or not _brings_cuda(environment, pin):
        environment.say("installing torch")
        environment.pip("install", "--quiet", "-r", str(pin), doing="install torch")
        return
    environment.say("no NVIDIA GPU here: installing torch's CPU build")
    environment.pip("install", "--quiet", "-r", str(REQUIREMENTS / "tools.txt"), "--require-hashes", doing="install uv")
    uv = [str(environment.python), "-m", "uv", "pip", "install", "--quiet", "--python", str(environment.python)]
    environment.call([*uv, "--torch-backend=cpu", "-r", str(pin)], "install torch's CPU build with uv")


def has_nvidia_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _brings_cuda(environment: Environment, pin: Path) -> bool:
    """True when pip's own choice for this pin pulls in NVIDIA's libraries. Asks pip, which downloads no wheel it
    need not open."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        ask = ("install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report), "-r", str(pin))
        environment.pip(*ask, doing="find a build of torch for this machine")
        return brings_cuda(json.loads(report.read_text()))


def brings_cuda(report: dict) -> bool:
    names = {item["metadata"]["name"].lower() for item in report.get("install", [])}
    return any(name.startswith(("nvidia-", "cuda-")) or name == "triton" for name in names)


PARTS: dict[str, Callable[[], None]] = {
    "portal": build_portal, "dev": build_dev, "site": build_site, "ray": build_ray,
}  # fmt: skip
# Environments of their own, built beside the portal's. One that cannot be built is said and survived.
BESIDE = {
    "site": "going on without the embedded training site; jobs will wait.",
    "ray": "going on without a Ray; its tests are skipped (with CI=true they fail).",
}


def build(parts: list[str]) -> int:
    """Builds what is asked for, independent environments side by side. Returns the exit code.

    The portal works without its embedded site, and everything but the tests of one back-end without a Ray.
    """
    failures: dict[str, str] = {}

    def attempt(*names: str) -> None:
        for name in names:
            try:
                PARTS[name]()
            except SetupError as error:
                failures[name] = str(error)
                return
            except OSError as error:
                failures[name] = f"Could not write the environment: {error}"
                return

    beside = [threading.Thread(target=attempt, args=(name,)) for name in BESIDE if name in parts]
    for thread in beside:
        thread.start()
    attempt(*(name for name in ("portal", "dev") if name in parts))
    for thread in beside:
        thread.join()
    for name, sentence in failures.items():
        print(f"open-paas: {sentence}", file=sys.stderr)
        if name in BESIDE:
            print(f"open-paas: {BESIDE[name]}", file=sys.stderr)
    return 1 if failures.keys() - BESIDE.keys() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the virtual environments from the locked requirements.")
    parser.add_argument("parts", nargs="+", choices=sorted(PARTS))
    parts = parser.parse_args().parts
    try:
        check_interpreter()
    except SetupError as error:
        print(f"open-paas: {error}", file=sys.stderr)
        return 1
    return build(parts)


if __name__ == "__main__":
    sys.exit(main())
