"""What the signed work asks for beyond one GPU and a time: nodes, a budget, a sweep, an image. All of it optional."""

import re
from dataclasses import dataclass
from typing import Any

from jobs.agent.backends.base import Budget

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True, kw_only=True)
class Shape:
    nodes: int = 1
    budget: Budget | None = None
    # Jobs of one sweep differ in their settings only; a scheduler may be given all of them at once.
    sweep: str = ""
    # The digest of the container image to run in; empty: as the site is set up.
    image: str = ""


PLAIN = Shape()


def shape_of(raw: dict[str, Any]) -> Shape:
    """Raises ValueError with a sentence where a field is not what docs/site-protocol.md says."""
    return Shape(nodes=_nodes(raw), budget=_budget(raw), sweep=_sweep(raw), image=_image(raw))


def order_words(shape: Shape) -> dict[str, Any]:
    """The shape as fields of an Order."""
    return {"nodes": shape.nodes, "budget": shape.budget, "sweep": shape.sweep, "image": shape.image}


def _nodes(raw: dict[str, Any]) -> int:
    nodes, gpus = int(raw.get("nodes") or 1), int(raw["gpus"])
    if nodes < 1 or (nodes > 1 and (gpus < nodes or gpus % nodes)):
        raise ValueError(f"{gpus} GPUs cannot be shared evenly by {nodes} nodes.")
    return nodes


def _budget(raw: dict[str, Any]) -> Budget | None:
    said = raw.get("budget")
    if not said:
        return None
    allocation, minutes = str(said["allocation"]), int(said["gpu_minutes"])
    if not _NAME.fullmatch(allocation) or minutes < 0:
        raise ValueError("The budget needs the reference of an allocation and whole GPU-minutes.")
    return Budget(allocation=allocation, gpu_minutes=minutes)


def _sweep(raw: dict[str, Any]) -> str:
    said = raw.get("sweep")
    if not said:
        return ""
    name = str(said["id"])
    if not _NAME.fullmatch(name):
        raise ValueError("A sweep's id has up to 60 letters, digits, dots, dashes and underscores.")
    return name


def _image(raw: dict[str, Any]) -> str:
    said = raw.get("container")
    if not said:
        return ""
    digest = str(said["digest"])
    if not _DIGEST.fullmatch(digest):
        raise ValueError("A container image is named by its digest, sha256: and 64 hexadecimal digits.")
    return digest
