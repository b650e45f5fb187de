"""What the end of a run means: the runtime's own word first, then how the process ended."""

from pathlib import Path
from typing import Any

from jobs.agent.backends.base import Ended, Status
from jobs.agent.files import read_json
from jobs.agent.work import WorkRefused
from models_hub.specs import Failure
from models_hub.specs.reasons import named

_MEANING = {
    Ended.TIME_LIMIT: "time_limit",
    Ended.OUT_OF_MEMORY: "out_of_memory",
    Ended.NOT_AFTER: "not_started_in_time",
    Ended.CANNOT_START: "program_missing",
    Ended.KILLED: "killed_too_often",
    Ended.SUSPENDED: "interrupted",
    Ended.ENDED_BY_SITE: "interrupted",
    Ended.REFUSED: "never_started",
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
            case "stopped":
                row = named(_MEANING[Ended.TIME_LIMIT if status.ended == Ended.TIME_LIMIT else Ended.SUSPENDED])
                return "failed", {**facts, "hint_code": row.hint, "sentence": row.sentence}
            case _:
                hint = str(result.get("hint_code") or Failure.INTERNAL)
                return "failed", {**facts, "hint_code": hint, "sentence": str(result.get("sentence") or "")}
    if cancelled or status.ended == Ended.CANCELLED:
        return "cancelled", facts
    failure = Failure.from_exit_code(status.exit_code or 0) or Failure.INTERNAL
    about = ended_as(_MEANING.get(status.ended, str(failure)) if status.ended else str(failure))
    if status.reason is not None:
        reason = status.reason
        said = {"reason": reason.code, "next_step": reason.next_step, "operator": reason.operator}
        about = {"hint_code": reason.hint_code, "sentence": reason.sentence, "result": said}
    detail = {"detail": status.detail} if status.detail else {}
    return "failed", {**facts, **about, "result": {**detail, **about["result"]}}


def ended_as(code: str) -> dict[str, Any]:
    """The facts of an attempt that ended badly for a reason of our table."""
    row = named(code)
    result = {"reason": row.code, "next_step": row.next_step, "operator": row.operator}
    return {"hint_code": row.hint, "sentence": row.sentence, "result": result}


def refused(refusal: WorkRefused) -> dict[str, Any]:
    """The facts of work that this site's own rules refuse, in the site's own sentence."""
    return {**ended_as(refusal.code), "sentence": refusal.sentence}


def _trimmed(result: dict[str, Any]) -> dict[str, Any]:
    """The samples travel in the artefacts; a report stays small."""
    if len(str(result)) <= _RESULT_LIMIT:
        return result
    return {name: value for name, value in result.items() if name not in ("samples", "data")}
