"""Where a key stands, from three witnesses: our journal of submissions, Ray's records, the wrapper's receipts.

Pure over what was read, so every combination can be tested without a cluster. Ray's records die with its head; the
receipts lie in the shared folder and outlive it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.agent.backends.base import Ended, Phase, Reason, Status
from jobs.agent.backends.folders import claims
from jobs.agent.backends.ray_reasons import (
    DIED,
    HEAD_LOST,
    MEMORY_WORDS,
    NEVER_STARTED,
    NODE_LOST,
    NODE_MEMORY,
    STOPPED,
    WRAPPER_KILLED,
    WRAPPER_SILENT,
)  # fmt: skip
from jobs.agent.backends.ray_rest import Held, RayJob, moment
from jobs.agent.backends.wrapper import END
from jobs.agent.files import read_json

# So long a receipt may take to be seen from here: shared file systems are not quick about new names.
RECEIPT_LAG = timedelta(seconds=5)
# So long the cluster may take to say when it took its GPUs back, before the receipt counts instead.
HELD_LAG = timedelta(seconds=10)
# What Ray says of a program that ended by itself, well or not.
_BY_ITSELF = ("", "JOB_ENTRYPOINT_COMMAND_ERROR")
# The shell's words for a program that it cannot start: then no receipt is to be waited for.
_NO_PROGRAM = (126, 127)
# Ends of which the wrapper knows best: it saw the process end, or ended it itself.
_RECEIPT_COUNTS = frozenset(
    {Ended.EXITED, Ended.CANCELLED, Ended.OUT_OF_MEMORY, Ended.NOT_AFTER, Ended.CANNOT_START, Ended.TIME_LIMIT}
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A claimed start, `runs/N`. `by_agent`: claimed by us, so that a cancelled job cannot begin any more."""

    number: int
    started_at: datetime
    seen_at: datetime
    end: dict[str, Any] | None
    by_agent: bool = False

    @property
    def ended_at(self) -> datetime:
        return datetime.fromisoformat(self.end["ended_at"]) if self.end else self.seen_at

    @property
    def seconds(self) -> int:
        """Whole seconds between the wrapper's first and last sign of life."""
        return max(0, int((self.ended_at - self.started_at).total_seconds()))


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One hand-over of a key. `job` is None when the cluster does not know it (any more)."""

    number: int
    native_id: str
    at: datetime
    job: RayJob | None
    held: Held | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    key: str
    refused: dict[str, Any] | None = None
    submissions: list[Submission] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    cancelled: bool = False
    lost_seconds: float = 60.0

    @property
    def number(self) -> int:
        return self.submissions[-1].number if self.submissions else 0

    def run_of(self, number: int) -> Run | None:
        return next((run for run in self.runs if run.number == number), None)

    @property
    def starts(self) -> list[Run]:
        return [run for run in self.runs if not run.by_agent]

    @property
    def patience(self) -> timedelta:
        return timedelta(seconds=self.lost_seconds)


def read_runs(job: Path) -> list[Run]:
    """The claimed starts of a job, oldest first."""
    found = []
    for one in claims(job):
        started = datetime.fromisoformat(one.start["started_at"])
        found.append(
            Run(
                number=one.number[0], started_at=started, end=read_json(one.path / END),
                seen_at=datetime.fromtimestamp(one.seen_at, started.tzinfo), by_agent=bool(one.start.get("agent")),
            )
        )  # fmt: skip
    return sorted(found, key=lambda run: run.number)


def settled(one: Submission, run: Run | None, *, at: datetime) -> bool:
    """Whether the cluster has said its last word: the end, and when it took its GPUs back."""
    if one.job is None or not one.job.terminal:
        return False
    age = at - moment(one.job.end_ms) if one.job.end_ms else HELD_LAG
    if run is None:
        return age > RECEIPT_LAG or one.job.exit_code in _NO_PROGRAM
    return run.by_agent or bool(one.held and one.held.end_ms) or age >= HELD_LAG


def spent(facts: Facts) -> bool:
    """Whether the newest submission's id has been used up without a start: the next hand-over needs another."""
    newest = facts.submissions[-1] if facts.submissions else None
    return bool(newest and newest.job is not None and newest.job.terminal)


def status_of(facts: Facts, *, at: datetime) -> Status:
    """Where the key stands now."""
    if facts.refused:
        return _refused(facts, facts.refused)
    if not facts.submissions:
        return Status(key=facts.key, phase=Phase.UNKNOWN)
    newest = facts.submissions[-1]
    run, job = facts.run_of(newest.number), newest.job
    about: dict[str, Any] = {
        "key": facts.key,
        "native_id": newest.native_id,
        "starts": len(facts.starts),
        "kills": _kills(facts),
        "started_at": facts.starts[0].started_at if facts.starts else None,
    }
    if run is not None and run.by_agent:
        return Status(phase=Phase.ENDED, **about, ended=Ended.CANCELLED, ended_at=run.ended_at)
    if job is None:
        return _forgotten(facts, run, about, at)
    if not job.terminal:
        return Status(phase=Phase.RUNNING if run else Phase.PENDING, **about)
    ended = moment(job.end_ms) if job.end_ms else at
    if not settled(newest, run, at=at) or (_owes_receipt(job, run) and at - ended < RECEIPT_LAG):
        return Status(phase=Phase.RUNNING if run else Phase.PENDING, **about)
    found = _with_receipt(facts, job, run) if run else _without_start(facts, job)
    if found["ended"] is None:
        return _again(facts, about)
    found = _counted(about, found)
    return Status(phase=Phase.ENDED, **{**about, "ended_at": ended, "exit_code": job.exit_code, **found})


