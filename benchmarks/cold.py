"""A clean clone to a usable page: installs both environments; takes minutes and two gigabytes."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks._embedded import NAMED_ELSEWHERE, show
from portal.embedded.installation import free_port, is_served
from portal.embedded.layout import ROOT
from portal.embedded.programs import Address


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="op-cold-"))
    folder.chmod(0o711)
    clone, address = folder / "clone", Address(port=free_port())
    environ = {name: value for name, value in os.environ.items() if name not in NAMED_ELSEWHERE}
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for attempt, budget in (("clean clone to a usable page", "360 s"), ("second start by make run", "15 s")):
            began = time.monotonic()
            command = ["make", "--no-print-directory", "run", f"PORT={address.port}"]
            process = subprocess.Popen(command, cwd=clone, env=environ, stdout=subprocess.DEVNULL)
            while not is_served(address):
                if process.poll() is not None:
                    raise SystemExit("make run ended before a page was served.")
                time.sleep(0.1)
            show(attempt, f"{time.monotonic() - began:.1f} s", budget)
            process.send_signal(signal.SIGTERM)
            process.wait()
    finally:
        shutil.rmtree(folder)
