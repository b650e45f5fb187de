"""Which other place of its allocation could take a job, by the same rules that rank places on the pages."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from catalog.models import Partition
from jobs.allocations.places import objection
from jobs.matching.facts import Need, Offer
from jobs.matching.health import LATE_AFTER
from jobs.matching.rules import rank
from jobs.matching.selectors import offers, weights
from jobs.models import Job
from jobs.states import AllocationState


def best_place(job: Job, *, at: datetime) -> Partition | None:
    """The best place of the job's allocation at another site that is heard and can run it; None where there is none.

    Only a site that has spoken within the last minute counts: moving to one that is silent too helps nobody.
    """
    allocation = job.allocation
    if allocation.state != AllocationState.ACTIVE or not allocation.starts_on <= at.date() <= allocation.ends_on:
        return None
    candidates = {str(partition.pk): partition for partition in _elsewhere(job, at)}
    if not candidates:
        return None
    need = need_of(job)
    heard = [
        # The hours are set aside already, and go with the job.
        replace(offer, hours_left=job.reserved_gpu_seconds)
        for offer in offers(need, at=at, places=candidates.values())
        if _is_heard(offer)
    ]
    ranked = rank(need, heard, weights()).ranked
    return candidates[ranked[0].offer.key] if ranked else None


def _elsewhere(job: Job, at: datetime) -> list[Partition]:
    """The allocation's own hardware and its further places, where they are not at the site the job is at."""
    allocation = job.allocation
    further = Partition.objects.filter(pk__in=allocation.places.values("partition")).select_related("site")
    found = [partition for partition in further if objection(allocation, partition, on=at.date()) is None]
    own = Partition.objects.select_related("site").get(pk=allocation.partition_id)
    return [partition for partition in (own, *found) if partition.site_id != job.site_id]


def _is_heard(offer: Offer) -> bool:
    silent = [agent.silent_seconds for agent in offer.agents if agent.silent_seconds is not None]
    return bool(silent) and min(silent) <= LATE_AFTER.total_seconds()


def need_of(job: Job) -> Need:
    """What a frozen job asks of a place. Memory and time are those of the estimate it was started with."""
    planned = job.allocation.partition
    high = _number(job.estimate, "seconds", "high")
    pace = float(planned.bf16_tflops) * float(planned.share_low)
    return Need(
        recipe=job.recipe,
        model=job.base_model.slug,
        revision=job.spec.get("base_model", {}).get("revision"),
        gpus=job.gpus,
        nodes=job.nodes,
        max_seconds=job.max_seconds,
        gpu_seconds=job.reserved_gpu_seconds,
        memory_gb=_number(job.estimate, "memory", "total", "value"),
        pace=pace * min(1.0, high / job.max_seconds) if high else None,
        residency=frozenset(job.dataset.residency),
        sector=job.organisation.nace_code,
        language=job.created_by.language if job.created_by else "",
        needs_hours=True,
    )


def _number(data: Any, *path: str) -> float | None:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return float(data) if isinstance(data, int | float) and not isinstance(data, bool) else None
