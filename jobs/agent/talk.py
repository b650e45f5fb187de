"""The conversation with the portal: everything it has not acknowledged goes up, work and wishes come down."""

import logging
import random
import threading
import time
from typing import Any

from jobs.agent import pinning, removal, wishes
from jobs.agent.backends.base import Backend
from jobs.agent.cache import Cache
from jobs.agent.client import Portal, PortalAway, Refused
from jobs.agent.config import Config
from jobs.agent.features import FEATURES, agreed
from jobs.agent.held import Held
from jobs.agent.identity import Identity
from jobs.agent.inputs import Inputs
from jobs.agent.models import tokenizer_of
from jobs.agent.outcome import ended_as, refused
from jobs.agent.reconcile import Books
from jobs.agent.saying import Saying
from jobs.agent.staging import cache_for
from jobs.agent.state import Attempt, State
from jobs.agent.streams import LOG_LIMIT, EventTail
from jobs.agent.work import Reader, WorkRefused, verified

logger = logging.getLogger(__name__)

BUSY_SECONDS = 1.0
# New work is brought here in a moment; that, and not that it has been leased, is what the next message says.
STAGING_SECONDS = 0.5
EMPTY_STORE_POLL = 3
# So long after its end an attempt waits for its last lines to be taken.
GIVE_UP_STREAMS = 600.0
_COMMITTED = frozenset({"submitted", "running", "collecting"})
_GONE = frozenset({"stale_lease", "attempt_closed", "attempt_unknown"})


class NewerSession(Exception):
    """Another agent with this key has begun a session: this one has nothing to say any more."""


