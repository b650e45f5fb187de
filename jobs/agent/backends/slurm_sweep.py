"""A sweep, or a burst, as one job array: each task is an attempt of its own, metered, cancelled, resumed by itself.

    <shared>/sweeps/<array name>/<task>              leads to the folder of the task's job; gone with it
    <shared>/sweeps/<array name>/handed_over.json    the array's id in Slurm, once it has one; gone with the last task

The array's name comes from the attempts it holds, so that it is found again like a single job is. What an array cannot
be asked to do twice, the claim on the node forbids: the same submission of an attempt, in an array or alone, runs once.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jobs.agent.backends.base import Order
from jobs.agent.backends.slurm_words import OUTPUT

HANDED_OVER = "handed_over.json"
# Well below Slurm's default MaxArraySize of 1001.
MOST_TASKS = 200


def alike(orders: Sequence[Order], numbers: Mapping[str, int], *, least: int) -> list[list[Order]]:
    """Orders that one set of options fits, two or more at a time, and of no sweep at least `least`.

    `numbers` are those of their submissions.
    """
    groups: dict[object, list[Order]] = defaultdict(list)
    for order in orders:
        shape = (order.sweep, order.gpus, order.nodes, order.max_seconds, order.tenant, order.budget, order.image)
        groups[(*shape, numbers[order.key])].append(order)
    return [
        group[first : first + MOST_TASKS]
        for group in groups.values()
        for first in range(0, len(group), MOST_TASKS)
        if len(group[first : first + MOST_TASKS]) >= (2 if group[0].sweep else max(2, least))
    ]


def array_name(orders: Sequence[Order], number: int) -> str:
    keys = " ".join(sorted(order.key for order in orders))
    kind = "sweep" if orders[0].sweep else "batch"
    return f"{kind}-{hashlib.sha256(f'{orders[0].sweep} {number} {keys}'.encode()).hexdigest()[:16]}"


def array_words(folder: Path, name: str, tasks: int) -> dict[str, str]:
    """The options in which an array differs from a single job."""
    return {
        "job-name": name,
        "comment": f"open-paas {name}",
        "array": f"0-{tasks - 1}",
        "chdir": str(folder),
        "output": str(folder / "%a" / OUTPUT),
    }


def lay_out(folder: Path, jobs: Sequence[Path]) -> None:
    """A way from each task's number to its job's folder; laid twice it is the same."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for task, job in enumerate(jobs):
        with suppress(FileExistsError):
            (folder / str(task)).symlink_to(os.path.relpath(job, folder))


def clear_out(sweeps: Path) -> None:
    """Removes ways that lead nowhere any more, and the folders they were the last in."""
    for folder in sweeps.iterdir() if sweeps.is_dir() else ():
        ways = [way for way in folder.iterdir() if way.is_symlink()]
        for way in ways:
            if not way.exists():
                way.unlink(missing_ok=True)
        if not any(way.exists() for way in ways):
            (folder / HANDED_OVER).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()
