"""Work through Slurm, by its command line: sbatch, squeue, sacct, scancel, sinfo.

The agent holds nothing in memory that matters. Of each key three witnesses remain: the journal of what we handed over,
Slurm's own rows, and the receipts that the wrapper writes on the node (slurm_start). A submission has a number; it is
written down before sbatch is called, looked for by its name afterwards, and claimed by whichever copy of it starts
first, so that an agent killed at any line never makes a job run twice.

    <shared>/jobs/<key>/slurm.json order.json data/ out/ log slurm.out runs/<n>[.<r>]/…    removed after the job
    <work>/usage/<key>.json                                                               kept: what was metered
"""

import logging
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar

from jobs.agent.backends.base import RESUMABLE, Ended, Order, Phase, Status, UsageRow
from jobs.agent.backends.folders import JobFolders, training_command, training_environment
from jobs.agent.backends.slurm_capacity import capacity
from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import SlurmTrouble, hopeless
from jobs.agent.backends.slurm_rows import PAST, SlurmJob
from jobs.agent.backends.slurm_status import Facts, merged, read_runs, status_of
from jobs.agent.backends.slurm_usage import metered
from jobs.agent.backends.wrapper import CANCEL, ORDER, OVERTIME, RUNS
from jobs.agent.config import Config
from jobs.agent.files import read_json, write_json

logger = logging.getLogger(__name__)

JOURNAL, OUTPUT = "slurm.json", "slurm.out"
# Beyond the grace the wrapper ends what does not stop; beyond this too, Slurm is asked to.
_WRAPPER_SECONDS = 30.0


