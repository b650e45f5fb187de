"""What the end of a run means: the runtime's own word first, then how the process ended."""

from pathlib import Path
from typing import Any

from jobs.agent.backends.base import Ended, Status
from jobs.agent.files import read_json
from models_hub.specs import Failure

_MEANING = {
    Ended.TIME_LIMIT: (Failure.TIME_LIMIT, Failure.TIME_LIMIT.sentence),
    Ended.OUT_OF_MEMORY: (Failure.OUT_OF_MEMORY, Failure.OUT_OF_MEMORY.sentence),
    Ended.NOT_AFTER: ("not_started_in_time", "The job waited at the site until its latest start had passed."),
    Ended.CANNOT_START: (Failure.INTERNAL, "The site could not start the training program."),
    Ended.KILLED: ("interrupted", "The run was ended from outside again and again."),
    Ended.SUSPENDED: ("interrupted", "The run was ended from outside."),
    Ended.ENDED_BY_SITE: ("interrupted", "The site ended the run."),
    Ended.REFUSED: ("never_started", "The site's scheduler did not take the job."),
}
_RESULT_LIMIT = 1_000_000


def outcome(status: Status, out: Path, *, cancelled: bool) -> tuple[str, dict[str, Any]]:
    """The final state and the facts that go with it."""
    result = read_json(out / "result.json")
    facts: dict[str, Any] = {
        "started_at": status.started_at.isoformat() if status.started_at else None,
        "ended_at": status.ended_at.isoformat() if status.ended_at else None,
        "exit_code": status.exit_code,
        "signal": status.signal,
    }
    if isinstance(result, dict) and result.get("state"):
        facts["result"] = _trimmed(result)
        match result["state"]:
            case "succeeded":
                return "done", facts
            case "stopped" if cancelled:
                return "cancelled", facts
            case "stopped" if status.ended == Ended.TIME_LIMIT:
                hint_code, sentence = _MEANING[Ended.TIME_LIMIT]
                return "failed", {**facts, "hint_code": str(hint_code), "sentence": sentence}
            case "stopped":
                return "failed", {**facts, "hint_code": "interrupted", "sentence": _MEANING[Ended.SUSPENDED][1]}
            case _:
                hint = str(result.get("hint_code") or Failure.INTERNAL)
                return "failed", {**facts, "hint_code": hint, "sentence": str(result.get("sentence") or "")}
    if cancelled or status.ended == Ended.CANCELLED:
        return "cancelled", facts
    if status.ended in _MEANING:
        hint_code, sentence = _MEANING[status.ended]
    else:
        failure = Failure.from_exit_code(status.exit_code or 0) or Failure.INTERNAL
        hint_code, sentence = failure, failure.sentence
    if status.detail:
        facts["result"] = {"detail": status.detail}
    if status.reason is not None:
        hint_code, sentence = status.reason.hint_code, status.reason.sentence
        said = {"reason": status.reason.code, "next_step": status.reason.next_step, "operator": status.reason.operator}
        facts["result"] = {**facts.get("result", {}), **said}
    return "failed", {**facts, "hint_code": str(hint_code), "sentence": sentence}


def _trimmed(result: dict[str, Any]) -> dict[str, Any]:
    """The samples travel in the artefacts; a report stays small."""
    if len(str(result)) <= _RESULT_LIMIT:
        return result
    return {name: value for name, value in result.items() if name not in ("samples", "data")}
