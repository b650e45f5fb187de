"""Work through Slurm, by its command line: sbatch, squeue, sacct, scancel, sinfo.

The agent holds nothing in memory that matters. Of each key three witnesses remain: the journal of what we handed over,
Slurm's own rows, and the receipts that the wrapper writes on the node (slurm_start). A submission has a number; it is
written down before sbatch is called, looked for by its name afterwards, and claimed by whichever copy of it starts
first, so that an agent killed at any line never makes a job run twice.

    <shared>/jobs/<key>/slurm.json order.json data/ … log slurm.out runs/<n>[.<r>]/…    removed after the job
    <shared>/sweeps/<array>/…                                                         removed after the last of its jobs
    <work>/usage/<key>.json                                                            kept: what was metered
"""

import logging
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from jobs.agent.backends.base import RESUMABLE, Ended, Order, Phase, Status, UsageRow
from jobs.agent.backends.folders import JobFolders, training_environment
from jobs.agent.backends.slurm_budget import Budgets
from jobs.agent.backends.slurm_capacity import capacity
from jobs.agent.backends.slurm_container import Images
from jobs.agent.backends.slurm_forecast import Forecast
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_partitions import measured, silent
from jobs.agent.backends.slurm_reasons import SHARED, SlurmTrouble, hopeless
from jobs.agent.backends.slurm_rest import slurm_of
from jobs.agent.backends.slurm_status import Facts, status_of
from jobs.agent.backends.slurm_sweep import HANDED_OVER, alike, array_name, array_words, clear_out, lay_out
from jobs.agent.backends.slurm_training import training
from jobs.agent.backends.slurm_usage import metered
from jobs.agent.backends.slurm_witnesses import Witnesses
from jobs.agent.backends.slurm_words import OUTPUT, array_script, job_script, sbatch_words
from jobs.agent.backends.wrapper import CANCEL, OVERTIME
from jobs.agent.config import Config
from jobs.agent.files import read_json, write_json

logger = logging.getLogger(__name__)

# Beyond the grace the wrapper ends what does not stop; beyond this too, Slurm is asked to.
_WRAPPER_SECONDS = 30.0