class Talk:
    """One agent's side of the protocol. `say` is one exchange; the loop around it is in jobs.agent.run."""

    def __init__(
        self, *, config: Config, state: State, backend: Backend, portal: Portal, identity: Identity,
        news: threading.Event, inputs: Inputs | None = None, held: Held | None = None, cache: Cache | None = None,
        reader: Reader | None = None,
    ) -> None:  # fmt: skip
        self.config, self.state, self.backend, self.portal = config, state, backend, portal
        self.identity, self.news = identity, news
        self.epoch = 0
        # What both sides can do beyond the first version; nothing else is sent or expected.
        self.features: frozenset[str] = frozenset()
        # Until when the portal wants our key replaced, where a person has set such a day.
        self.replace_key_by: str | None = None
        self._portal_key_asked = ""
        self.inputs = inputs or Inputs(config.portal_url)
        self.reader = reader or Reader(config.allowed)
        self.cache = cache or cache_for(config, state)
        self.books = Books(state)
        self.saying = Saying(
            state=state, backend=backend, inputs=self.inputs, held=held or Held(state), cache=self.cache,
            books=self.books,
        )  # fmt: skip
        # A session that was opened while the scheduler was away has offered no GPUs; a new one is due when it is back.
        self._offered_none = False

    def begin(self) -> None:
        """Opens a session: from now on older ones are fenced off."""
        self.saying.models = self.cache.models()
        describe = {
            **self.backend.describe(),
            "recipes": sorted(self.config.allowed.recipes),
            "features": list(FEATURES),
            "portal_keys": pinning.names_of(self.identity),
            "models": self.saying.models,
            **({"country": self.config.allowed.country} if self.config.allowed.country else {}),
        }
        describe["limits"] = {
            **describe.get("limits", {}),
            "gpus": min(self.config.allowed.max_gpus, describe["gpus_total"]),
            "max_seconds": self.config.allowed.max_seconds,
        }
        self._offered_none = describe["gpus_total"] == 0
        answer = self.portal.session(describe)
        self.epoch, self.features = answer["epoch"], agreed(answer)
        about = {"epoch": self.epoch, "site": answer["site"], "features": sorted(self.features), "at": time.time()}
        self.state.note("session", about)
        logger.info("Session %d at %s", self.epoch, answer["site"])
        if self._trusts_more(answer):
            self.begin()  # so that the portal knows which of its keys we can check
            return
        self._lost_without_trace(answer["attempts"])
        self._send_tokenizers(answer["tokenizers_wanted"])

    def _trusts_more(self, answer: dict[str, Any]) -> bool:
        """Takes in which keys of the portal count from now on; whether that has changed."""
        self.portal.name_keys("keys" in self.features)
        identity = pinning.pinned(self.identity, answer) if "keys" in self.features else self.identity
        changed = identity.pinned != self.identity.pinned
        if changed:
            self.portal.keeper.keep(identity)
            self.identity = identity
            logger.info("The portal's newest key is %s.", pinning.names_of(identity)[0])
        return changed

    def _lost_without_trace(self, held: list[dict[str, str]]) -> None:
        """What the portal thinks we run and we know nothing of (our state was lost) is said to be lost.

        What we had not committed to is handed out again, or goes back to the queue by itself.
        """
        for one in held:
            if one["state"] in _COMMITTED and self.state.attempt(one["key"]) is None:
                self.state.take(key=one["key"], token=one["token"], payload={}, lease_seconds=0)
                self.state.move(one["key"], "failed", **ended_as("record_lost"))

    def _send_tokenizers(self, wanted: list[str]) -> None:
        for slug in wanted:
            try:
                found = tokenizer_of(self.cache.tokenizer_folder(slug), slug)
                if found is not None:
                    self.portal.tokenizer(slug=slug, tokenizer=found[0], config=found[1])
            except (Refused, OSError, ValueError):
                logger.warning("The tokenizer of %s could not be sent.", slug, exc_info=True)

    # ---- one exchange --------------------------------------------------------------------------------------------

    def say(self) -> float:
        """Says everything, hears everything. Returns how long to wait before the next exchange."""
        attempts = [attempt for attempt in self.state.attempts() if not attempt.dropped]
        open_ones = [one for one in attempts if not one.closed]
        # What the portal has closed and still runs has usage to report soon.
        busy = bool(open_ones) or any(not one.final or self._to_remove(one) for one in attempts)
        idle = self.config.wait_seconds
        if not self.saying.models:
            idle = min(idle, EMPTY_STORE_POLL)
        message = self.saying.message(
            open_ones, epoch=self.epoch, wait=min(idle, _patience(open_ones)) if busy else idle, features=self.features
        )
        changed = "models" in message or (self._offered_none and message["capacity"].get("gpus_total", 0) > 0)
        try:
            answer = self.portal.sync(message)
        except Refused as refusal:
            if refusal.code == "stale_epoch":
                raise NewerSession(refusal.detail) from refusal
            raise
        self._hear(answer, {attempt.key: attempt for attempt in attempts})
        self.inputs.hear(answer)
        self.books.heard(answer.get("usage_wanted", ()))
        self.replace_key_by = answer.get("replace_key_by")
        changed = changed or self._unknown_portal_key(answer.get("portal_key"))
        self.state.note("portal", {"heard": time.time(), "time": answer["time"]})
        if changed:
            # The portal says in a session which tokenizers it lacks, and hears in it what the site has.
            self.begin()
        if answer["cancel"]:
            return 0.0
        if answer["work"]:
            return STAGING_SECONDS
        return max(float(answer["poll_after"]), 0.0 if message["wait"] else BUSY_SECONDS)

    def _to_remove(self, attempt: Attempt) -> bool:
        """Whether its data are about to go, which is to be said."""
        due = time.time() >= removal.keep_until(attempt, self.config)
        return attempt.closed and due and removal.FEATURE in self.features

    def _unknown_portal_key(self, name: Any) -> bool:
        """The portal signs with a key we have not heard of: a session introduces it. Asked once for each."""
        if not name or name in (*pinning.names_of(self.identity), self._portal_key_asked):
            return False
        self._portal_key_asked = name
        return True

    # ---- the answer ----------------------------------------------------------------------------------------------

    def _hear(self, answer: dict[str, Any], attempts: dict[str, Attempt]) -> None:
        # A hundred acknowledgements are one write to the disk, not a hundred.
        with self.state.together():
            self._note(answer, attempts)
        with self.state.together():
            for work in answer["work"]:
                self._take(work)

    def _note(self, answer: dict[str, Any], attempts: dict[str, Attempt]) -> None:
        acks = answer["acks"]
        for key, whole in acks["events"].items():
            self.state.set(key, events_acked=int(whole))
        for key, whole in acks["logs"].items():
            self.state.set(key, log_acked=int(whole))
        self.state.usage_acknowledged([int(one) for one in acks["usage"] if str(one).isdigit()])
        # What must stop is written down before what may go on.
        for row in answer["refused"]:
            self._refused(row)
        for key in answer["closed"]:
            attempt = attempts.get(key)
            if attempt is not None and (not attempt.final or self._all_said(key)):
                self.state.set(key, closed=1)
        for key, seq in acks["attempts"].items():
            self.state.acknowledge(key, int(seq))
        removal.hear(self.state, answer)
        wishes.hear(self.state, answer)
        for key in answer["cancel"]:
            self.state.set(key, cancel=1)

    def _all_said(self, key: str) -> bool:
        """Whether the streams of a closed attempt have arrived in full, so that its data may go."""
        attempt = self.state.attempt(key)
        if attempt is None or not attempt.payload or time.time() > (attempt.ended_at or 0) + GIVE_UP_STREAMS:
            return True
        tail = EventTail(self.backend.stage(key, "out") / "events.jsonl")
        rest = self.backend.logs(key, attempt.log_acked, 1) if attempt.log_acked < LOG_LIMIT else b""
        return not tail.after(attempt.events_acked) and not rest

    def _refused(self, row: dict[str, Any]) -> None:
        logger.error("The portal refused a report: %s", row)
        if row["code"] == "internal":
            return  # the portal's own mistake: said again until it is mended
        if row["kind"] == "usage" and str(row["id"]).isdigit():
            self.state.usage_refused(int(row["id"]), row["code"])
        if row["code"] in _GONE:
            self.state.set(row["key"], dropped=1)

    def _take(self, message: dict[str, Any]) -> None:
        """Signed work: verified, held against the allow-list, written down. What is refused is answered."""
        try:
            raw = verified(message, self.identity)
        except WorkRefused as refusal:
            logger.error("%s", refusal.sentence)
            return
        try:
            work = self.reader.work(raw)
        except WorkRefused as refusal:
            logger.error("Attempt %s: %s", refusal.key, refusal.sentence)
            if refusal.key and self.state.take(key=refusal.key, token=refusal.token, payload={}, lease_seconds=0):
                self.state.move(refusal.key, "failed", **refused(refusal))
            return
        if self.state.take(key=work.key, token=work.token, payload=raw, lease_seconds=work.lease_seconds):
            logger.info("Attempt %s: leased (%s)", work.key, work.spec.name)


def _patience(attempts: list[Attempt]) -> int:
    """Seconds to wait for new work while there is some: none while the portal's word on any of it is due."""
    due = ("leased", "staging", "submitted")
    return 0 if any(one.state in due or one.acked < one.seq for one in attempts) else int(BUSY_SECONDS)


def pause_after(trouble: PortalAway, failures: int) -> float:
    """Longer each time, at most half a minute, with jitter so that a returning portal is not stormed."""
    longest = min(30.0, 0.5 * 2 ** min(failures, 8))
    return max(trouble.retry_after or 0.0, random.uniform(longest / 2, longest))  # noqa: S311
