"""What the agent says in one exchange: everything the portal has not acknowledged, and what the site can take."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from jobs.agent import removal, wishes
from jobs.agent.availability import availability
from jobs.agent.backends.base import Backend, BackendError
from jobs.agent.cache import Cache
from jobs.agent.held import PROVISIONAL, Held
from jobs.agent.inputs import FEATURE as FRESH_INPUTS
from jobs.agent.inputs import Inputs
from jobs.agent.reconcile import RECONCILIATION, Books
from jobs.agent.state import Attempt, State
from jobs.agent.streams import LOG_BYTES, LOG_LIMIT, EventTail, log_text
from jobs.agent.turns import Turns

logger = logging.getLogger(__name__)

# The portal gives no more at once; a large site asks again.
MOST_WANTED = 100
LOOK_AT_STORE = 3.0
# Bulk (events and logs) in one message, well below the portal's limit.
BULK = 1_500_000


class Saying:
    """Makes one message after the other. `features`: what both sides can do; nothing else is said."""

    def __init__(
        self, *, state: State, backend: Backend, inputs: Inputs, held: Held, cache: Cache, books: Books
    ) -> None:  # fmt: skip
        self.state, self.backend, self.inputs, self.held = state, backend, inputs, held
        self.cache, self.books = cache, books
        # What the portal was last told of the store.
        self.models: list[dict[str, Any]] = []
        self._store_seen = 0.0
        self._tails: dict[str, EventTail] = {}
        self._turns = Turns()

    def message(
        self, attempts: Sequence[Attempt], *, epoch: int, wait: int, features: frozenset[str]
    ) -> dict[str, Any]:  # fmt: skip
        """`attempts`: those that are not closed. `wait`: seconds that the portal may take to find work."""
        for gone in self._tails.keys() - {attempt.key for attempt in attempts}:
            del self._tails[gone]
        message: dict[str, Any] = {
            "epoch": epoch,
            "wait": wait,
            "stopping": [attempt.key for attempt in attempts if attempt.cancel],
            "attempts": [],
            "events": [],
            "logs": [],
            "usage": [],
        }
        room = BULK
        for attempt in self._turns.next(attempts, now=time.monotonic()):
            held = self.held.words(attempt) if PROVISIONAL in features else {}
            message["attempts"].append(_report(attempt) | held)
            room -= self._add_streams(message, attempt, room)
        unsaid = self.state.usage_to_report()
        tokens = self.state.tokens({row["key"] for _number, row in unsaid})
        for number, row in unsaid:
            message["usage"].append({"id": str(number), "token": tokens.get(row["key"], ""), **row})
        if RECONCILIATION in features and (digests := self.books.words()):
            message |= {"digests": digests, "wait": 0}
        if removal.FEATURE in features:
            message["removed"] = removal.removed_rows(self.state)
        if message["usage"] or message.get("removed"):
            message["wait"] = 0  # What waits for an answer does not wait for work.
        if FRESH_INPUTS in features and self.inputs.wanted():
            message["inputs_wanted"] = self.inputs.wanted()
        message["wanted"], message["capacity"] = self._capacity(attempts, features)
        self._add_models(message)
        return message

    def _capacity(self, attempts: Sequence[Attempt], features: frozenset[str]) -> tuple[int, dict[str, Any]]:
        """Free slots, counting what is leased and not yet started."""
        try:
            about = self.backend.describe()
        except BackendError:
            logger.warning("The back-end does not answer; no new work is taken.", exc_info=True)
            return 0, {}
        draining = wishes.draining(self.state)
        waiting = sum(1 for one in attempts if one.state in ("leased", "staging", "submitted"))
        free = max(0, about.get("room", about["gpus_free"]) - waiting)
        capacity = {"gpus_total": about["gpus_total"], "gpus_free": about["gpus_free"], "queue": waiting}
        trouble = {"trouble": about["trouble"]} if "trouble" in about else {}
        busy = availability(self.backend, features)
        return 0 if draining else min(free, MOST_WANTED), {**capacity, "draining": draining, **trouble, **busy}

    def _add_models(self, message: dict[str, Any]) -> None:
        if time.monotonic() - self._store_seen < LOOK_AT_STORE:
            return
        self._store_seen = time.monotonic()
        models = self.cache.models()
        if models != self.models:
            message["models"] = self.models = models

    def _add_streams(self, message: dict[str, Any], attempt: Attempt, room: int) -> int:
        """The next events and piece of log of an attempt; about how many bytes that were."""
        if attempt.state in ("leased", "staging") or room <= 0 or not attempt.payload:
            return 0
        tail = self._tails.setdefault(attempt.key, EventTail(self.backend.stage(attempt.key, "out") / "events.jsonl"))
        events = tail.after(attempt.events_acked)
        about = {"key": attempt.key, "token": attempt.token}
        if events:
            message["events"].append({**about, "events": events})
        text = ""
        if attempt.log_acked < LOG_LIMIT:
            raw = self.backend.logs(attempt.key, attempt.log_acked, LOG_BYTES)
            text = log_text(raw, whole=attempt.state in ("collecting", "done", "failed", "cancelled"))
            if text:
                message["logs"].append({**about, "offset": attempt.log_acked, "text": text})
        return len(text) + 1000 * len(events)


def _report(attempt: Attempt) -> dict[str, Any]:
    facts = {name: value for name, value in attempt.facts.items() if name != "uploaded" and value is not None}
    if not attempt.final:
        facts = {name: value for name, value in facts.items() if name in ("native_id", "started_at")}
    return {"key": attempt.key, "token": attempt.token, "seq": attempt.seq, "state": attempt.state, **facts}
