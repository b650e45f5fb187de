"""Each partition as the portal shows it: what it has, who waits, whether it works, when a job would start."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_forecast import Forecast
from jobs.agent.backends.slurm_rows import Node, Reservation

GOOD_FOR_SECONDS = 120
_DETAIL = 300


def measured(slurm: Slurm, forecast: Forecast, *, at: datetime) -> dict[str, Any]:
    """Raises SlurmTrouble when the controller does not answer; what was measured before then stays as old as it is."""
    nodes, pending = slurm.nodes(), slurm.pending()
    starts = forecast.starts(nodes, at=at.timestamp())
    return {
        "measured_at": at.isoformat(),
        "good_for_seconds": GOOD_FOR_SECONDS,
        "partitions": [
            partition(name, [node for node in nodes if node.partition == name], pending.get(name, 0), starts)
            for name in dict.fromkeys(node.partition for node in nodes)
        ],
        "maintenance": maintenance(slurm.reservations(), at=at),
    }


def silent(known: dict[str, Any], sentence: str) -> dict[str, Any]:
    """What was known while the controller does not answer: as old as it is, and nothing said to be free."""
    down = {"gpus_free": 0, "health": "down", "detail": sentence[:_DETAIL], "expected_starts": []}
    return {**known, "partitions": [{**one, **down} for one in known["partitions"]]} if known else {}


def partition(name: str, members: list[Node], queued: int, starts: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    usable = [node for node in members if node.usable]
    health, detail = _health(members)
    total = sum(node.gpus for node in usable)
    return {
        "name": name,
        "gpus_total": total,
        "gpus_free": min(total, sum(node.free for node in usable)) if health != "down" else 0,
        "queued": queued,
        "max_seconds": max((node.max_seconds for node in members if node.max_seconds), default=None),
        "health": health,
        "detail": detail[:_DETAIL],
        "expected_starts": starts.get(name, []) if health != "down" else [],
    }


def _health(members: list[Node]) -> tuple[str, str]:
    """`ok`, `degraded` when some nodes take no work, `down` when none does; and why, in the operator's own words."""
    closed = next((node.available for node in members if node.available != "up"), "")
    out = [node for node in members if not node.usable]
    reasons = "; ".join(dict.fromkeys(node.reason for node in out if node.reason))
    if closed:
        return "down", f"The partition is {closed}."
    if not out:
        return "ok", ""
    words = f"{len(out)} of {len(members)} nodes take no work" + (f": {reasons}" if reasons else "")
    return ("down" if len(out) == len(members) else "degraded"), f"{words}."


def maintenance(reservations: Iterable[Reservation], *, at: datetime) -> list[dict[str, Any]]:
    """The reservations that are maintenance and not over yet."""
    return [
        {
            "name": one.name,
            "partition": one.partition,
            "starts_at": one.starts_at.astimezone(UTC).isoformat(),
            "ends_at": one.ends_at.astimezone(UTC).isoformat(),
            "reason": one.reason,
        }
        for one in reservations
        if "MAINT" in one.flags and one.ends_at > at
    ]
