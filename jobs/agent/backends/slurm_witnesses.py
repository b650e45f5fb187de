"""What is known of a key, from three witnesses: our journal, Slurm's rows, the wrapper's receipts on the shared disk.

Slurm is asked for all keys at once, and its accounting no more often than the site allows.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.agent.backends.base import Ended
from jobs.agent.backends.folders import JobFolders
from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_journal import FIRST, JOURNAL, Journals
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from jobs.agent.backends.slurm_rows import PAST, SlurmJob
from jobs.agent.backends.slurm_status import Facts, merged, read_runs
from jobs.agent.backends.slurm_words import OUTPUT
from jobs.agent.backends.wrapper import CANCEL
from jobs.agent.files import write_json

logger = logging.getLogger(__name__)


class Witnesses(JobFolders):
    def __init__(self, slurm: Slurm, options: SlurmOptions, folder: Path, sweeps: Path) -> None:
        self.slurm, self.options, self.folder = slurm, options, folder
        self.journals = Journals(folder, sweeps)
        self.accounting_trouble: SlurmTrouble | None = None
        self._accounts: dict[str, tuple[float, list[SlurmJob]]] = {}

    def facts(self, keys: Sequence[str]) -> dict[str, Facts]:
        journals = self.journals.read(keys)
        rows = self._rows({key: journal for key, journal in journals.items() if journal.get("submissions")})
        return {key: self._facts(key, journal, rows.get(key, [])) for key, journal in journals.items()}

    def _facts(self, key: str, journal: dict[str, Any], rows: list[SlurmJob]) -> Facts:
        if not journal:
            return Facts(key=key, journal={})  # never handed over: there is nothing else to read
        return Facts(
            key=key, journal=journal, rows=rows, runs=read_runs(self._job(key)),
            cancelled=(self._job(key) / CANCEL).exists(), goes_on=bool(self._order_of(key).get("goes_on")),
            lost_seconds=self.options.lost_seconds, said=_tail(self._job(key) / OUTPUT),
        )  # fmt: skip

    def _rows(self, journals: dict[str, dict[str, Any]]) -> dict[str, list[SlurmJob]]:
        """Slurm's rows of these keys: the queue for all, the accounting for those that are not simply running."""
        if not journals:
            return {}
        queue = self.slurm.queue()
        queued = {key: _of(queue, self._names(key, journal)) for key, journal in journals.items()}
        accounts = self._accounting([key for key, rows in queued.items() if _needs_accounting(rows)], journals)
        return {
            key: merged(rows, accounts.get(key, []), at=_now(), waiting=not self.accounting_trouble)
            for key, rows in queued.items()
        }

    def _names(self, key: str, journal: dict[str, Any]) -> list[str]:
        """What Slurm may know the key by: its own name, and its place in the arrays it was handed over with."""
        arrays = [f"{one['array']}/{one['task']}" for one in journal.get("submissions", []) if one.get("array")]
        return [self.options.prefix + key, *arrays]

    def _accounting(self, keys: list[str], journals: dict[str, dict[str, Any]]) -> dict[str, list[SlurmJob]]:
        """What sacct says; each key is asked for once in `poll_seconds`, and no more once all its starts have ended."""
        now = time.monotonic()
        due = [key for key in keys if now - self._accounts.get(key, (-1e9, []))[0] >= self.options.poll_seconds]
        if due:
            since = min(datetime.fromisoformat(journals[key]["submissions"][0]["at"]) for key in due)
            names = {key: self._names(key, journals[key]) for key in due}
            asked = dict.fromkeys(name.partition("/")[0] for some in names.values() for name in some)
            try:
                found = self.slurm.accounting(asked, since)
                self.accounting_trouble = None
            except SlurmTrouble as trouble:
                if self.accounting_trouble is None:
                    logger.warning("%s", trouble)
                self.accounting_trouble = trouble
                found = {}
            for key in due:
                rows = _of(found, names[key])
                if rows or self.accounting_trouble is None:
                    self._accounts[key] = (now, rows)
        return {key: self._accounts[key][1] for key in keys if key in self._accounts}

    def forget(self, key: str) -> None:
        """Its data are gone: nobody asks for it any more."""
        self._accounts.pop(key, None)

    def live(self, key: str) -> list[SlurmJob]:
        rows = _of(self.slurm.queue(), self._names(key, self.journals.of(key)))
        return [row for row in rows if not row.final and row.state not in PAST]

    def others_hold(self, waiting: SlurmJob) -> bool:
        """Whether other jobs of ours hold something of the same account, which they may give back."""
        rows = [row for rows in self.slurm.queue().values() for row in rows]
        return any(row.account == waiting.account and not (row.waiting or row.final) for row in rows)

    # ---- the journal ---------------------------------------------------------------------------------------------

    def first_line(self, facts: Facts, place: dict[str, Any] | None) -> dict[str, Any]:
        """A journal's first submission may stand in the job's order: many jobs at once have a file less each to write.

        Without a `place` in an array: what stands there already.
        """
        if (self._job(facts.key) / JOURNAL).exists():
            if place is not None:
                self.write_down(facts, **place, native=None)
            return {}
        if place is None:
            kept = self._order_of(facts.key).get(FIRST)
            return {FIRST: kept} if kept else {}
        self._accounts.pop(facts.key, None)
        return {FIRST: {**place, "at": _now().isoformat(), "native_id": None}}

    def write_down(self, facts: Facts, number: int, native: str | None, **array: Any) -> None:
        others = [one for one in facts.submissions if one["number"] != number]
        this = {"number": number, "at": _now().isoformat(), "native_id": native, **array}
        self._accounts.pop(facts.key, None)
        write_json(self._job(facts.key) / JOURNAL, {**facts.journal, "submissions": [*others, this]})

    def remember(self, facts: Facts, native: str) -> None:
        """A submission whose id was never written down has been found by its name."""
        newest = facts.submissions[-1]
        if native and not newest.get("native_id"):
            logger.info("Attempt %s: found again as Slurm job %s.", facts.key, native)
            array = {name: newest[name] for name in ("array", "task") if "_" in native and name in newest}
            self.write_down(facts, newest["number"], native, **array)

    def refuse(self, facts: Facts, ended: Ended, trouble: SlurmTrouble | None = None) -> str:
        job = self._job(facts.key)
        job.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = {"reason": trouble.reason.__dict__, "said": trouble.said} if trouble else {}
        facts.journal["refused"] = {"ended": str(ended), "at": _now().isoformat(), **said}
        write_json(job / JOURNAL, facts.journal)
        logger.warning("Attempt %s: not handed over: %s", facts.key, trouble or ended)
        return facts.key


def _of(rows: dict[str, list[SlurmJob]], names: list[str]) -> list[SlurmJob]:
    return [row for name in names for row in rows.get(name) or _of_whole_array(rows, name)]


def _of_whole_array(rows: dict[str, list[SlurmJob]], name: str) -> list[SlurmJob]:
    """The controller keeps one row, without tasks, of an array that was ended while all of it waited."""
    array, _, task = name.partition("/")
    whole = [row for row in rows.get(array, []) if task and row.final]
    return [replace(row, name=name, native_id=f"{row.native_id}_{task}") for row in whole]


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
