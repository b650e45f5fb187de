"""How busy the site is, by partition, as the portal is told where both sides know the feature `partitions`."""

import logging
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from jobs.agent.backends.base import Backend, BackendError

logger = logging.getLogger(__name__)

FEATURE = "partitions"
# So long a figure may be shown as it is; the agent measures more often.
GOOD_FOR_SECONDS = 120


@runtime_checkable
class Measures(Protocol):
    """A back-end that knows its partitions: totals, queue, health, expected starts, maintenance (site-protocol.md)."""

    def availability(self) -> dict[str, Any]: ...


def availability(backend: Backend, features: frozenset[str]) -> dict[str, Any]:
    """The fields beside the plain capacity; empty where the portal does not know them or nothing can be said."""
    if FEATURE not in features:
        return {}
    try:
        return backend.availability() if isinstance(backend, Measures) else _plain(backend.describe())
    except BackendError:
        logger.warning("The back-end does not say how busy it is.", exc_info=True)
        return {}


def _plain(about: dict[str, Any]) -> dict[str, Any]:
    """One partition, for a back-end that knows of no more than free and taken GPUs."""
    name = next((one["name"] for one in about.get("partitions", [])), about.get("cluster", "default"))
    trouble = about.get("trouble")
    total, free = int(about["gpus_total"]), int(about["gpus_free"])
    return {
        "measured_at": datetime.now(UTC).isoformat(),
        "good_for_seconds": GOOD_FOR_SECONDS,
        "partitions": [
            {
                "name": str(name),
                "gpus_total": total,
                "gpus_free": min(free, total),
                "queued": int(about.get("queue", 0)),
                "max_seconds": None,
                "health": "down" if trouble or not total else "ok",
                "detail": str(trouble["sentence"])[:300] if trouble else "",
                # What is free starts at once; beyond that nothing is known.
                "expected_starts": [{"gpus": free, "nodes": 1, "seconds": 0}] if free > 0 else [],
            }
        ],
        "maintenance": [],
    }