class SlurmBackend(JobFolders):
    code: ClassVar[str] = "slurm"
    keeps_jobs: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        self.options = SlurmOptions.read(config)
        shared = self.options.folder or config.work
        self.folder, self.store, self.receipts = shared / "jobs", config.store, config.work / "usage"
        self.command = list(self.options.command) or [self.options.python, "-m", "models_hub.training"]
        self.slurm = Slurm(self.options)
        self.accounting_trouble: SlurmTrouble | None = None
        self._accounts: dict[str, tuple[float, list[SlurmJob]]] = {}
        self._described: dict[str, Any] = {}
        for path in (self.folder, self.receipts):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    # ---- the verbs -----------------------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """What the site has. While Slurm is away: what it had, with nothing free, and the trouble by name."""
        try:
            self._described = capacity(self.slurm)
        except SlurmTrouble as trouble:
            nothing = {"gpus_free": 0, "room": 0, "trouble": trouble.as_json()}
            return {**capacity(None), **self._described, **nothing}
        late = self.accounting_trouble
        return {**self._described, **({"trouble": late.as_json()} if late else {})}

    def submit(self, order: Order) -> str:
        self.slurm.forget()
        facts = self._facts([order.key])[order.key]
        status = status_of(facts, at=_now())
        if status.phase in (Phase.RUNNING, Phase.PENDING):
            self._remember(facts, status.native_id)
            return status.native_id
        if status.phase == Phase.ENDED and status.ended not in RESUMABLE:
            return status.native_id
        if _now() > order.not_after and not facts.runs:
            return self._refuse(facts, Ended.NOT_AFTER)
        number = facts.number if status.phase == Phase.UNKNOWN and facts.number else facts.number + 1
        job = self._job(order.key)
        for name in ("data", "out", RUNS):
            (job / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        minutes, goes_on = self._minutes(order, facts)
        write_json(job / "spec.json", order.spec.to_json())
        write_json(job / ORDER, self._order(order, job, facts, goes_on=goes_on))
        # Written down before it is true: whoever reads this without an id looks for the job by its name.
        self._write_down(facts, number, None)
        try:
            native = self.slurm.sbatch(self.words(order, number, minutes), self.script(job, number))
        except SlurmTrouble as trouble:
            if trouble.refused:
                return self._refuse(facts, Ended.REFUSED, trouble)
            raise
        self._write_down(facts, number, native)
        return native

    def poll(self, keys: Sequence[str]) -> dict[str, Status]:
        found = {}
        for key, facts in self._facts(keys).items():
            self._take_back(facts)
            found[key] = status_of(facts, at=_now())
        return found

    def cancel(self, key: str, grace: float) -> None:
        """What waits leaves the queue. What runs is asked by its wrapper, which ends it after the grace."""
        if not self._known(key):
            return
        wish = read_json(self._job(key) / CANCEL) or {}
        if wish.get("grace") != grace:
            wish = {"grace": grace, "at": _now().isoformat()}
            write_json(self._job(key) / CANCEL, wish)
        waiting = [row.native_id for row in self._live(key) if row.waiting]
        if waiting:
            # Only while they wait: one that has just started is left to its wrapper.
            self.slurm.scancel("--state=PENDING", *waiting)
        running = [row.native_id for row in self._live(key) if not row.waiting]
        last = datetime.fromisoformat(wish["at"]) + timedelta(seconds=grace * 1.5 + _WRAPPER_SECONDS)
        if running and _now() > last:
            self.slurm.scancel(*running)

    def usage(self, keys: Sequence[str]) -> list[UsageRow]:
        found = []
        for key, facts in self._facts(keys).items():
            gpus = int(self._order_of(key).get("gpus", 1))
            found += metered(self.receipts / f"{key}.json", facts, gpus=gpus, at=_now())
        return found

    def suspend(self, key: str) -> None:
        """Nothing: Slurm keeps its jobs while the agent is away, and they write their receipts without it."""

    def wipe(self, key: str) -> None:
        """The data goes, and with it a second copy that may still wait in the queue."""
        if self._known(key):
            self.usage([key])
            left = [row.native_id for row in self._live(key)]
            if left:
                self.slurm.scancel(*left)
            self._remove(key)

    # ---- what Slurm is told --------------------------------------------------------------------------------------

    def words(self, order: Order, number: int, minutes: int) -> list[str]:
        """The options of sbatch for this order. Nothing secret: comments and scripts are kept in the accounting."""
        options, job = self.options, self._job(order.key)
        expires = max(0, math.ceil((order.not_after - _now()).total_seconds() / 60)) + minutes + 1
        gpu = f"gpu:{options.gpu_type}:{order.gpus}" if options.gpu_type else f"gpu:{order.gpus}"
        wanted = {
            "job-name": options.prefix + order.key,
            "comment": f"open-paas {order.key} {number}",
            # Two copies of one key run one after the other, and the second finds the first one's claim.
            "dependency": "singleton",
            "chdir": str(job),
            "output": str(job / OUTPUT),
            "open-mode": "append",
            "time": str(minutes),
            "deadline": f"now+{expires}minutes",
            "signal": f"B:USR1@{options.signal_seconds}" if options.signal_seconds else "",
            "nodes": "1",
            "gres": gpu if order.gpus else "",
            "partition": options.partition,
            "account": options.account_for(order.tenant),
            "qos": options.qos,
            "cpus-per-task": str(options.cpus_per_gpu * max(1, order.gpus)) if options.cpus_per_gpu else "",
            "mem": f"{options.memory_gb_per_gpu * max(1, order.gpus)}G" if options.memory_gb_per_gpu else "",
        }
        # No requeue: Slurm would start the training anew without asking whether the first start still lives.
        return ["--no-requeue", *(f"--{name}={value}" for name, value in wanted.items() if value), *options.extra]

    def script(self, job: Path, number: int) -> str:
        options = self.options
        start = f"{quote(options.python)} -m jobs.agent.backends.slurm_start {quote(str(job))} {number}"
        lines = ["#!/bin/sh", *options.setup, f"export PYTHONPATH={quote(options.code)}", f"exec {start}"]
        return "\n".join(lines) + "\n"

    def _minutes(self, order: Order, facts: Facts) -> tuple[int, bool]:
        """Slurm's time limit, and whether the training needs further jobs after this one.

        Room beyond the run's own time is for the runtime, which ends itself, and for the warning before the limit.
        """
        needed = self._seconds_left(order, facts) + OVERTIME + self.options.signal_seconds + 60
        minutes = max(1, math.ceil(needed / 60))
        most = self.options.max_minutes
        return (most, True) if most and minutes > most else (minutes, False)

    def _seconds_left(self, order: Order, facts: Facts) -> float:
        held = sum(row.elapsed for row in facts.rows if row.ran)
        return max(0.0, order.max_seconds - held)

    def _order(self, order: Order, job: Path, facts: Facts, *, goes_on: bool) -> dict[str, Any]:
        environment = training_environment(job, code=Path(self.options.code), threads=self.options.threads)
        return {
            "command": training_command(self.command, job, store=self.store),
            "environment": {**environment, **dict(self.options.environment)},
            "cwd": str(job),
            "out": str(job / "out"),
            "gpus": order.gpus,
            "seconds_left": self._seconds_left(order, facts),
            "memory_bytes": 0,  # Slurm holds the job to its memory
            "not_after": order.not_after.astimezone(UTC).isoformat(),
            "goes_on": goes_on,
        }

    # ---- what is known -------------------------------------------------------------------------------------------

    def _facts(self, keys: Sequence[str]) -> dict[str, Facts]:
        journals = {key: read_json(self._job(key) / JOURNAL) or {} for key in keys}
        rows = self._rows({key: journal for key, journal in journals.items() if journal.get("submissions")})
        return {
            key: Facts(
                key=key, journal=journal, rows=rows.get(key, []), runs=read_runs(self._job(key)),
                cancelled=(self._job(key) / CANCEL).exists(), goes_on=bool(self._order_of(key).get("goes_on")),
                lost_seconds=self.options.lost_seconds, said=_tail(self._job(key) / OUTPUT),
            )
            for key, journal in journals.items()
        }  # fmt: skip

    def _rows(self, journals: dict[str, dict[str, Any]]) -> dict[str, list[SlurmJob]]:
        """Slurm's rows of these keys: the queue for all, the accounting for those that are not simply running."""
        if not journals:
            return {}
        queue = self.slurm.queue()
        names = {key: self.options.prefix + key for key in journals}
        asked = [key for key, name in names.items() if _needs_accounting(queue.get(name, []))]
        accounts = self._accounting(asked, journals)
        return {
            key: merged(queue.get(name, []), accounts.get(key, []), at=_now(), waiting=not self.accounting_trouble)
            for key, name in names.items()
        }

    def _accounting(self, keys: list[str], journals: dict[str, dict[str, Any]]) -> dict[str, list[SlurmJob]]:
        """What sacct says; each key is asked for once in `poll_seconds`, and no more once all its starts have ended."""
        now = time.monotonic()
        due = [key for key in keys if now - self._accounts.get(key, (-1e9, []))[0] >= self.options.poll_seconds]
        if due:
            since = min(datetime.fromisoformat(journals[key]["submissions"][0]["at"]) for key in due)
            try:
                found = self.slurm.accounting([self.options.prefix + key for key in due], since)
                self.accounting_trouble = None
            except SlurmTrouble as trouble:
                if self.accounting_trouble is None:
                    logger.warning("%s", trouble)
                self.accounting_trouble = trouble
                found = {}
            for key in due:
                rows = found.get(self.options.prefix + key)
                if rows is not None or self.accounting_trouble is None:
                    self._accounts[key] = (now, rows or [])
        return {key: self._accounts[key][1] for key in keys if key in self._accounts}

    def _live(self, key: str) -> list[SlurmJob]:
        rows = self.slurm.queue().get(self.options.prefix + key, [])
        return [row for row in rows if not row.final and row.state not in PAST]

    def _take_back(self, facts: Facts) -> None:
        """A job that waits for what will never come leaves the queue, and ends with that reason."""
        waiting = [row for row in facts.of_newest() if row.waiting and not facts.runs] if facts.submissions else []
        for row in waiting:
            reason = hopeless(row.reason)
            if reason is not None:
                self.slurm.scancel("--state=PENDING", row.native_id)
                self._refuse(facts, Ended.REFUSED, SlurmTrouble(reason, f"it waits: {row.reason}", refused=True))
                facts.journal.update(read_json(self._job(facts.key) / JOURNAL))

    # ---- the journal ---------------------------------------------------------------------------------------------

    def _write_down(self, facts: Facts, number: int, native: str | None) -> None:
        others = [one for one in facts.submissions if one["number"] != number]
        this = {"number": number, "at": _now().isoformat(), "native_id": native}
        self._accounts.pop(facts.key, None)
        write_json(self._job(facts.key) / JOURNAL, {**facts.journal, "submissions": [*others, this]})

    def _remember(self, facts: Facts, native: str) -> None:
        """A submission whose id was never written down has been found by its name."""
        newest = facts.submissions[-1]
        if native and not newest.get("native_id"):
            logger.info("Attempt %s: found again as Slurm job %s.", facts.key, native)
            self._write_down(facts, newest["number"], native)

    def _refuse(self, facts: Facts, ended: Ended, trouble: SlurmTrouble | None = None) -> str:
        job = self._job(facts.key)
        job.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = {"reason": trouble.reason.__dict__, "said": trouble.said} if trouble else {}
        refused = {"ended": str(ended), "at": _now().isoformat(), **said}
        write_json(job / JOURNAL, {**facts.journal, "refused": refused})
        logger.warning("Attempt %s: not handed over: %s", facts.key, trouble or ended)
        return facts.key


def _needs_accounting(queue: list[SlurmJob]) -> bool:
    """The controller alone says enough of a job that waits or runs for the first time."""
    return not queue or any(row.final or row.restarts for row in queue) or len(queue) > 1


def _tail(path: Path, most: int = 2000) -> str:
    """The end of the job's own output: only the job script and Slurm write there, the training has its log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - most))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _now() -> datetime:
    return datetime.now(UTC)
