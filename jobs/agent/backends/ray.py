"""Work through a Ray cluster, by its Jobs REST API: the cloud site's engine.

A submission's id is the attempt's key and the number of the start, and Ray refuses a second one: an agent killed at any
line hands the same number over again and nothing runs twice. Ray keeps its records in the head's memory, so whatever
counts is written down here: the journal of what we handed over, with Ray's last word on it, and the wrapper's receipts.

    <shared>/jobs/<key>/ray.json order.json data/ out/ log runs/<n>/…    removed after the job
    <work>/usage/<key>.json                                             kept: what was metered
"""

import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar

from jobs.agent.backends.base import RESUMABLE, BackendError, Ended, Order, Phase, Reason, Status, UsageRow
from jobs.agent.backends.folders import JobFolders, training_command, training_environment
from jobs.agent.backends.ray_capacity import capacity, largest
from jobs.agent.backends.ray_options import RayOptions
from jobs.agent.backends.ray_reasons import MULTI_NODE, NO_CONTAINERS, TOO_LARGE, RayTrouble
from jobs.agent.backends.ray_rest import Held, Ray, RayJob
from jobs.agent.backends.ray_status import Facts, Submission, read_runs, settled, spent, status_of
from jobs.agent.backends.ray_usage import metered
from jobs.agent.backends.wrapper import CANCEL, END, claim
from jobs.agent.config import Config
from jobs.agent.files import read_json, write_json

logger = logging.getLogger(__name__)

JOURNAL = "ray.json"
# Beyond the grace the wrapper ends what does not stop; beyond this too, Ray is asked to.
_WRAPPER_SECONDS = 30.0


