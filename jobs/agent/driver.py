"""Moving attempts along: stage, wait for the portal's word, submit, watch, collect, upload, clear up.

One step for each attempt, again and again. A step reads where the attempt stands from SQLite and the back-end, does one
thing that may be done twice, and writes down the new state; so a kill between any two lines loses nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from jobs.agent import removal
from jobs.agent.arrivals import Arrivals, together
from jobs.agent.backends.base import RESUMABLE, Backend, BackendError, Ended, Order, Phase, Status
from jobs.agent.client import Portal
from jobs.agent.config import Config
from jobs.agent.files import read_json, sha256_of
from jobs.agent.handover import HandOver
from jobs.agent.held import Held
from jobs.agent.identity import Keeper
from jobs.agent.inputs import Inputs
from jobs.agent.outcome import ended_as, outcome, refused
from jobs.agent.sealing import seal
from jobs.agent.shape import order_words
from jobs.agent.staging import cache_for
from jobs.agent.state import Attempt, State
from jobs.agent.sweeps import handed_over
from jobs.agent.transfers import Transfers
from jobs.agent.work import Reader, Work, WorkRefused
from models_hub.specs import Failure, Manifest

logger = logging.getLogger(__name__)

# A training that is killed from outside starts again this often before the site gives up.
MOST_RESTARTS = 3
GRACE = 60.0
FORGET_AFTER = 30 * 86400
# So many that come at once are no news one by one.
MANY = 8


class Driver:
    def __init__(
        self, *, config: Config, state: State, backend: Backend, portal: Callable[[], Portal], news: threading.Event
    ) -> None:
        self.config, self.state, self.backend, self.portal, self.news = config, state, backend, portal, news
        self.held = Held(state)
        self.hands = HandOver(backend)
        self.stopping = threading.Event()
        self.inputs = Inputs(config.portal_url)
        self.reader = Reader(config.allowed)
        self.keeper = Keeper(config.work)
        self.cache = cache_for(config, state)
        self.arrivals = Arrivals(
            state=state, backend=backend, portal=portal, inputs=self.inputs, cache=self.cache, news=news,
            stopping=self.stopping,
        )  # fmt: skip
        self.transfers = Transfers(state=state, inputs=self.inputs, news=news)
        self._to_bring: list[Attempt] = []

    def step(self) -> None:
        """One step for every attempt. Trouble with one does not hold up the others."""
        attempts = self.state.attempts()
        try:
            seen = self._seen([attempt.key for attempt in attempts])
            attempts = [attempt for attempt in attempts if attempt.key in seen]
            self._begin([attempt for attempt in attempts if attempt.state == "leased"])
            seen |= handed_over(attempts, seen, backend=self.backend, order_of=self._order_of)
        except BackendError:
            logger.warning("The back-end does not answer; what runs goes on.", exc_info=True)
            return
        for attempt in attempts:
            try:
                self._step(attempt, seen[attempt.key])
            except Exception:
                logger.exception("Attempt %s: this step failed and is tried again.", attempt.key)
        self._bring()
        self.hands.wait()

    def _seen(self, keys: list[str]) -> dict[str, Status]:
        """Where all stand. What cannot be read of one is left out: an agent that ended of it would at every start."""
        try:
            return self.backend.poll(keys)
        except BackendError:
            raise
        except Exception:
            logger.exception("Where the attempts stand cannot be read together; each is looked at by itself.")
        seen: dict[str, Status] = {}
        for key in keys:
            try:
                seen |= self.backend.poll([key])
            except BackendError:
                raise
            except Exception:
                logger.exception("Attempt %s: where it stands cannot be read; it is looked at again.", key)
        return seen

    def _step(self, attempt: Attempt, status: Status) -> None:
        self._meter(attempt, status)
        self.held.see(attempt, status)
        if attempt.dropped or (attempt.closed and not attempt.final):
            self._drop(attempt, status)
        elif attempt.final:
            self._clear_up(attempt)
        elif attempt.cancel and attempt.state in ("leased", "staging", "submitted") and status.phase == Phase.UNKNOWN:
            self._move(attempt, "cancelled", ended_at=_now())
        else:
            step: dict[str, Callable[[Attempt, Status], None]] = {
                "leased": self._stage,
                "staging": self._stage,
                "submitted": self._submit,
                "running": self._watch,
                "collecting": self._collect,
            }
            step[attempt.state](attempt, status)

    def _move(self, attempt: Attempt, state: str, **facts: Any) -> None:
        self.state.move(attempt.key, state, **facts)
        logger.info("Attempt %s: %s", attempt.key, state)
        self.news.set()

    # ---- before the run ------------------------------------------------------------------------------------------

    def _begin(self, attempts: list[Attempt]) -> None:
        """All that has just come is begun in one write to the disk. Of many nothing is said until there is more."""
        if not attempts:
            return
        with self.state.together():
            for attempt in attempts:
                self.state.move(attempt.key, "staging")
                logger.info("Attempt %s: staging", attempt.key)
        if len(attempts) < MANY:
            self.news.set()

    def _stage(self, attempt: Attempt, status: Status) -> None:
        if attempt.staged:
            self._move(attempt, "submitted")
        elif self.transfers.free(attempt.key):
            self._to_bring.append(attempt)

    def _bring(self) -> None:
        """Starts the transfers of all that this step has found waiting for its data."""
        for group in together(self._to_bring):
            bring = partial(self.arrivals.bring, group, work_of=self._work, guarded=self.transfers.guarded)
            self.transfers.start_together([attempt.key for attempt in group], bring)
        self._to_bring.clear()

    def _submit(self, attempt: Attempt, status: Status) -> None:
        """Only after the portal has confirmed that it will give the work to nobody else."""
        if status.phase in (Phase.RUNNING, Phase.ENDED):
            self._move(attempt, "running", native_id=status.native_id, started_at=_iso(status.started_at))
        elif attempt.cancel and status.phase == Phase.PENDING:
            self.backend.cancel(attempt.key, GRACE)  # it waits in the site's own queue
        elif attempt.committed and status.phase == Phase.UNKNOWN:
            self.hands.give(attempt.key, lambda: self._order(attempt))

    def _order(self, attempt: Attempt) -> None:
        try:
            order = self._order_of(attempt)
        except WorkRefused as refusal:
            self._refuse(attempt.key, refusal)
            return
        self.backend.submit(order)

    def _order_of(self, attempt: Attempt) -> Order:
        work = self._work(attempt)
        return Order(
            key=work.key, spec=work.spec, gpus=work.gpus, max_seconds=work.max_seconds, not_after=work.not_after,
            tenant=str(attempt.payload.get("tenant", "")), **order_words(work.shape),
        )  # fmt: skip

    # ---- while it runs -------------------------------------------------------------------------------------------

    def _watch(self, attempt: Attempt, status: Status) -> None:
        if status.phase in (Phase.RUNNING, Phase.PENDING):
            if attempt.cancel:
                self.backend.cancel(attempt.key, GRACE)
        elif status.phase == Phase.UNKNOWN:
            self._move(attempt, "failed", **ended_as("run_lost"))
        elif self._goes_on(attempt, status):
            if status.ended != Ended.SUSPENDED:
                logger.warning("Attempt %s was killed from outside; it goes on from its checkpoint.", attempt.key)
            self._order(attempt)
        else:
            self._move(attempt, "collecting")

    def _goes_on(self, attempt: Attempt, status: Status) -> bool:
        finished = read_json(self.backend.stage(attempt.key, "out") / "result.json")
        return (
            status.ended in RESUMABLE
            and not attempt.cancel
            and status.kills <= MOST_RESTARTS
            and not (isinstance(finished, dict) and finished.get("state"))
        )

    def _meter(self, attempt: Attempt, status: Status) -> None:
        if status.starts and not attempt.wiped:
            self.state.meter(self.backend.usage([attempt.key]))

    # ---- after the run -------------------------------------------------------------------------------------------

    def _collect(self, attempt: Attempt, status: Status) -> None:
        out = self.backend.stage(attempt.key, "out")
        state, facts = outcome(status, out, cancelled=attempt.cancel)
        manifest = read_json(out / "artefacts" / "manifest.json")
        delivers = state in ("done", "cancelled") or facts.get("hint_code") == Failure.TIME_LIMIT
        if not (delivers and isinstance(manifest, dict)) or attempt.facts.get("uploaded"):
            sent = out / "artefacts" / "manifest.json"
            self._move(attempt, state, **facts, **(seal(self.keeper, sent) if attempt.facts.get("uploaded") else {}))
        elif self.transfers.free(attempt.key):
            self.transfers.start(attempt.key, lambda: self._send(attempt, out / "artefacts", manifest))

    def _send(self, attempt: Attempt, folder: Path, manifest: dict[str, Any]) -> None:
        portal = self.portal()
        known = portal.artefacts(key=attempt.key, token=attempt.token)
        files = [(file.path, file.sha256) for file in Manifest.from_json(manifest).files]
        files.append(("manifest.json", sha256_of(folder / "manifest.json")))
        for path, digest in files:
            if not (folder / path).resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"{path} leads out of the results")
            portal.upload(
                key=attempt.key, token=attempt.token, path=path, file=folder / path, sha256=digest,
                known=known.get(path), go_on=lambda: not self.stopping.is_set(),
            )  # fmt: skip
        self.state.move(attempt.key, "collecting", uploaded=True)
        self.news.set()

    def _clear_up(self, attempt: Attempt) -> None:
        said = removal.overdue(attempt) or not self.state.owes_usage(attempt.key)
        if attempt.closed and said and time.time() >= removal.keep_until(attempt, self.config):
            self._wipe(attempt)

    def _drop(self, attempt: Attempt, status: Status) -> None:
        """The portal has given up on it, or given it to somebody else: end it, report its usage, remove its data."""
        if status.phase in (Phase.RUNNING, Phase.PENDING):
            self.backend.cancel(attempt.key, 0.0)
        elif not self.state.owes_usage(attempt.key) or attempt.dropped:
            self.state.move(attempt.key, "cancelled", sentence="Given up by the portal.")
            self._wipe(attempt)

    def _wipe(self, attempt: Attempt) -> None:
        if not self.transfers.free(attempt.key):
            return
        self._meter(attempt, self.backend.poll([attempt.key])[attempt.key])
        try:
            removal.remove(backend=self.backend, state=self.state, attempt=attempt)
        except BackendError as trouble:
            logger.error("Attempt %s: its data are still here: %s", attempt.key, trouble)
            self.transfers.put_off(attempt.key)
            return
        # An agent runs for months: nothing of what is gone stays in its memory.
        for room in (self.transfers, self.inputs, self.held, self.reader):
            room.forget(attempt.key)
        self.news.set()
        self.state.forget_before(time.time() - FORGET_AFTER)
        logger.info("Attempt %s: its data has been removed.", attempt.key)

    def _refuse(self, key: str, refusal: WorkRefused) -> None:
        """The site's allow-list was narrowed after it had taken the work."""
        self.state.move(key, "failed", **refused(refusal))

    def _work(self, attempt: Attempt) -> Work:
        return self.reader.work(attempt.payload)

    # ---- the end -------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """The agent ends. What runs is suspended or left alone, as the site has configured."""
        self.stopping.set()
        self.transfers.stop()
        if self.config.on_stop == "leave" or self.backend.keeps_jobs:
            return
        keys = [attempt.key for attempt in self.state.attempts() if attempt.state in ("submitted", "running")]
        for key in keys:
            self.backend.suspend(key)
        give_up = time.monotonic() + 15
        while time.monotonic() < give_up:
            if all(status.phase not in (Phase.RUNNING, Phase.PENDING) for status in self.backend.poll(keys).values()):
                return
            time.sleep(0.1)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
