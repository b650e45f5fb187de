"""GPU-seconds of a key's starts: what the cluster gave, for as long as it had given it.

Ray's times are in milliseconds; a row holds whole GPU-seconds, rounded down once. Where the cluster has forgotten a
start with its head, the wrapper's receipt counts and says so. What was once written down stays as it is.
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs.agent.backends.base import Ended, UsageRow
from jobs.agent.backends.ray_rest import Held, moment
from jobs.agent.backends.ray_status import Facts, Run, Submission, settled
from jobs.agent.files import read_json, write_json

logger = logging.getLogger(__name__)

CLUSTER = "ray"
# Cluster and receipt further apart than this, in seconds and as a share, are somebody's to look at.
APART_SECONDS, APART_SHARE = 60, 0.01
# The program never ran: nobody pays for that.
_FREE = (Ended.NOT_AFTER, Ended.CANNOT_START)


def metered(path: Path, facts: Facts, *, gpus: int, at: datetime) -> list[UsageRow]:
    """Every ended start; kept in `path`. `gpus` is what was ordered."""
    kept: list[dict[str, Any]] = read_json(path) or []
    lines = list(kept)
    known = {line["native_id"] for line in kept}
    for one in facts.submissions:
        run = facts.run_of(one.number)
        if run is None or run.by_agent or one.native_id in known or (run.end and run.end["why"] in _FREE):
            continue
        line = _line(facts, one, run, gpus=gpus, at=at)
        if line is not None:
            lines.append(line)
            _compare(line)
    if len(lines) > len(kept):
        write_json(path, lines)
    return [
        UsageRow(**{**line, **{name: datetime.fromisoformat(line[name]) for name in ("started_at", "ended_at")}})
        for line in lines
    ]


def _line(facts: Facts, one: Submission, run: Run, *, gpus: int, at: datetime) -> dict[str, Any] | None:
    if one.job is None:
        if run.end is None and at - run.seen_at < facts.patience:
            return None
        return _by_receipt(facts.key, one, run, gpus)
    if not settled(one, run, at=at):
        return None
    if one.held is None or not one.held.end_ms:
        return _by_receipt(facts.key, one, run, gpus)
    return _by_cluster(facts.key, one, run, one.held, gpus)


def _by_cluster(key: str, one: Submission, run: Run, held: Held, ordered: int) -> dict[str, Any]:
    gpus = int(held.gpus) or ordered
    milliseconds = max(0, held.end_ms - held.start_ms)
    return {
        "key": key, "cluster": CLUSTER, "native_id": one.native_id,
        "started_at": moment(held.start_ms).isoformat(), "ended_at": moment(held.start_ms + milliseconds).isoformat(),
        "gpus": gpus, "gpu_seconds": gpus * milliseconds // 1000,
        "cpu_seconds": int(held.cpus * milliseconds / 1000) or _cpu_seconds(run),
        "energy_joules": None, "method": "accounting", "receipt_gpu_seconds": gpus * run.seconds,
    }  # fmt: skip


def _by_receipt(key: str, one: Submission, run: Run, gpus: int) -> dict[str, Any]:
    return {
        "key": key, "cluster": CLUSTER, "native_id": one.native_id,
        "started_at": run.started_at.isoformat(), "ended_at": max(run.started_at, run.ended_at).isoformat(),
        "gpus": gpus, "gpu_seconds": gpus * run.seconds, "cpu_seconds": _cpu_seconds(run),
        "energy_joules": None, "method": "receipt", "receipt_gpu_seconds": None,
    }  # fmt: skip


def _cpu_seconds(run: Run) -> int:
    return int((run.end or {}).get("cpu_seconds", 0))


def _compare(line: dict[str, Any]) -> None:
    receipt = line["receipt_gpu_seconds"]
    if receipt is None or not line["gpus"]:
        return
    apart = abs(line["gpu_seconds"] - receipt)
    if apart > max(APART_SECONDS * line["gpus"], APART_SHARE * receipt):
        logger.error(
            "Attempt %s: the cluster held %d GPU-seconds for %s, its own receipt says %d. Somebody should look.",
            line["key"], line["gpu_seconds"], line["native_id"], receipt,
        )  # fmt: skip