class RayBackend(JobFolders):
    code: ClassVar[str] = "ray"
    keeps_jobs: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        self.options = RayOptions.read(config)
        shared = self.options.folder or config.work
        self.folder, self.store, self.receipts = shared / "jobs", config.store, config.work / "usage"
        self.command = list(self.options.command) or [self.options.python, "-m", "models_hub.training"]
        self.ray = Ray(self.options)
        self._described: dict[str, Any] = {}
        self._described_at = -1e9
        self._asked: dict[str, tuple[float, RayJob | None]] = {}
        self._held: tuple[float, dict[str, Held]] = (-1e9, {})
        for path in (self.folder, self.receipts):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    # ---- the verbs -----------------------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """What the cluster has. While it is away: what it had, with nothing free, and the trouble by name."""
        if self._described and time.monotonic() - self._described_at < self.options.poll_seconds:
            return self._described
        try:
            self._described, self._described_at = capacity(self.ray, self.options, self._own()), time.monotonic()
        except RayTrouble as trouble:
            nothing = {"gpus_free": 0, "room": 0, "trouble": trouble.as_json()}
            return {**capacity(None, self.options), **self._described, **nothing}
        return self._described

    def submit(self, order: Order) -> str:
        facts = self._facts(order.key)
        status = status_of(facts, at=_now())
        if status.phase in (Phase.RUNNING, Phase.PENDING):
            return status.native_id
        if status.phase == Phase.ENDED and status.ended not in RESUMABLE:
            return status.native_id
        if _now() > order.not_after and not facts.starts:
            return self._refuse(order.key, Ended.NOT_AFTER)
        objection = self._objection(order)
        if objection is not None:
            return self._refuse(order.key, Ended.REFUSED, objection)
        # A hand-over that may be on its way, or that a lost head has forgotten, keeps its number: one claim stands.
        again = facts.number and facts.run_of(facts.number) is None and not spent(facts)
        number = facts.number if again else facts.number + 1
        job = self._job(order.key)
        self._write_order(order.key, self._order(order, job), order.spec)
        native = f"{self.options.prefix}{order.key}.{number}"
        # Written down before it is true: whoever reads this asks the cluster for that very id.
        self._write_down(order.key, number, native)
        try:
            self.ray.submit(
                submission_id=native, entrypoint=self.script(job, number, native), resources=self.resources(order),
                metadata={"open_paas_key": order.key, "gpus": str(order.gpus), "start": str(number)},
            )  # fmt: skip
        except RayTrouble as trouble:
            if trouble.refused:
                return self._refuse(order.key, Ended.REFUSED, trouble.reason, trouble.said)
            raise
        self._asked.pop(native, None)
        return native

    def poll(self, keys: Sequence[str]) -> dict[str, Status]:
        return {key: status_of(self._facts(key), at=_now()) for key in keys}

    def cancel(self, key: str, grace: float) -> None:
        """What waits is claimed by us and never begins. What runs is asked by its wrapper, and ended after the grace.

        Ray cannot take a waiting job out of its queue: it is stopped as soon as it has found its place.
        """
        if not self._known(key):
            return
        wish = read_json(self._job(key) / CANCEL) or {}
        if wish.get("grace") != grace:
            wish = {"grace": grace, "at": _now().isoformat()}
            write_json(self._job(key) / CANCEL, wish)
        facts = self._facts(key)
        status = status_of(facts, at=_now())
        last = datetime.fromisoformat(wish["at"]) + timedelta(seconds=grace * 1.5 + _WRAPPER_SECONDS)
        if status.phase == Phase.PENDING and self._take_away(key, facts):
            self._stop(status.native_id)
        elif status.phase == Phase.RUNNING and _now() > last:
            self.ray.stop(status.native_id)

    def usage(self, keys: Sequence[str]) -> list[UsageRow]:
        found = []
        for key in keys:
            gpus = int(self._order_of(key).get("gpus", 1))
            found += metered(self.receipts / f"{key}.json", self._facts(key), gpus=gpus, at=_now())
        return found

    def suspend(self, key: str) -> None:
        """Nothing: Ray keeps its jobs while the agent is away, and they write their receipts without it."""

    def wipe(self, key: str) -> None:
        """The data goes; a copy that may still wait finds no order and leaves."""
        if self._known(key):
            self.usage([key])
            facts = self._facts(key)
            for one in facts.submissions:
                if one.job is not None and not one.job.terminal:
                    self._stop(one.native_id)
                self._asked.pop(one.native_id, None)
        self._remove(key)

    # ---- what Ray is told ----------------------------------------------------------------------------------------

    def script(self, job: Path, number: int, native: str) -> str:
        """One line of shell for a start. Nothing secret: the dashboard shows it to everybody who may see it."""
        options = self.options
        start = f"{quote(options.python)} -m jobs.agent.backends.ray_start {quote(str(job))} {number} {quote(native)}"
        return "\n".join([*options.setup, f"export PYTHONPATH={quote(options.code)}", f"exec {start}"])

    def resources(self, order: Order) -> dict[str, Any]:
        options, gpus = self.options, max(1, order.gpus)
        wanted: dict[str, Any] = {
            "entrypoint_num_gpus": order.gpus,
            "entrypoint_num_cpus": options.cpus_per_gpu * gpus,
            "entrypoint_memory": int(options.memory_gb_per_gpu * gpus * 1e9),
            "entrypoint_resources": dict(options.resources),
        }
        return {name: value for name, value in wanted.items() if value}

    def _objection(self, order: Order) -> Reason | None:
        """What Ray would keep waiting for ever, and what it cannot do."""
        if order.nodes > 1:
            return MULTI_NODE
        if order.image:
            return NO_CONTAINERS
        alive = [node for node in self.ray.nodes() if node.alive]
        return TOO_LARGE if alive and order.gpus > largest(alive, self.options) else None

    def _order(self, order: Order, job: Path) -> dict[str, Any]:
        held = sum((row.ended_at - row.started_at).total_seconds() for row in self.usage([order.key]))
        environment = training_environment(job, code=Path(self.options.code), threads=self.options.threads)
        return {
            "command": training_command(self.command, job, store=self.store),
            "environment": {**environment, **dict(self.options.environment)},
            "cwd": str(job),
            "out": str(job / "out"),
            "gpus": order.gpus,
            "seconds_left": max(0.0, order.max_seconds - held),
            # Ray reserves memory and holds nobody to it: the wrapper does.
            "memory_bytes": int(self.options.memory_gb_per_gpu * max(1, order.gpus) * 1e9),
            "not_after": order.not_after.astimezone(UTC).isoformat(),
        }

    # ---- what is known -------------------------------------------------------------------------------------------

    def _facts(self, key: str, *, keep: bool = True) -> Facts:
        """Journal and receipts, and of each submission Ray's record: asked until it is the last word, then kept."""
        job = self._job(key)
        journal = read_json(job / JOURNAL) or {}
        runs = {run.number: run for run in read_runs(job)}
        found, changed = [], False
        for row in journal.get("submissions", []):
            one = _submission(row)
            if not row.get("settled"):
                asked = self._record(one.native_id)
                if asked is not None or one.job is None:
                    held = self._held_by(one.native_id) if asked is not None and asked.terminal else None
                    one = Submission(number=one.number, native_id=one.native_id, at=one.at, job=asked, held=held)
                if settled(one, runs.get(one.number), at=_now()):
                    assert one.job is not None
                    row |= {"settled": True, "job": one.job.as_json(), "held": one.held and one.held.as_json()}
                    changed = True
            found.append(one)
        if changed and keep:
            write_json(job / JOURNAL, journal)
        return Facts(
            key=key, refused=journal.get("refused"), submissions=found, runs=list(runs.values()),
            cancelled=(job / CANCEL).exists(), lost_seconds=self.options.lost_seconds,
        )  # fmt: skip

    def _record(self, native: str) -> RayJob | None:
        """Ray's record of a submission, asked for once in `poll_seconds`."""
        asked_at, found = self._asked.get(native, (-1e9, None))
        if time.monotonic() - asked_at >= self.options.poll_seconds:
            found = self.ray.job(native)
            self._asked[native] = (time.monotonic(), found)
        return found

    def _held_by(self, native: str) -> Held | None:
        """All that have just ended are asked for at once: the cluster answers with every actor it remembers."""
        asked_at, found = self._held
        if native not in found or not found[native].end_ms:
            if time.monotonic() - asked_at < min(1.0, self.options.poll_seconds):
                return found.get(native)
            ids = {one["native_id"] for key in self._keys() for one in self._open_submissions(key)} | {native}
            found = self.ray.held(sorted(ids))
            self._held = (time.monotonic(), found)
        return found.get(native)

    def _own(self) -> dict[str, int]:
        """Our submissions that have not ended, with the GPUs each holds now. Only looks: it is asked between steps."""
        found = {}
        for key in self._keys():
            if self._open_submissions(key):
                status = status_of(self._facts(key, keep=False), at=_now())
                running = status.phase == Phase.RUNNING
                found[status.native_id] = int(self._order_of(key).get("gpus", 0)) if running else 0
        return found

    def _open_submissions(self, key: str) -> list[dict[str, Any]]:
        journal = read_json(self._job(key) / JOURNAL) or {}
        return [row for row in journal.get("submissions", []) if not row.get("settled")]

    # ---- the journal ---------------------------------------------------------------------------------------------

    def _write_down(self, key: str, number: int, native: str) -> None:
        journal = read_json(self._job(key) / JOURNAL) or {}
        others = [one for one in journal.get("submissions", []) if one["number"] != number]
        this = {"number": number, "at": _now().isoformat(), "native_id": native}
        self._asked.pop(native, None)
        write_json(self._job(key) / JOURNAL, {**journal, "submissions": [*others, this]})

    def _take_away(self, key: str, facts: Facts) -> bool:
        """Claims the start in the wrapper's place, so that it cannot begin; False when the wrapper was quicker."""
        # The receipt names no process: this one is not the job's, and nobody may end it for the job's sake.
        nobody: dict[str, Any] = {"pid": 0, "ticks": 0, "boot": ""}
        run = claim(self._job(key), facts.number, **nobody, agent=True)
        if run is None:
            return False
        end = {"why": str(Ended.CANCELLED), "exit_code": None, "signal": None, "cpu_seconds": 0, "peak_bytes": 0}
        write_json(run / END, {**end, "ended_at": _now().isoformat(), "detail": "Cancelled before it began."})
        return True

    def _stop(self, native: str) -> None:
        """What is stopped here cannot begin any more; that Ray hears of it is good, and no more than that."""
        with contextlib.suppress(BackendError):
            self.ray.stop(native)

    def _refuse(self, key: str, ended: Ended, reason: Reason | None = None, said: str = "") -> str:
        job = self._job(key)
        job.mkdir(parents=True, exist_ok=True, mode=0o700)
        journal = read_json(job / JOURNAL) or {}
        about = {"reason": reason.__dict__} if reason else {}
        refused = {"ended": str(ended), "at": _now().isoformat(), "said": said, **about}
        write_json(job / JOURNAL, {**journal, "refused": refused})
        logger.warning("Attempt %s: not handed over: %s %s", key, reason.sentence if reason else ended, said)
        return key


def _submission(row: dict[str, Any]) -> Submission:
    return Submission(
        number=int(row["number"]), native_id=str(row["native_id"]), at=datetime.fromisoformat(row["at"]),
        job=RayJob(**row["job"]) if row.get("job") else None, held=Held(**row["held"]) if row.get("held") else None,
    )  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)
