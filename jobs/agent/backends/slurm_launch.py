"""A job of several nodes: `srun` starts one launcher on each, and torchrun there a rank for each GPU.

    python -m jobs.agent.backends.slurm_launch all JOB_FOLDER     on the first node, in place of the training
    python -m jobs.agent.backends.slurm_launch node JOB_FOLDER    on every node, by srun

The nodes meet at the first one, where the job's script runs. Nothing needs to be known before Slurm has chosen them.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Any

from jobs.agent.backends.wrapper import ORDER
from jobs.agent.files import read_json

_HOST, _PORT = "OPEN_PAAS_RENDEZVOUS_HOST", "OPEN_PAAS_RENDEZVOUS_PORT"


def main(arguments: list[str]) -> None:
    stage, job = arguments[0], Path(arguments[1])
    order = read_json(job / ORDER)
    if order is None:
        return  # removed meanwhile
    ranks = order["ranks"]
    if stage == "all":
        os.environ.setdefault(_HOST, socket.gethostname())
        os.environ.setdefault(_PORT, str(_free_port()))
        words = srun_words(ranks, job, dict(os.environ))
    else:
        words = launcher_words(ranks, dict(os.environ))
    os.execvp(words[0], words)  # noqa: S606  # in its place, with its process id


def srun_words(ranks: dict[str, Any], job: Path, environment: dict[str, str]) -> list[str]:
    """One task a node with all that the node was given. srun does not take the job's processors along by itself."""
    given = environment.get("SLURM_CPUS_PER_TASK", "")
    gpus = ranks["gpus_per_node"]
    return [
        ranks["srun"], f"--nodes={ranks['nodes']}", f"--ntasks={ranks['nodes']}", "--ntasks-per-node=1",
        "--kill-on-bad-exit=1", "--input=none", "--mpi=none",
        *([f"--gpus-per-node={gpus}"] if gpus else []),
        *([f"--cpus-per-task={given}"] if given else []),
        sys.executable, "-m", "jobs.agent.backends.slurm_launch", "node", str(job),
    ]  # fmt: skip


def launcher_words(ranks: dict[str, Any], environment: dict[str, str]) -> list[str]:
    """torchrun as it is called by hand: https://docs.pytorch.org/docs/stable/elastic/run.html"""
    return [
        *ranks["prefix"], *ranks["launcher"],
        f"--nnodes={ranks['nodes']}", f"--nproc-per-node={max(1, ranks['gpus_per_node'])}",
        f"--node-rank={environment['SLURM_NODEID']}",
        f"--master-addr={environment[_HOST]}", f"--master-port={environment[_PORT]}",
        "--no-python", *ranks["command"],
    ]  # fmt: skip


def _free_port() -> int:
    with socket.create_server(("", 0)) as server:
        return int(server.getsockname()[1])


if __name__ == "__main__":
    main(sys.argv[1:])
