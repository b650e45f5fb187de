"""An embedded installation of its own for a benchmark, in a temporary folder and on a free port."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from portal.embedded.installation import free_port, is_served
from portal.embedded.layout import ROOT, Layout
from portal.embedded.processes import end_with_parent
from portal.embedded.programs import Address

NAMED_ELSEWHERE = ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "BASE_URL", "PORTAL_SIGNING_KEY_FILE")


@contextlib.contextmanager
def data_folder() -> Iterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="op-bench-") as folder:
        Path(folder).chmod(0o711)
        yield Layout(Path(folder) / "var")


@contextlib.contextmanager
def running(layout: Layout, *options: str) -> Iterator[tuple[Address, float]]:
    """Starts everything on this folder; yields the address and the seconds until the first page was served."""
    address = Address(port=free_port())
    environ = {name: value for name, value in os.environ.items() if name not in NAMED_ELSEWHERE}
    command = [sys.executable, "-m", "portal.embedded", "run", "--port", str(address.port), *options]
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ | {"OPEN_PAAS_DATA_DIR": str(layout.data)},
        stdout=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    try:
        while not is_served(address):
            if process.poll() is not None:
                raise SystemExit("The portal did not start.")
            time.sleep(0.05)
        yield address, time.monotonic() - began
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait()


def show(what: str, value: str, budget: str = "") -> None:
    print(f"  {what:<44} {value:>12}{f'   budget {budget}' if budget else ''}", flush=True)