class SlurmBackend(JobFolders):
    code: ClassVar[str] = "slurm"
    keeps_jobs: ClassVar[bool] = True
    submits_at_once: ClassVar[int] = 4

    def __init__(self, config: Config) -> None:
        self.options = SlurmOptions.read(config)
        shared = self.options.folder or config.work
        self.folder, self.store, self.receipts = shared / "jobs", config.store, config.work / "usage"
        self.sweeps, self.allowed = shared / "sweeps", config.allowed
        self.slurm = slurm_of(self.options)
        self.known = Witnesses(self.slurm, self.options, self.folder, self.sweeps)
        self.images, self.budgets = Images(self.options), Budgets(self.slurm, self.options)
        self.forecast = Forecast(self.slurm, self.options, config.allowed)
        self._described: dict[str, Any] = {}
        self._available: dict[str, Any] = {}
        self._looked = -1e9
        for path in (self.folder, self.receipts):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    # ---- the verbs -----------------------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """What the site has. While Slurm is away: what it had, with nothing free, and the trouble by name."""
        extras = {"containers": self.images.engines, "arrays": True}
        try:
            self._described = {**capacity(self.slurm, self.allowed), **extras}
        except SlurmTrouble as trouble:
            nothing = {"gpus_free": 0, "room": 0, "trouble": trouble.as_json()}
            return {**capacity(None, self.allowed), **extras, **self._described, **nothing}
        late = self.known.accounting_trouble
        return {**self._described, **({"trouble": late.as_json()} if late else {})}

    def availability(self) -> dict[str, Any]:
        """Partitions, queue, health, expected starts, maintenance. While Slurm is away what was known, and its age."""
        if time.monotonic() - self._looked >= max(self.options.poll_seconds, 1.0):
            self._looked = time.monotonic()
            try:
                self._available = measured(self.slurm, self.forecast, at=_now())
            except SlurmTrouble as trouble:
                self._available = silent(self._available, trouble.reason.sentence)
        return self._available

    def submit(self, order: Order) -> str:
        self.slurm.forget()
        facts = self.known.facts([order.key])[order.key]
        status = status_of(facts, at=_now())
        if status.phase in (Phase.RUNNING, Phase.PENDING):
            self.known.remember(facts, status.native_id)
            return status.native_id
        if status.phase == Phase.ENDED and status.ended not in RESUMABLE:
            return status.native_id
        if _now() > order.not_after and not facts.runs:
            return self.known.refuse(facts, Ended.NOT_AFTER)
        number = facts.number if status.phase == Phase.UNKNOWN and facts.number else facts.number + 1
        try:
            minutes = self._prepare(order, facts)
            # Written down before it is true: whoever reads this without an id looks for the job by its name.
            self.known.write_down(facts, number, None)
            self._hold_budget(order)
            native = self.slurm.sbatch(self.words(order, number, minutes), self.script(self._job(order.key), number))
        except SlurmTrouble as trouble:
            if trouble.refused and not (trouble.reason.code == "account_unknown" and self.budgets.settling(order)):
                return self.known.refuse(facts, Ended.REFUSED, trouble)
            raise
        self.known.write_down(facts, number, native)
        return native

    def submit_together(self, orders: Sequence[Order]) -> list[str]:
        """Orders of one sweep or burst, in as few arrays as their shapes allow; what is left is submitted singly."""
        # Jobs that belong to no sweep share an array only where one of them can leave the queue without the others.
        least = self.options.arrays_from if self.slurm.takes_out_tasks else 0
        orders = [order for order in orders if order.sweep or 0 < least <= len(orders)]
        if not orders:
            return []
        self.slurm.forget()
        found = self.known.facts([order.key for order in orders])
        new = {
            order.key: facts for order in orders for facts in [found[order.key]]
            if status_of(facts, at=_now()).phase == Phase.UNKNOWN and _now() <= order.not_after
        }  # fmt: skip
        numbers = {key: facts.number or 1 for key, facts in new.items()}
        batches = alike([order for order in orders if order.key in new], numbers, least=least)
        for batch in batches:
            self._submit_array(batch, new, numbers[batch[0].key])
        return [order.key for batch in batches for order in batch]

    def _submit_array(self, orders: list[Order], facts: dict[str, Facts], number: int) -> None:
        # Of the latest start only the wrapper judges for each: the array waits for the last of them.
        last = max(orders, key=lambda order: order.not_after)
        name = self.options.prefix + array_name(orders, number)
        folder = self.sweeps / name
        abouts = [facts[order.key] for order in orders]
        # Files are slow on shared disks, and a hundred jobs have many: several are written side by side.
        with ThreadPoolExecutor(self.submits_at_once) as pool:
            places = [{"number": number, "array": name, "task": task} for task in range(len(orders))]
            minutes = max(pool.map(self._prepare, orders, abouts, places))
            lay_out(folder, [self._job(order.key) for order in orders])
            self._hold_budget(last, beside=last.gpus * (len(orders) - 1))
            words = sbatch_words(
                self.options, last, minutes=minutes, account=self.budgets.account(last), at=_now(),
                named=array_words(folder, name, len(orders)),
            )  # fmt: skip
        native = self.slurm.sbatch(words, array_script(self.options, folder, number))
        # One line for all of them: each task's id is the array's and its own number.
        write_json(folder / HANDED_OVER, {"native_id": native, "at": _now().isoformat()})

    def _prepare(self, order: Order, facts: Facts, place: dict[str, Any] | None = None) -> int:
        """The job's folder as its node will find it; the minutes of its limit. `place` is that in an array."""
        minutes, goes_on = self._minutes(order, facts)
        words = self._order(order, self._job(order.key), facts, minutes=minutes, goes_on=goes_on)
        self._write_order(order.key, words | self.known.first_line(facts, place), order.spec)
        return minutes

    def _hold_budget(self, order: Order, *, beside: int = 0) -> None:
        """The account's limit, before anything is handed over that it shall hold."""
        if self.options.budgets and order.budget is not None:
            account = self.budgets.account(order)
            live = [row for rows in self.slurm.queue().values() for row in rows if not row.final]
            others = [row.gpus or order.gpus for row in live if row.account == account]
            self.budgets.hold(order, [*others, beside])

    def poll(self, keys: Sequence[str]) -> dict[str, Status]:
        found = {}
        for key, facts in self.known.facts(keys).items():
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
        waiting = [row.native_id for row in self.known.live(key) if row.waiting]
        if waiting:
            # Only while they wait: one that has just started is left to its wrapper.
            self.slurm.take_out(*waiting)
        running = [row.native_id for row in self.known.live(key) if not row.waiting]
        last = datetime.fromisoformat(wish["at"]) + timedelta(seconds=grace * 1.5 + _WRAPPER_SECONDS)
        if running and _now() > last:
            self.slurm.scancel(*running)

    def usage(self, keys: Sequence[str]) -> list[UsageRow]:
        found = []
        for key, facts in self.known.facts(keys).items():
            gpus = int(self._order_of(key).get("gpus", 1))
            found += metered(self.receipts / f"{key}.json", facts, gpus=gpus, at=_now())
        return found

    def suspend(self, key: str) -> None:
        """Nothing: Slurm keeps its jobs while the agent is away, and they write their receipts without it."""

    def wipe(self, key: str) -> None:
        """The data goes, and with it a second copy that may still wait in the queue."""
        if self._known(key):
            self.usage([key])
            left = [row.native_id for row in self.known.live(key)]
            if left:
                self.slurm.scancel(*left)
        self._remove(key)
        self.known.forget(key)
        clear_out(self.sweeps)

    # ---- what Slurm is told --------------------------------------------------------------------------------------

    def words(self, order: Order, number: int, minutes: int) -> list[str]:
        job = self._job(order.key)
        named = {
            "job-name": self.options.prefix + order.key,
            "comment": f"open-paas {order.key} {number}",
            "chdir": str(job),
            "output": str(job / OUTPUT),
        }
        account = self.budgets.account(order)
        return sbatch_words(self.options, order, minutes=minutes, account=account, at=_now(), named=named)

    def script(self, job: Path, number: int) -> str:
        return job_script(self.options, job, number)

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

    def _order(self, order: Order, job: Path, facts: Facts, *, minutes: int, goes_on: bool) -> dict[str, Any]:
        environment = training_environment(job, code=Path(self.options.code), threads=self.options.threads)
        return {
            **training(self.options, order, job=job, store=self.store, image=self.images.file_for(order)),
            "environment": {**environment, **dict(self.options.environment)},
            "cwd": str(job),
            "out": str(job / "out"),
            "gpus": order.gpus,
            "seconds_left": self._seconds_left(order, facts),
            "memory_bytes": 0,  # Slurm holds the job to its memory
            "not_after": order.not_after.astimezone(UTC).isoformat(),
            "goes_on": goes_on,
            # Where Slurm cannot be asked to warn the job before its limit, its wrapper looks at the clock.
            "warn_after": 0 if self.slurm.warns else max(1, 60 * minutes - self.options.signal_seconds),
        }

    # ---- what is known -------------------------------------------------------------------------------------------

    def _take_back(self, facts: Facts) -> None:
        """A job that waits for what will never come leaves the queue, and ends with that reason."""
        waiting = [row for row in facts.of_newest() if row.waiting and not facts.runs] if facts.submissions else []
        for row in waiting:
            reason = hopeless(row.reason)
            if reason is not None and not (row.reason in SHARED and self.known.others_hold(row)):
                # Should it start in this very moment, its wrapper ends it.
                write_json(self._job(facts.key) / CANCEL, {"grace": 0.0, "at": _now().isoformat()})
                self.slurm.take_out(row.native_id)
                self.known.refuse(facts, Ended.REFUSED, SlurmTrouble(reason, f"it waits: {row.reason}", refused=True))


def _now() -> datetime:
    return datetime.now(UTC)