def _owes_receipt(job: RayJob, run: Run | None) -> bool:
    """Whether the wrapper ended by itself and its receipt cannot be seen yet; one that was killed wrote none."""
    by_itself = job.status != "STOPPED" and job.error_type in _BY_ITSELF and (job.exit_code or 0) in range(128)
    return run is not None and run.end is None and by_itself


def _with_receipt(facts: Facts, job: RayJob, run: Run) -> dict[str, Any]:
    """How a start that was claimed has ended: the wrapper's word where it counts, then Ray's."""
    if run.end is not None:
        said = {name: run.end[name] for name in ("exit_code", "signal", "detail")}
        why = Ended(run.end["why"])
        # Ray's TERM goes to the training as well, which may die of it before the wrapper ends it.
        if why in _RECEIPT_COUNTS and not (job.status == "STOPPED" and said["signal"]):
            return {**said, "ended": why}
        return {**said, **_ended_by_ray(facts, job, otherwise=why)}
    return _ended_by_ray(facts, job, otherwise=Ended.KILLED)


def _ended_by_ray(facts: Facts, job: RayJob, *, otherwise: Ended) -> dict[str, Any]:
    detail = {"detail": f"Ray: {job.status} {job.error_type} {_brief(job.message)}".strip()}
    if any(words in job.message.lower() for words in MEMORY_WORDS) and job.error_type in DIED:
        return {"ended": Ended.OUT_OF_MEMORY, "reason": NODE_MEMORY, **detail}
    if job.status == "STOPPED":
        if facts.cancelled:
            return {"ended": Ended.CANCELLED, **detail}
        return {"ended": Ended.ENDED_BY_SITE, "reason": STOPPED, **detail}
    return {"ended": otherwise, "reason": NODE_LOST if job.error_type in DIED else WRAPPER_KILLED, **detail}


def _without_start(facts: Facts, job: RayJob) -> dict[str, Any]:
    """Ray has ended it, and no wrapper ever claimed it."""
    detail = {"detail": f"Ray: {job.status} {job.error_type} {_brief(job.message)}".strip()}
    if job.status == "STOPPED" or job.error_type in DIED:
        return _ended_by_ray(facts, job, otherwise=Ended.KILLED)
    if facts.cancelled:
        return {"ended": Ended.CANCELLED, **detail}
    meaning = NEVER_STARTED.get(job.error_type)
    if meaning is None:
        return {"ended": Ended.CANNOT_START, "reason": WRAPPER_SILENT, **detail}
    return {"ended": meaning.ended, "reason": meaning.reason, **detail}


def _forgotten(facts: Facts, run: Run | None, about: dict[str, Any], at: datetime) -> Status:
    """The cluster does not know the job: it was never handed over, or the head has died and taken all records along."""
    if run is None:
        return _again(facts, about)
    if run.end is not None and (why := Ended(run.end["why"])) in _RECEIPT_COUNTS:
        said = {name: run.end[name] for name in ("exit_code", "signal", "detail")}
        return Status(phase=Phase.ENDED, **about, ended_at=run.ended_at, ended=why, **said)
    if run.end is None and at - run.seen_at < facts.patience:
        return Status(phase=Phase.RUNNING, **about)
    found = _counted(about, {"ended": Ended.KILLED, "reason": HEAD_LOST, "detail": HEAD_LOST.sentence})
    return Status(phase=Phase.ENDED, **{**about, "ended_at": run.ended_at, **found})


def _again(facts: Facts, about: dict[str, Any]) -> Status:
    """To be handed over again: unknown where it never began, else waiting to go on from its last start."""
    if not facts.starts:
        return Status(phase=Phase.UNKNOWN, **about)
    return Status(phase=Phase.ENDED, **about, ended=Ended.SUSPENDED, ended_at=facts.starts[-1].ended_at)


def _kills(facts: Facts) -> int:
    """Earlier starts that ended from outside; they are bounded."""
    earlier = [run for run in facts.starts if run.number < facts.number]
    killed = sum(1 for run in earlier if run.end is None or run.end["why"] == Ended.KILLED)
    claimed = {run.number for run in facts.runs}
    died = [one for one in facts.submissions[:-1] if one.number not in claimed and one.job is not None]
    return killed + sum(1 for one in died if one.job and one.job.error_type in DIED)


def _counted(about: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "kills": about["kills"] + (found["ended"] == Ended.KILLED)}


def _brief(text: str) -> str:
    """What happened stands in the first line, the program's own last words in the last."""
    lines = [line.strip()[:300] for line in text.splitlines() if line.strip()]
    return " … ".join(dict.fromkeys([*lines[:1], *lines[-1:]]))


def _refused(facts: Facts, refused: dict[str, Any]) -> Status:
    """Never handed over: it was too late, or the cluster cannot run it."""
    reason = Reason(**refused["reason"]) if refused.get("reason") else None
    return Status(
        key=facts.key, phase=Phase.ENDED, native_id=facts.key, starts=len(facts.starts),
        ended=Ended(refused["ended"]), ended_at=datetime.fromisoformat(refused["at"]),
        detail=str(refused.get("said", "")), reason=reason,
    )  # fmt: skip
