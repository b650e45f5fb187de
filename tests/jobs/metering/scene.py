"""A job at a site, its usage rows and its end, by the services alone."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from jobs.execution.reports import StateReport, Usage
from jobs.execution.services import lease_jobs, observe_state, record_usage
from jobs.metering.witnesses import hear_heartbeat
from jobs.models import Attempt, Job, UsageDiscrepancy, UsageRecord
from tests.jobs.scene import make_agent, make_scene, submit

START = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
SKEW = timedelta(minutes=5)


def metered_scene(*, gpus: int = 1, max_seconds: int = 7200, **site: Any) -> SimpleNamespace:
    """A company's job of up to two hours, leased at START by its site's agent."""
    scene = make_scene(gpu_hours=100, **site)
    # START is a day of its own, whatever day it is while the tests run.
    day, allocation = START.date(), scene.allocation
    allocation.starts_on, allocation.ends_on = day - timedelta(days=1), day + timedelta(days=60)
    allocation.save(update_fields=["starts_on", "ends_on"])
    scene.agent = make_agent(scene.site, description={"features": ["provisional", "reconciliation"]})
    scene.job = submit(scene, gpus=gpus, max_seconds=max_seconds, at=START)
    scene.attempt = lease(scene)
    return scene


def lease(scene: SimpleNamespace) -> Attempt:
    (attempt,) = lease_jobs(agent=scene.agent, wanted=1, at=START)
    Attempt.objects.filter(pk=attempt.pk).update(created_at=START)
    return Attempt.objects.get(pk=attempt.pk)


def usage(attempt: Attempt, *, begin: int = 0, seconds: int = 3600, gpus: int = 1, **fields: Any) -> Usage:
    """What one start held, `begin` seconds after START."""
    facts = {
        "cluster": "alpha", "native_id": "4711", "started_at": START + timedelta(seconds=begin),
        "ended_at": START + timedelta(seconds=begin + seconds), "gpus": gpus, "gpu_seconds": gpus * seconds,
        "method": "accounting", **fields,
    }  # fmt: skip
    return Usage(**facts)


def use(attempt: Attempt, *, at: datetime | None = None, **words: Any) -> UsageRecord:
    row = usage(attempt, **words)
    return record_usage(attempt=attempt, usage=row, at=at or row.ended_at + timedelta(seconds=1))


def end(attempt: Attempt, *, after: int = 3601, state: str = "failed", hint_code: str = "diverged") -> Job:
    """The attempt's last word. A run that diverged is charged and delivers nothing."""
    at = START + timedelta(seconds=after)
    report = StateReport(seq=99, state=state, started_at=START, ended_at=at, hint_code=hint_code)
    return observe_state(attempt=attempt, report=report, at=at).job


def beat(attempt: Attempt, *, held: int, after: int) -> None:
    attempt = Attempt.objects.select_related("job").get(pk=attempt.pk)
    hear_heartbeat(attempt=attempt, held=held, at=START + timedelta(seconds=after), skew=SKEW)


def questions(**having: Any) -> list[tuple[str, int | None, int | None]]:
    """Kind and both figures of every open question."""
    rows = UsageDiscrepancy.objects.filter(resolved_at__isnull=True, **having).order_by("kind", "created_at")
    return [(row.kind, row.accounting_gpu_seconds, row.other_gpu_seconds) for row in rows]


def charged(job: Job) -> int:
    """GPU-seconds the job is charged, over all bookings."""
    return -sum(entry.gpu_seconds for entry in job.ledger_entries.filter(kind__in=["charge", "reverse"]))
