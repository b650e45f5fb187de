"""How busy sites are, by partition, each figure with its age: what is older than its promise is shown as stale."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from catalog.liveness import Capacity
from catalog.models import Site
from jobs.models import MaintenanceWindow, PartitionReport

STARTS_SHOWN = 4


@dataclass(frozen=True)
class Busy:
    """One partition as an agent last measured it."""

    site_id: int
    name: str
    gpus_total: int
    gpus_free: int
    queued: int
    health: str
    detail: str
    age_seconds: int
    stale: bool
    # (GPUs, nodes, seconds from now on): when a job of that shape would start, as the scheduler expects.
    starts: tuple[tuple[int, int, int], ...] = ()


def busy(sites: Iterable[Site], *, at: datetime) -> dict[int, list[Busy]]:
    """The partitions of these sites by the site's id, in one query. Of two agents' figures the newer one counts."""
    rows = PartitionReport.objects.filter(site__in=[site.pk for site in sites], agent__revoked_at__isnull=True)
    found: dict[int, list[Busy]] = defaultdict(list)
    seen: set[tuple[int, str]] = set()
    for row in rows.order_by("site_id", "name", "-measured_at"):
        if (row.site_id, row.name) not in seen:
            seen.add((row.site_id, row.name))
            found[row.site_id].append(_busy(row, at))
    return dict(found)


def public_capacity(site: Site, at: datetime) -> Capacity:
    """What everybody may read on the site's page of the catalogue."""
    windows = MaintenanceWindow.objects.filter(site=site, ends_at__gt=at).order_by("starts_at")
    return Capacity(busy([site], at=at).get(site.pk, []), list(windows))


def _busy(row: PartitionReport, at: datetime) -> Busy:
    stale = at - row.measured_at > timedelta(seconds=row.good_for_seconds)
    return Busy(
        site_id=row.site_id,
        name=row.name,
        gpus_total=row.gpus_total,
        gpus_free=row.gpus_free,
        queued=row.queued,
        health=row.health,
        detail=row.detail,
        age_seconds=max(0, round((at - row.measured_at).total_seconds())),
        stale=stale,
        # What was expected by figures out of date is not said any more.
        starts=() if stale else tuple(_start(one, at) for one in row.expected_starts[:STARTS_SHOWN]),
    )


def _start(said: dict[str, Any], at: datetime) -> tuple[int, int, int]:
    left = (datetime.fromisoformat(said["starts_at"]) - at).total_seconds()
    return said["gpus"], said["nodes"], max(0, round(left))
