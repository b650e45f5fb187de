"""Processes as the kernel sees them: who descends from whom, how much memory each really holds, and a clean end.

Training runs in sessions of its own and a killed worker leaves children behind, so process groups do not tell us what
is ours. On Linux we make ourselves the reaper of every orphan below us; whatever is left at the end is then our child.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# CI and containers may run without a kernel that tells proportional memory.
KILOBYTE = 1024


def adopt_orphans() -> None:
    """From now on, processes below us that lose their parent become our children instead of init's."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """For a child between fork and exec: the kernel asks it to end when its parent ends, however that happens."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    try:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    except (AttributeError, OSError):
        return  # not Linux: nothing to set; the ordinary stop still works


def parents() -> dict[int, int]:
    """Every process and its parent."""
    found = {}
    for entry in PROC.glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(entry.name)] = int(fields[1])
    return found


def descendants(root: int) -> list[int]:
    """All living processes below `root`, without it."""
    tree = parents()
    found, frontier = [], [root]
    while frontier:
        parent = frontier.pop()
        below = [pid for pid, its_parent in tree.items() if its_parent == parent]
        found += below
        frontier += below
    return found


def memory(pid: int) -> int:
    """Bytes a process holds, with shared pages divided among those who share them (PSS); 0 when it is gone."""
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * KILOBYTE
        return 0
    except OSError:
        return 0


def tree_memory(pid: int) -> int:
    return memory(pid) + sum(memory(below) for below in descendants(pid))


def reap() -> None:
    """Takes note of ended children, so that none stays as a zombie."""
    while True:
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def end_all(root: int, *, patience: float = 10.0, sleep: Callable[[float], None] = time.sleep) -> list[int]:
    """Ends everything below `root`: asks first, then insists. Returns the ids of those that had been left."""
    left = descendants(root)
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, patience)):
        waited = 0.0
        for pid in descendants(root):
            _signal(pid, number)
        while descendants(root) and waited < seconds:
            reap()
            sleep(0.05)
            waited += 0.05
    reap()
    return left


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
