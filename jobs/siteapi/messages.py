"""Reading what agents say: JSON objects to the typed reports of `jobs.execution.reports`.

Unknown fields are ignored, so that a newer agent may speak to an older portal; known ones are checked strictly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from jobs.execution.reports import Event, LogPiece, StateReport, Usage
from jobs.metering.digests import Digest
from jobs.states import JobState
from models_hub.specs.fields import Fields, SpecError

MAX_ITEMS = 500
MAX_DIGESTS = 40
MAX_EVENT_BYTES = 65_536


@dataclass(frozen=True)
class Item:
    """One report: about which attempt, under which lease, and its fields, not yet read."""

    key: str
    token: str
    fields: Fields


@dataclass(frozen=True)
class SyncMessage:
    epoch: int
    wait: int
    wanted: int
    capacity: dict[str, Any]
    stopping: frozenset[str]
    inputs_wanted: frozenset[str]
    models: list[dict[str, str]] | None
    attempts: list[Item]
    events: list[Item]
    logs: list[Item]
    usage: list[Item]
    digests: list[Fields]
    removed: list[Item]


def read_sync(raw: Mapping[str, Any]) -> SyncMessage:
    fields = Fields(raw, "")
    capacity = raw.get("capacity")
    return SyncMessage(
        epoch=fields.whole("epoch", least=1, most=2**62),
        wait=_optional(fields, "wait", most=25),
        wanted=_optional(fields, "wanted", most=100),
        capacity=dict(capacity) if isinstance(capacity, Mapping) and len(str(capacity)) < 200_000 else {},
        stopping=frozenset(key for key in _list(raw, "stopping") if isinstance(key, str)),
        inputs_wanted=frozenset(key for key in _list(raw, "inputs_wanted")[:MAX_ITEMS] if isinstance(key, str)),
        models=read_models(fields, "models") if raw.get("models") is not None else None,
        attempts=_items(fields, "attempts"),
        events=_items(fields, "events"),
        logs=_items(fields, "logs"),
        usage=_items(fields, "usage"),
        digests=_digests(fields),
        removed=_items(fields, "removed"),
    )


def read_models(fields: Fields, name: str) -> list[dict[str, str]]:
    """The models in a site's store: `[{"id", "revision"}]`."""
    found = fields.objects(name)
    if len(found) > 10_000:
        raise fields.error(name, "At most 10,000 models are expected.")
    return [
        {"id": model.safe_name("id"), "revision": model.text_or_none("revision", longest=128) or ""} for model in found
    ]


def read_state(fields: Fields) -> StateReport:
    raw = fields.raw
    result = raw.get("result")
    return StateReport(
        seq=fields.whole("seq", least=1, most=2**62),
        state=fields.choice("state", tuple(JobState)),
        native_id=_text(fields, "native_id", longest=100),
        started_at=_moment_or_none(fields, "started_at"),
        ended_at=_moment_or_none(fields, "ended_at"),
        exit_code=_whole_or_none(fields, "exit_code", most=2**31 - 1),
        signal=_whole_or_none(fields, "signal", most=2**31 - 1),
        hint_code=_text(fields, "hint_code", longest=40),
        sentence=_text(fields, "sentence", longest=2000),
        result=dict(result) if isinstance(result, Mapping) else {},
        manifest_signature=_text(fields, "manifest_signature", longest=100),
        manifest_key=_text(fields, "manifest_key", longest=16),
    )


def read_events(fields: Fields) -> list[Event]:
    """`{"events": [{"seq", "t", "type", …}]}`: lines of the runtime's events.jsonl as they are."""
    events = []
    for event in fields.objects("events"):
        data = {name: value for name, value in event.raw.items() if name not in ("seq", "t", "type")}
        if len(str(data)) > MAX_EVENT_BYTES:
            data = {"cut": True}
        events.append(
            Event(
                seq=event.whole("seq", least=1, most=2**62),
                at=_from_epoch(event, "t"),
                type=event.text("type", longest=20),
                data=data,
            )
        )
    if len(events) > MAX_ITEMS:
        raise fields.error("events", f"At most {MAX_ITEMS} events in one message are expected.")
    return events


