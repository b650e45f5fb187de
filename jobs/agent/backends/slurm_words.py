"""What sbatch is told: the options and the script of a job. Nothing secret: the accounting keeps both."""

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from shlex import quote

from jobs.agent.backends.base import Order
from jobs.agent.backends.slurm_options import SlurmOptions

OUTPUT = "slurm.out"


def sbatch_words(
    options: SlurmOptions, order: Order, *, minutes: int, account: str, at: datetime, named: Mapping[str, str]
) -> list[str]:
    """Each option as `--name=value`. `named` is what differs between one job and an array: name, comment, files."""
    expires = max(0, math.ceil((order.not_after - at).total_seconds() / 60)) + minutes + 1
    each = order.gpus_per_node
    kind = f"{options.gpu_type}:" if options.gpu_type else ""
    several = order.nodes > 1
    wanted = {
        **named,
        # Two copies of one name run one after the other, and the second finds the first one's claim.
        "dependency": "singleton",
        "open-mode": "append",
        "time": str(minutes),
        "deadline": f"now+{expires}minutes",
        "signal": f"B:USR1@{options.signal_seconds}" if options.signal_seconds else "",
        "nodes": str(order.nodes),
        # One launcher on each node; it starts a rank for each GPU.
        "ntasks-per-node": "1" if several else "",
        "gpus-per-node": f"{kind}{each}" if several and each else "",
        "gres": f"gpu:{kind}{each}" if each and not several else "",
        "partition": options.partition,
        "account": account,
        "qos": options.qos,
        "cpus-per-task": str(options.cpus_per_gpu * max(1, each)) if options.cpus_per_gpu else "",
        "mem": f"{options.memory_gb_per_gpu * max(1, each)}G" if options.memory_gb_per_gpu else "",
    }
    # No requeue: Slurm would start the training anew without asking whether the first start still lives.
    return ["--no-requeue", *(f"--{name}={value}" for name, value in wanted.items() if value), *options.extra]


def job_script(options: SlurmOptions, job: Path, number: int) -> str:
    return _script(options, quote(str(job)), number)


def array_script(options: SlurmOptions, sweep: Path, number: int) -> str:
    """Each task of the array finds its job's folder by its own number."""
    return _script(options, f'{quote(str(sweep))}/"$SLURM_ARRAY_TASK_ID"', number)


def _script(options: SlurmOptions, job: str, number: int) -> str:
    start = f"{quote(options.python)} -m jobs.agent.backends.slurm_start {job} {number}"
    lines = ["#!/bin/sh", *options.setup, f"export PYTHONPATH={quote(options.code)}", f"exec {start}"]
    return "\n".join(lines) + "\n"
