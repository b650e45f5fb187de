"""GPU-seconds of a key's starts, as Slurm allocated them, beside what the wrapper's receipts say.

Allocated GPUs x elapsed seconds, both as the scheduler has them, to the second; never utilisation, never an average.
What was once written down stays as it is: a later reading adds starts and changes none.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.agent.backends.base import UsageRow
from jobs.agent.backends.slurm_rows import PAST, SlurmJob
from jobs.agent.backends.slurm_status import Facts, Run
from jobs.agent.files import read_json, write_json

logger = logging.getLogger(__name__)

# Accounting and receipt further apart than this, in seconds or as a share, are somebody's to look at (the portal judges
# by the same rule, jobs.metering.rules); so many seconds Slurm may need to start a program and to notice its end.
APART_SECONDS, APART_SHARE, NOT_TOLD_APART = 60, 0.01, 10


def metered(path: Path, facts: Facts, *, gpus: int, at: datetime) -> list[UsageRow]:
    """Every ended start; kept in `path`. `gpus` is what was ordered, for sites that do not account GPUs."""
    kept: list[dict[str, Any]] = read_json(path) or []
    lines = list(kept)
    seen = {(line["native_id"], line["started_at"]) for line in kept}
    # What a receipt has stood in for is not counted again when the site mends its accounting later.
    by_receipt = {line["native_id"] for line in kept if line["method"] == "receipt"}
    for row, run in _starts(facts):
        line = _line(facts.key, row, run, gpus)
        if (line["native_id"], line["started_at"]) not in seen and line["native_id"] not in by_receipt:
            lines.append(line)
            _compare(line)
    lines += _unaccounted(facts, {line["native_id"] for line in lines}, gpus, at)
    if len(lines) > len(kept):
        write_json(path, lines)
    return [
        UsageRow(**{**line, **{name: datetime.fromisoformat(line[name]) for name in ("started_at", "ended_at")}})
        for line in lines
    ]


def _starts(facts: Facts) -> list[tuple[SlurmJob, Run | None]]:
    """Each ended start with the receipt of the same start, where there is one."""
    found: list[tuple[SlurmJob, Run | None]] = []
    for row in facts.rows:
        if row.ran and (row.final or row.state in PAST):
            claims = [run for run in facts.runs if run.job_id == row.native_id]
            overlapping = [run for run in claims if row.started_at and row.ended_at and _within(run, row)]
            found.append((row, overlapping[0] if overlapping else None))
    return found


def _within(run: Run, row: SlurmJob) -> bool:
    """Whether the claim was made while this start held its node; clocks of node and controller may differ a little."""
    slack = timedelta(seconds=2)
    return bool(row.started_at and row.ended_at and row.started_at - slack <= run.started_at <= row.ended_at + slack)


def _line(key: str, row: SlurmJob, run: Run | None, ordered: int) -> dict[str, Any]:
    assert row.started_at and row.ended_at
    gpus = row.gpus or ordered
    return {
        "key": key,
        "cluster": row.cluster,
        "native_id": row.native_id,
        "started_at": row.started_at.isoformat(),
        "ended_at": row.ended_at.isoformat(),
        "gpus": gpus,
        "gpu_seconds": gpus * row.elapsed,
        "cpu_seconds": row.cpus * row.elapsed,
        "energy_joules": row.energy_joules,
        "method": "accounting",
        "receipt_gpu_seconds": gpus * run.seconds if run else None,
    }


def _unaccounted(facts: Facts, known: set[str], gpus: int, at: datetime) -> list[dict[str, Any]]:
    """Starts that Slurm has no trace of after a long while: then the receipt counts, and says that it is one."""
    found = []
    for run in facts.runs:
        ended = datetime.fromisoformat(run.end["ended_at"]) if run.end else run.seen_at
        traces = any(row.native_id == run.job_id for row in facts.rows)
        if run.job_id in known or traces or at - ended < timedelta(seconds=facts.lost_seconds):
            continue
        found.append(
            {
                "key": facts.key, "cluster": facts.journal.get("cluster", "slurm"), "native_id": run.job_id,
                "started_at": run.started_at.isoformat(), "ended_at": ended.isoformat(), "gpus": gpus,
                "gpu_seconds": gpus * run.seconds, "cpu_seconds": int((run.end or {}).get("cpu_seconds", 0)),
                "energy_joules": None, "method": "receipt", "receipt_gpu_seconds": None,
            }
        )  # fmt: skip
    return found


def _compare(line: dict[str, Any]) -> None:
    receipt = line["receipt_gpu_seconds"]
    if receipt is None or not line["gpus"]:
        return
    apart, gpus = abs(line["gpu_seconds"] - receipt), line["gpus"]
    far = apart > APART_SECONDS * gpus or apart > APART_SHARE * line["gpu_seconds"]
    if far and apart > NOT_TOLD_APART * gpus:
        logger.error(
            "Attempt %s: Slurm accounts %d GPU-seconds for job %s, its own receipt says %d. Somebody should look.",
            line["key"], line["gpu_seconds"], line["native_id"], receipt,
        )  # fmt: skip
