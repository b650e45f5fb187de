"""What the cluster has and how busy it is, as the portal is told."""

import math
import sys
from typing import Any

from jobs.agent.backends.ray_options import RayOptions
from jobs.agent.backends.ray_rest import SUPERVISOR, Ray


def capacity(ray: Ray | None, options: RayOptions, own: dict[str, int] | None = None) -> dict[str, Any]:
    """GPUs of living nodes; those that actors hold are taken. Without a cluster to ask: nothing is known.

    `own`: our submissions that have not ended, with the GPUs they hold now. Of those we know by ourselves, since the
    dashboard hears of actors a moment late.
    A cluster that grows by itself (KubeRay's autoscaler) is offered as what it may grow to (`gpus`, `gpus_per_node`).
    """
    nodes = [node for node in ray.nodes() if node.alive] if ray else []
    actors = ray.actors() if ray else []
    version = ray.version()["ray_version"] if ray else "unknown"
    total = options.gpus or sum(node.gpus for node in nodes)
    others = [actor for actor in actors if str(actor.get("name")).removeprefix(SUPERVISOR) not in (own or {})]
    taken = sum(_gpus(actor) for actor in others if actor.get("state") == "ALIVE") + sum((own or {}).values())
    free = max(0, total - math.ceil(taken))
    waiting = sum(1 for actor in actors if actor.get("state") in _WAITING and _gpus(actor))
    return {
        "backend": "ray",
        "cluster": "ray",
        "partitions": [{"name": "ray", "gpus": total, "gpus_free": free, "nodes": len(nodes), "queue": waiting}],
        "limits": {"gpus": largest(nodes, options), "memory_bytes": None},
        "gpus_total": total,
        "gpus_free": free,
        # How much work is taken: what is free, and so much more as the site wants to have waiting in its own queue.
        "room": max(0, free - waiting) + options.queue_ahead,
        "queue": waiting,
        "egress": False,
        "versions": {"ray": version, "python": sys.version.split()[0]},
    }


_WAITING = ("DEPENDENCIES_UNREADY", "PENDING_CREATION")


def largest(nodes: list[Any], options: RayOptions) -> int:
    """The most GPUs that one job can have: a Ray job lives on one node."""
    return options.gpus_per_node or max((node.gpus for node in nodes), default=0)


def _gpus(actor: dict[str, Any]) -> float:
    return float(actor.get("requiredResources", {}).get("GPU", 0))
