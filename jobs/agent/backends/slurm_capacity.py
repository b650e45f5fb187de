"""What the site has and how busy it is, as the portal is told."""

import sys
from typing import Any

from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_rows import Node
from jobs.agent.config import Allowed


def capacity(slurm: Slurm | None, allowed: Allowed) -> dict[str, Any]:
    """Partitions, their free GPUs and their queue; without a Slurm to ask, a site of which nothing is known."""
    nodes = slurm.nodes() if slurm else []
    pending = slurm.pending() if slurm else {}
    alike = {node.name: node for node in nodes}.values()  # a node may be in several partitions
    usable = [node for node in alike if node.usable]
    most = max((node.gpus for node in usable), default=0)
    free = _free(alike)
    return {
        "backend": "slurm",
        "cluster": "slurm",
        "partitions": [_partition(name, nodes, pending) for name in sorted({node.partition for node in nodes})],
        "limits": {
            "gpus": most,
            "gpus_per_node": most,
            "nodes": min(allowed.max_nodes, max(1, len(usable))),
            "memory_bytes": None,
        },
        "energy": "measured" if slurm and slurm.measures_energy else "none",
        "gpus_total": sum(node.gpus for node in usable),
        "gpus_free": free,
        # How much work is taken: what is free, and so much more as the site wants to have waiting in its own queue.
        "room": free + (slurm.options.queue_ahead if slurm else 0),
        "queue": sum(pending.values()),
        "egress": False,
        "versions": {
            "slurm": ", ".join(sorted({node.version for node in nodes})) or "unknown",
            "python": sys.version.split()[0],
        },
    }


def _partition(name: str, nodes: list[Node], pending: dict[str, int]) -> dict[str, Any]:
    members = [node for node in nodes if node.partition == name]
    return {
        "name": name,
        "gpus": sum(node.gpus for node in members if node.usable),
        "gpus_free": _free(members),
        "nodes": len(members),
        "nodes_usable": sum(1 for node in members if node.usable),
        "queue": pending.get(name, 0),
        "max_seconds": max((node.max_seconds for node in members if node.max_seconds), default=None),
    }


def _free(nodes: Any) -> int:
    return sum(node.free for node in nodes)
