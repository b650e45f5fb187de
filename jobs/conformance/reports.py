"""Taking in one `sync` message as an honest portal does, and the few things a script may do otherwise."""

from typing import TYPE_CHECKING, Any

from jobs.conformance.work import Job

if TYPE_CHECKING:
    from jobs.conformance.desk import Desk


def take(desk: "Desk", message: dict[str, Any]) -> dict[str, Any]:
    """The first half of the answer: what is acknowledged, missing, refused and closed."""
    acks: dict[str, Any] = {"attempts": {}, "events": {}, "logs": {}, "usage": []}
    answer: dict[str, Any] = {"acks": acks, "gaps": {"events": {}}, "refused": [], "closed": []}
    takers = {"events": _events, "logs": _log, "usage": _usage, "attempts": _state}
    for kind, taker in takers.items():
        for item in _objects(message, kind):
            job = desk.jobs.get(str(item.get("key")))
            refused = _objection(job, item, kind)
            if job is None or refused:
                answer["refused"].append(
                    {"kind": kind, "key": str(item.get("key")), "id": str(item.get("id", "")), "code": refused,
                     "detail": "The conformance kit says so."}
                )  # fmt: skip
                continue
            taker(desk, job, item, answer)
    acks["removed"] = [key for row in _objects(message, "removed") if (key := _removed(desk, row))]
    desk.digests += _objects(message, "digests")
    return answer


def wishes(desk: "Desk", message: dict[str, Any]) -> list[str]:
    """Attempts somebody wants stopped, said until the agent has taken note."""
    noted = message.get("stopping") or ()
    return [
        job.key for job in desk.jobs.values() if job.cancel and job.handed and not job.final and job.key not in noted
    ]


def wish(desk: "Desk", message: dict[str, Any], answer: dict[str, Any]) -> None:
    """What only agents are told that know it."""
    if "drain" in desk.features:
        answer["drain"] = desk.drain
    if "reconciliation" in desk.features:
        answer["usage_wanted"] = list(desk.usage_wanted)
        desk.usage_wanted.clear()
    if "signed_inputs" in desk.features:
        wanted = [desk.jobs[key] for key in message.get("inputs_wanted") or () if key in desk.jobs]
        answer["inputs"] = {job.key: desk.fresh_inputs(job) for job in wanted}


def _objects(message: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = message.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _objection(job: Job | None, item: dict[str, Any], kind: str) -> str:
    if job is None:
        return "attempt_unknown"
    if item.get("token") != job.token:
        return "stale_lease"
    if job.refused and job.refused[0] == kind:
        return job.refused[1]
    return ""


def _state(desk: "Desk", job: Job, item: dict[str, Any], answer: dict[str, Any]) -> None:
    seq, state = item.get("seq"), item.get("state")
    if isinstance(seq, int) and seq > max((report["seq"] for report in job.reports), default=0) and not job.final:
        job.reports.append(dict(item))
    closed = (job.final and not job.kept_open) or job.closed_at_once
    if closed:
        answer["closed"].append(job.key)
    if state not in job.withheld and not (job.closed_at_once and not job.final):
        job.acked = max(job.acked, seq if isinstance(seq, int) else 0)
    if job.acked:
        answer["acks"]["attempts"][job.key] = job.acked


def _events(desk: "Desk", job: Job, item: dict[str, Any], answer: dict[str, Any]) -> None:
    for event in _objects(item, "events"):
        if isinstance(event.get("seq"), int):
            job.events.setdefault(event["seq"], event)
    whole = job.whole_events()
    missing = desk.events_asked.pop(job.key, None)
    if missing is not None:
        # As if these had never arrived.
        last = max(job.events, default=0)
        job.events = {seq: event for seq, event in job.events.items() if seq <= missing}
        answer["gaps"]["events"][job.key] = [[missing + 1, last]]
        whole = missing
    answer["acks"]["events"][job.key] = whole


def _log(desk: "Desk", job: Job, item: dict[str, Any], answer: dict[str, Any]) -> None:
    if isinstance(item.get("offset"), int) and isinstance(item.get("text"), str):
        job.log.setdefault(item["offset"], item["text"].encode())
    position = len(job.whole_log())
    back = desk.log_asked.pop(job.key, None)
    if back is not None:
        kept = job.whole_log()[:back]
        job.log = {0: kept} if kept else {}
        position = len(kept)
    answer["acks"]["logs"][job.key] = position


def _usage(desk: "Desk", job: Job, item: dict[str, Any], answer: dict[str, Any]) -> None:
    job.usage_said.append(dict(item))
    job.usage.setdefault(str(item.get("started_at")), dict(item))
    if desk.acknowledge_usage:
        answer["acks"]["usage"].append(str(item.get("id", "")))


def _removed(desk: "Desk", row: dict[str, Any]) -> str:
    job = desk.jobs.get(str(row.get("key")))
    if job is None or row.get("token") != job.token:
        return ""
    job.removed.append(dict(row))
    return job.key if desk.acknowledge_removal else ""
