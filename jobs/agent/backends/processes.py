"""Processes by more than their number: a pid is used again, a pid with its start time is not."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessId:
    """`ticks` is the start in clock ticks since boot, `boot` names the boot."""

    pid: int
    ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The process that has this number now; None when there is none, or only its remains."""
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            return None
        if fields[0] in ("Z", "X"):
            return None
        return cls(pid=pid, ticks=int(fields[19]), boot=boot_id())

    @property
    def alive(self) -> bool:
        return ProcessId.of(self.pid) == self


def boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def members_of_group(group: int) -> list[int]:
    """The processes of a process group."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] not in ("Z", "X"):
                found.append(int(entry.name))
    return found


def resident_bytes(pids: list[int]) -> int:
    """Memory these processes really hold. Address space says nothing: torch maps far more than it touches."""
    total = 0
    page = os.sysconf("SC_PAGE_SIZE")
    for pid in pids:
        try:
            total += int((_PROC / str(pid) / "statm").read_text().split()[1]) * page
        except (OSError, ValueError, IndexError):
            continue
    return total


def signal_group(group: int, number: signal.Signals) -> None:
    """A signal to a whole group; one that is gone is fine."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return
