"""How busy a site is, as its agent measures it: one row a partition, and the maintenance that the scheduler announces.

An agent says this every second; a row is written when something has changed or when the figures before are a quarter
of their promise old, so that an idle exchange costs nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from jobs.execution.rules import CLOCK_SKEW
from jobs.models import MaintenanceWindow, PartitionReport, SiteAgent
from models_hub.specs.fields import Fields, canonical_json

HEALTHS = ("ok", "degraded", "down")
MAX_PARTITIONS, MAX_SHAPES, MAX_WINDOWS = 64, 32, 100
# A promise beyond this is none: figures an hour old say little about a queue.
LONGEST_PROMISE = 3600
DEFAULT_PROMISE = 120
_ROWS = frozenset({"partitions", "maintenance"})
_SHOWN_AGAIN_AFTER = timedelta(seconds=30)
_COUNT = 2**31 - 1
_COLUMNS = (
    "site", "gpus_total", "gpus_free", "queued", "max_seconds", "expected_starts", "health", "detail", "measured_at",
    "good_for_seconds",
)  # fmt: skip


def remembered(agent: SiteAgent, capacity: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """What the agent's own row keeps of it: the sums, and by which content and moment the rows were last written."""
    small = {name: value for name, value in capacity.items() if name not in _ROWS}
    if not _ROWS & capacity.keys():
        return small
    content = hashlib.sha256(canonical_json({name: capacity.get(name) for name in sorted(_ROWS)})).hexdigest()[:16]
    before = agent.capacity.get("rows") or {}
    measured, promise = _measured(capacity, at), _promise(capacity)
    due = timedelta(seconds=promise / 4)
    if before.get("content") == content and measured - datetime.fromisoformat(before["measured_at"]) < due:
        return {**small, "rows": before}
    return {**small, "rows": {"content": content, "measured_at": measured.isoformat()}}


def store_capacity(*, agent: SiteAgent, capacity: Mapping[str, Any], kept: Mapping[str, Any], at: datetime) -> bool:
    """Writes the rows unless `kept` says that they stand already; True when it wrote. Raises SpecError."""
    if "rows" not in kept or kept["rows"] == agent.capacity.get("rows"):
        return False
    fields = Fields(capacity, "capacity")
    measured, promise = _measured(capacity, at), _promise(capacity)
    rows = [_report(one, agent, measured, promise) for one in _list(fields, "partitions", MAX_PARTITIONS)]
    windows = [_window(one, agent, at) for one in _list(fields, "maintenance", MAX_WINDOWS)]
    with transaction.atomic():
        # Two messages of one agent at once: the second waits, and the newer figures stay.
        SiteAgent.objects.select_for_update().only("pk").get(pk=agent.pk)
        if "partitions" in capacity:
            _store_partitions(agent, {row.name: row for row in rows})
        if "maintenance" in capacity:
            _store_windows(agent, [window for window in windows if window is not None], at)
    return True


def _store_partitions(agent: SiteAgent, rows: Mapping[str, PartitionReport]) -> None:
    PartitionReport.objects.bulk_create(
        rows.values(), update_conflicts=True, unique_fields=["agent", "name"], update_fields=_COLUMNS
    )
    PartitionReport.objects.filter(agent=agent).exclude(name__in=rows).delete()


def _store_windows(agent: SiteAgent, said: list[MaintenanceWindow], at: datetime) -> None:
    """The announcements as they now stand. What is over stays as history; what was called off goes."""
    open_ones = {_name_of(row): row for row in MaintenanceWindow.objects.filter(agent=agent, ends_at__gt=at)}
    new = []
    for window in said:
        known = open_ones.pop(_name_of(window), None)
        if known is None:
            new.append(window)
        elif (known.starts_at, known.ends_at, known.reason) != (window.starts_at, window.ends_at, window.reason):
            known.starts_at, known.ends_at, known.reason = window.starts_at, window.ends_at, window.reason
            known.save(update_fields=["starts_at", "ends_at", "reason"])
    MaintenanceWindow.objects.bulk_create(new)
    MaintenanceWindow.objects.filter(pk__in=[row.pk for row in open_ones.values()]).delete()


def _name_of(window: MaintenanceWindow) -> tuple[str, str]:
    return window.native_name, window.partition_name


def _report(fields: Fields, agent: SiteAgent, measured: datetime, promise: int) -> PartitionReport:
    total = fields.whole("gpus_total", least=0, most=_COUNT)
    return PartitionReport(
        agent=agent,
        site_id=agent.site_id,
        name=fields.text("name", longest=60),
        gpus_total=total,
        gpus_free=min(total, fields.whole("gpus_free", least=0, most=_COUNT)),
        queued=fields.whole("queued", least=0, most=_COUNT) if fields.raw.get("queued") is not None else 0,
        max_seconds=fields.whole("max_seconds", least=0, most=_COUNT)
        if fields.raw.get("max_seconds") is not None
        else None,
        expected_starts=[_start(one, measured) for one in _list(fields, "expected_starts", MAX_SHAPES)],
        health=fields.choice("health", HEALTHS) if fields.raw.get("health") is not None else HEALTHS[0],
        detail=_short(fields, "detail"),
        measured_at=measured,
        good_for_seconds=promise,
    )


def _start(fields: Fields, measured: datetime) -> dict[str, Any]:
    """When a job of that shape would start: `seconds` from the measurement on."""
    seconds = fields.whole("seconds", least=0, most=10 * 365 * 86400)
    return {
        "gpus": fields.whole("gpus", least=1, most=1_000_000),
        "nodes": fields.whole("nodes", least=1, most=100_000) if fields.raw.get("nodes") is not None else 1,
        "seconds": seconds,
        "starts_at": (measured + timedelta(seconds=seconds)).isoformat(),
    }


def _window(fields: Fields, agent: SiteAgent, at: datetime) -> MaintenanceWindow | None:
    """An announced window, or None for one that is over already."""
    starts_at, ends_at = _moment(fields, "starts_at"), _moment(fields, "ends_at")
    if ends_at <= starts_at:
        raise fields.error("ends_at", "A maintenance window ends after it begins.")
    if ends_at <= at:
        return None
    return MaintenanceWindow(
        site_id=agent.site_id,
        agent=agent,
        native_name=fields.text("name", longest=100),
        partition_name=_short(fields, "partition")[:60],
        starts_at=starts_at,
        ends_at=ends_at,
        reason=_short(fields, "reason"),
    )


def _list(fields: Fields, name: str, most: int) -> list[Fields]:
    if fields.raw.get(name) is None:
        return []
    found = fields.objects(name)
    if len(found) > most:
        raise fields.error(name, f"At most {most} items are expected.")
    return found


def _short(fields: Fields, name: str) -> str:
    value = fields.raw.get(name)
    return value[:300] if isinstance(value, str) else ""


def _promise(capacity: Mapping[str, Any]) -> int:
    said = capacity.get("good_for_seconds")
    whole = isinstance(said, int) and not isinstance(said, bool)
    return max(1, min(int(said), LONGEST_PROMISE)) if whole and said is not None else DEFAULT_PROMISE


def _measured(capacity: Mapping[str, Any], at: datetime) -> datetime:
    """When it was measured; without a word, or from a clock ahead of ours, it counts as measured now."""
    try:
        said = _moment(Fields(capacity, "capacity"), "measured_at")
    except ValueError:
        return at
    return said if said <= at + CLOCK_SKEW else at


def _moment(fields: Fields, name: str) -> datetime:
    value = fields.text(name, longest=40)
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise fields.error(name, "A moment in ISO 8601 is expected.") from error