def read_log(fields: Fields) -> LogPiece:
    return LogPiece(
        offset=fields.whole("offset", least=0, most=2**62), text=fields.text("text", longest=1_000_000, empty=True)
    )


def read_usage(fields: Fields) -> Usage:
    return Usage(
        cluster=fields.text("cluster", longest=60),
        native_id=fields.text("native_id", longest=100),
        started_at=_moment(fields, "started_at"),
        ended_at=_moment(fields, "ended_at"),
        # Signs are judged by the rules, so that a forged row gets its own name.
        gpus=_signed(fields, "gpus", most=2**15 - 1),
        gpu_seconds=_signed(fields, "gpu_seconds", most=2**62),
        cpu_seconds=_signed(fields, "cpu_seconds", most=2**62) if fields.raw.get("cpu_seconds") is not None else 0,
        energy_joules=_whole_or_none(fields, "energy_joules"),
        receipt_gpu_seconds=_whole_or_none(fields, "receipt_gpu_seconds"),
        method=fields.text("method", longest=12),
    )


def read_removal(fields: Fields) -> datetime:
    """When the site removed the data."""
    return _moment(fields, "at")


def read_digests(items: list[Fields]) -> list[Digest]:
    return [
        Digest(
            day=_day(fields, "day"),
            rows=fields.whole("rows", least=0, most=2**31 - 1),
            gpu_seconds=fields.whole("gpu_seconds", least=0, most=2**62),
            digest=fields.digest("digest"),
        )
        for fields in items
    ]


def _digests(fields: Fields) -> list[Fields]:
    found = fields.objects("digests") if fields.raw.get("digests") is not None else []
    if len(found) > MAX_DIGESTS:
        raise fields.error("digests", f"At most {MAX_DIGESTS} days in one message are expected.")
    return found


def _day(fields: Fields, name: str) -> date:
    try:
        return date.fromisoformat(fields.text(name, longest=10))
    except ValueError as error:
        raise fields.error(name, "A day is expected, such as 2026-11-21.") from error


def _items(fields: Fields, name: str) -> list[Item]:
    if fields.raw.get(name) is None:
        return []
    items = fields.objects(name)
    if len(items) > MAX_ITEMS:
        raise fields.error(name, f"At most {MAX_ITEMS} reports of a kind in one message are expected.")
    return [Item(key=item.text("key", longest=60), token=item.text("token", longest=64), fields=item) for item in items]


def _list(raw: Mapping[str, Any], name: str) -> list[Any]:
    value = raw.get(name)
    return value if isinstance(value, list) else []


def _optional(fields: Fields, name: str, *, most: int) -> int:
    return fields.whole(name, least=0, most=most) if fields.raw.get(name) is not None else 0


def _text(fields: Fields, name: str, *, longest: int) -> str:
    value = fields.raw.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise fields.error(name, "A text is expected.")
    return value[:longest]


def _whole_or_none(fields: Fields, name: str, *, most: int = 2**62) -> int | None:
    return _signed(fields, name, most=most) if fields.raw.get(name) is not None else None


def _signed(fields: Fields, name: str, *, most: int) -> int:
    return fields.whole(name, least=-most, most=most)


def _moment(fields: Fields, name: str) -> datetime:
    value = fields.text(name, longest=40)
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise fields.error(name, "A moment in ISO 8601 is expected.") from error


def _moment_or_none(fields: Fields, name: str) -> datetime | None:
    return _moment(fields, name) if fields.raw.get(name) is not None else None


def _from_epoch(fields: Fields, name: str) -> datetime:
    value = fields.take(name)
    try:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SpecError(fields.where(name), "Seconds since 1970 are expected.") from error
