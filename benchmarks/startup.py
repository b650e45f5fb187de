"""Seconds to a usable page with the environments in place, and the memory of each process when idle."""

import time

from benchmarks._embedded import data_folder, running, show
from portal.embedded.installation import Lock
from portal.embedded.report import MEGABYTE, rows
from portal.embedded.supervision import Supervisor

SETTLE = 20


def main() -> None:
    with data_folder() as layout:
        with running(layout) as (_address, seconds):
            show("first start, empty data folder", f"{seconds:.1f} s")
            wait_for_store(layout)
        with running(layout) as (_address, seconds):
            show("second start", f"{seconds:.1f} s", "15 s")
            time.sleep(SETTLE)
            table = rows(layout, Lock(layout).holder() or {})
            for name, _state, _pid, held in table:
                show(f"idle memory, {name}", f"{held / MEGABYTE:.0f} MB")
            show("idle memory, all of it", f"{sum(held for *_, held in table) / MEGABYTE:.0f} MB", "1500 MB")
            stopping = time.monotonic()
        show("stop", f"{time.monotonic() - stopping:.1f} s")


def wait_for_store(layout) -> None:
    """Until the site's model store is filled; at once when there is no embedded site."""
    began = time.monotonic()
    while Supervisor(layout).states().get("store", {}).get("statename") in ("STARTING", "RUNNING"):
        time.sleep(0.5)
    show("filling the site's model store", f"{time.monotonic() - began:.1f} s")
