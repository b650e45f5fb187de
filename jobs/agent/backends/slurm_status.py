"""Where a key stands, from three witnesses: our journal of submissions, Slurm's rows, the wrapper's receipts.

Pure over what was read, so every combination can be tested without a cluster.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.agent.backends.base import Ended, Phase, Reason, Status
from jobs.agent.backends.folders import claims
from jobs.agent.backends.slurm_reasons import ENDS, LOST, MEMORY_WORDS, WRAPPER_SILENT
from jobs.agent.backends.slurm_rows import NOBODY, PAST, SlurmJob
from jobs.agent.backends.wrapper import END
from jobs.agent.files import read_json

# So long the accounting may lag behind the controller before the controller's own word counts.
ACCOUNTING_LAG = timedelta(seconds=15)
# So long a receipt may take to be seen from here: file systems of clusters are not quick about new names.
RECEIPT_LAG = timedelta(seconds=5)
# Ends of which the wrapper knows best: it saw the process end, or ended it itself.
_RECEIPT_COUNTS = frozenset(
    {Ended.EXITED, Ended.CANCELLED, Ended.OUT_OF_MEMORY, Ended.NOT_AFTER, Ended.CANNOT_START, Ended.TIME_LIMIT}
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A claimed start: `runs/N`, or `runs/N.R` where Slurm itself started the same job again."""

    number: int
    restart: int
    job_id: str
    started_at: datetime
    seen_at: datetime
    end: dict[str, Any] | None

    @property
    def seconds(self) -> int:
        """Whole seconds between the wrapper's first and last receipt."""
        end = datetime.fromisoformat(self.end["ended_at"]) if self.end else self.seen_at
        return max(0, int((end - self.started_at).total_seconds()))


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything known of a key. `journal` is the content of slurm.json."""

    key: str
    journal: dict[str, Any]
    rows: list[SlurmJob] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    cancelled: bool = False
    goes_on: bool = False
    lost_seconds: float = 600.0
    said: str = ""  # the end of what Slurm itself wrote into the job's output

    @property
    def submissions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.journal.get("submissions", [])
        return found

    @property
    def number(self) -> int:
        return int(self.submissions[-1]["number"]) if self.submissions else 0

    @property
    def newest_run(self) -> Run | None:
        """The last start of the newest submission."""
        return next((run for run in reversed(self.runs) if run.number == self.number), None)

    def of_newest(self) -> list[SlurmJob]:
        """Rows of the newest submission. Once it is claimed: of the job that claimed it, and not of a second copy."""
        run = self.newest_run
        if run is not None:
            return [row for row in self.rows if row.native_id == run.job_id]
        others = {other.job_id for other in self.runs} | {str(one["native_id"]) for one in self.submissions[:-1]}
        return [row for row in self.rows if row.native_id not in others]


def read_runs(job: Path) -> list[Run]:
    """The claimed starts of a job, oldest first."""
    found = []
    for one in claims(job):
        number, restart = one.number
        started = datetime.fromisoformat(one.start["started_at"])
        found.append(
            Run(
                number=number, restart=restart, job_id=str(one.start.get("job_id", "")),
                started_at=started, seen_at=datetime.fromtimestamp(one.seen_at, started.tzinfo),
                end=read_json(one.path / END),
            )
        )  # fmt: skip
    return sorted(found, key=lambda run: (run.number, run.restart))


def merged(queue: list[SlurmJob], accounting: list[SlurmJob], *, at: datetime, waiting: bool) -> list[SlurmJob]:
    """One row a start. The accounting's word counts; the controller's where the accounting has none (yet).

    `waiting`: the accounting answers, so a job that has just ended is given a moment to arrive there.
    """
    # Who still runs, the controller says. An unfinished line of the accounting is late, or a runaway: a job of which
    # a controller that died has forgotten everything.
    rows = [row for row in accounting if row.final or row.state in PAST]
    for row in queue:
        if not row.final:
            rows.append(row)
            continue
        last = max((one.ended_at for one in rows if one.native_id == row.native_id and one.ended_at), default=None)
        if last is not None and (row.started_at is None or last >= row.started_at):
            continue
        if waiting and row.ran and row.ended_at and at - row.ended_at < ACCOUNTING_LAG:
            row = replace(row, state="COMPLETING", ended_at=None)
        rows.append(row)
    return sorted(rows, key=lambda row: (row.started_at or at, int(row.native_id) if row.native_id.isdigit() else 0))


def status_of(facts: Facts, *, at: datetime) -> Status:
    """Where the key stands now."""
    refused = facts.journal.get("refused")
    if refused:
        return _refused(facts, refused)
    if not facts.submissions:
        return Status(key=facts.key, phase=Phase.UNKNOWN)
    rows, run = facts.of_newest(), facts.newest_run
    about = _about(facts, rows)
    live = next((row for row in rows if not row.final and row.state not in PAST), None)
    if live is not None:
        # Slurm's RUNNING begins before the wrapper has claimed the start, and that before anything is seen of it.
        claimed = run is not None and run.restart >= live.restarts and not live.waiting
        return Status(phase=Phase.RUNNING if claimed else Phase.PENDING, **about)
    if not rows:
        return _without_rows(facts, run, about, at)
    row = rows[-1]
    by_itself = row.state in ("COMPLETED", "FAILED")
    if (run is None or run.end is None) and by_itself and row.ended_at and at - row.ended_at < RECEIPT_LAG:
        return Status(phase=Phase.RUNNING if run else Phase.PENDING, **about)
    return Status(phase=Phase.ENDED, **{**about, **_end(facts, row, run)})


def _about(facts: Facts, rows: list[SlurmJob]) -> dict[str, Any]:
    native = rows[-1].native_id if rows else str(facts.submissions[-1].get("native_id") or "")
    began = [row.started_at for row in facts.rows if row.started_at and not row.waiting]
    return {
        "key": facts.key,
        "native_id": native,
        "starts": len(facts.runs) or int(any(row.ran for row in facts.rows)),
        "kills": _kills(facts),
        "started_at": facts.runs[0].started_at if facts.runs else min(began, default=None),
    }


def _kills(facts: Facts) -> int:
    """Earlier starts that ended from outside and not by the rules: they are bounded, preemptions are not."""
    gentle = {row.native_id for row in facts.rows if row.state in ("PREEMPTED", *PAST)}
    earlier = [run for run in facts.runs if run is not facts.newest_run]
    killed = sum(1 for run in earlier if (run.end["why"] == Ended.KILLED if run.end else run.job_id not in gentle))
    claimed = {run.number for run in facts.runs}
    return killed + sum(1 for one in facts.submissions[:-1] if one["number"] not in claimed)


def _end(facts: Facts, row: SlurmJob, run: Run | None) -> dict[str, Any]:
    """How the newest start ended: memory first, then the wrapper's word where it counts, then Slurm's."""
    receipt = run.end if run else None
    meaning = ENDS.get(row.state, ENDS["FAILED"])
    why = Ended(receipt["why"]) if receipt else None
    found: dict[str, Any] = {
        "ended_at": row.ended_at,
        "exit_code": receipt["exit_code"] if receipt else row.exit_code if row.ran and not row.signal else None,
        "signal": receipt["signal"] if receipt else row.signal or None,
        "detail": _detail(row, receipt),
    }
    if meaning.ended == Ended.OUT_OF_MEMORY or (why in (None, Ended.KILLED) and _of_memory(facts.said)):
        return {**found, "ended": Ended.OUT_OF_MEMORY, "reason": ENDS["OUT_OF_MEMORY"].reason}
    if why in _RECEIPT_COUNTS:
        return {**found, "ended": why}
    if row.state == "CANCELLED" and facts.cancelled:
        return {**found, "ended": Ended.CANCELLED}
    if row.state == "TIMEOUT" and facts.goes_on:
        return {**found, "ended": Ended.SUSPENDED}
    if row.state == "DEADLINE" and run is not None:
        return {**found, "ended": Ended.TIME_LIMIT, "reason": ENDS["TIMEOUT"].reason}
    if run is None and (row.state == "COMPLETED" or row.turned_away):
        # A node refuses a number that it knows ("Duplicate jobid"), which a controller that was killed may give twice.
        # Slurm then says that all went well, or that root has cancelled the job, and takes the node out.
        return _killed(facts, {**found, "ended": Ended.KILLED, "reason": ENDS["BOOT_FAIL"].reason})
    if meaning.ended is not None:
        return _killed(facts, {**found, "ended": meaning.ended, "reason": meaning.reason})
    if run is None:
        return {**found, "ended": Ended.CANNOT_START, "reason": WRAPPER_SILENT}
    return _killed(facts, {**found, "ended": why or Ended.KILLED})


def _of_memory(said: str) -> bool:
    return any(words in said.lower() for words in MEMORY_WORDS)


def _killed(facts: Facts, found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "kills": _kills(facts) + 1} if found["ended"] == Ended.KILLED else found


def _detail(row: SlurmJob, receipt: dict[str, Any] | None) -> str:
    by = f" by user {row.by_uid}" if row.by_uid not in (None, NOBODY) else ""
    reason = f", {row.reason}" if row.reason and row.reason != "None" else ""
    words = f"Slurm job {row.native_id}: {row.state}{by}{reason}, on {row.nodes or 'no node'}."
    return f"{words} {receipt['detail']}".strip() if receipt else words


def _without_rows(facts: Facts, run: Run | None, about: dict[str, Any], at: datetime) -> Status:
    """Neither controller nor accounting knows the job: not yet, or not any more. The receipts speak, after a while."""
    patience = timedelta(seconds=facts.lost_seconds)
    if run is None:
        newest = facts.submissions[-1]
        since = at - datetime.fromisoformat(newest["at"])
        if newest.get("native_id") and facts.cancelled and since >= RECEIPT_LAG:
            # Slurmrestd of 24.11 takes a waiting task out of its array without a trace. No copy could begin any more.
            words = f"Slurm job {newest['native_id']}: left the queue without a start."
            return Status(phase=Phase.ENDED, ended=Ended.CANCELLED, ended_at=at, detail=words, **about)
        waits = newest.get("native_id") and since < patience
        # Unknown means: hand it over again, under the same number. Should the first copy turn up, one claim stands.
        return Status(phase=Phase.PENDING if waits else Phase.UNKNOWN, **about)
    last = datetime.fromisoformat(run.end["ended_at"]) if run.end else run.seen_at
    if at - last < patience:
        return Status(phase=Phase.RUNNING, **about)
    end = run.end or {"why": Ended.KILLED, "exit_code": None, "signal": None, "detail": LOST.sentence}
    why = Ended(end["why"])
    found = {
        "ended_at": last, "ended": why, "exit_code": end["exit_code"], "signal": end["signal"], "detail": end["detail"],
        "reason": LOST if why == Ended.KILLED else None,
    }  # fmt: skip
    return Status(phase=Phase.ENDED, **{**about, **_killed(facts, found)})


def _refused(facts: Facts, refused: dict[str, Any]) -> Status:
    """Never handed over: it was too late, or Slurm said no for good."""
    reason = Reason(**refused["reason"]) if refused.get("reason") else None
    return Status(
        key=facts.key, phase=Phase.ENDED, native_id=facts.key, starts=len(facts.runs), ended=Ended(refused["ended"]),
        ended_at=datetime.fromisoformat(refused["at"]), detail=str(refused.get("said", "")), reason=reason,
    )  # fmt: skip
