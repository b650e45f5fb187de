"""The one message that is lease, heartbeat and report. Each report stands for itself: a bad one harms no other."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from catalog.models import Site
from jobs.execution.rules import LEASE, MAX_LOG_BYTES
from jobs.execution.services import (
    heartbeat,
    lease_jobs,
    observe_beginnings,
    observe_events,
    observe_log,
    observe_state,
)
from jobs.execution.services.observe import event_position, log_position
from jobs.models import Attempt, SiteAgent
from jobs.siteapi.messages import Item, SyncMessage, read_events, read_log, read_removal, read_state
from jobs.siteapi.services.attempts import attempts_of, under_lease
from jobs.siteapi.services.books import Books
from jobs.siteapi.services.capacity import remembered, store_capacity
from jobs.siteapi.services.drain import drain_wish
from jobs.siteapi.services.messages import MOST_CODES, note_message
from jobs.siteapi.services.removal import observe_removal
from jobs.siteapi.services.store import report_models
from jobs.siteapi.services.work import all_signed
from jobs.states import JOB_FINAL, JobState
from models_hub.specs import SpecError
from portal.kernel.errors import DomainError

logger = logging.getLogger(__name__)
INTERNAL = "internal"
# What somebody who means well does not send; it is written down.
_FORGED = frozenset(
    {
        "attempt_unknown",
        "stale_lease",
        "usage_method",
        "usage_negative",
        "usage_in_the_future",
        "usage_before_lease",
        "usage_too_many_gpus",
        "usage_beyond_wall_time",
        "usage_overlaps",
        "usage_conflict",
    }
)


def check_epoch(agent: SiteAgent, epoch: int) -> None:
    """Only the newest session of an agent is listened to."""
    if epoch != agent.epoch:
        raise DomainError("stale_epoch", _("A newer session of this agent has begun. Stop, or open a new session."))


def take_reports(*, agent: SiteAgent, message: SyncMessage, at: datetime) -> dict[str, Any]:
    """Takes in every report and answers with what is acknowledged, missing, refused and closed."""
    capacity = remembered(agent, message.capacity, at=at)
    reading = _Reading(agent, message, at)
    if not reading.whole(
        "capacity", lambda: store_capacity(agent=agent, capacity=message.capacity, kept=capacity, at=at)
    ):
        capacity.pop("rows")
    SiteAgent.objects.filter(pk=agent.pk, epoch=message.epoch).update(last_seen_at=at, capacity=capacity)
    if message.models is not None:
        report_models(site=agent.site, models=message.models, at=at)
    reading.each("events", message.events, reading.events)
    reading.each("logs", message.logs, reading.log)
    # Usage before states: a job that ends in this very message is settled with it.
    reading.books.take_together(message.usage, reading.attempts)
    reading.each("usage", message.usage, reading.usage)
    reading.beat(message.attempts)
    reading.begin_together(message.attempts)
    reading.each("attempts", message.attempts, reading.state)
    reading.whole("digests", lambda: reading.compare(message))
    reading.each("removed", message.removed, reading.removal)
    reading.write_down_forgeries()
    note_message(agent=agent, call="sync", said=reading.said(message), at=at)
    return reading.answer()


class _Reading:
    """One message being read: the attempts it spoke of and what to answer about each."""

    def __init__(self, agent: SiteAgent, message: SyncMessage, at: datetime) -> None:
        self.agent, self.at = agent, at
        spoken_of = (message.attempts, message.events, message.logs, message.usage, message.removed)
        self.attempts = attempts_of(agent, (item.key for items in spoken_of for item in items))
        self.acks: dict[str, dict[str, Any]] = {"attempts": {}, "events": {}, "logs": {}}
        self.gaps: dict[str, list[list[int]]] = {}
        self.usage_acks: list[str] = []
        self.books = Books(agent, at)
        self.usage_wanted: list[str] = []
        self.refused: list[dict[str, str]] = []
        self.closed: set[str] = set()
        self.removed: list[str] = []
        self.begun: set[str] = set()
        self.news = 0  # states that were not known yet

    def each(self, kind: str, items: list[Item], take: Callable[[Attempt, Item], None]) -> None:
        for item in items:
            try:
                take(under_lease(self.attempts, key=item.key, token=item.token, open_only=False), item)
            except DomainError as error:
                self._refuse(kind, item, error.code, str(error.sentence))
            except SpecError as error:
                self._refuse(kind, item, "malformed", f"{error.field}: {error.sentence}")
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                # Our mistake with one report must not hold up the others; the agent says it again.
                logger.exception("A report of %s about %s could not be taken in", self.agent, item.key)
                self._refuse(kind, item, INTERNAL, _("The portal made a mistake. Say it again later."))

    def whole(self, kind: str, take: Callable[[], Any]) -> bool:
        """A part of the message that is about no single attempt; False when it cannot be read."""
        try:
            take()
        except SpecError as error:
            detail = f"{error.field}: {error.sentence}"
            self.refused.append({"kind": kind, "key": "", "id": "", "code": "malformed", "detail": detail})
            return False
        return True

    def _refuse(self, kind: str, item: Item, code: str, detail: str) -> None:
        self.refused.append(
            {"kind": kind, "key": item.key, "id": str(item.fields.raw.get("id", "")), "code": code, "detail": detail}
        )

    def beat(self, items: list[Item]) -> None:
        held = []
        for item in items:
            try:
                held.append(under_lease(self.attempts, key=item.key, token=item.token))
                self.books.hear_heartbeat(held[-1], item)
            except DomainError:
                continue  # said again, with its reason, when the state itself is read
        if held:
            heartbeat(attempts=held, at=self.at)

    def begin_together(self, items: list[Item]) -> None:
        """Takes in the plain first steps of many attempts at once; `state` then finds them done and acknowledges."""
        pairs = []
        for item in items:
            try:
                attempt = under_lease(self.attempts, key=item.key, token=item.token)
                pairs.append((attempt, read_state(item.fields)))
            except (DomainError, SpecError):
                continue
        try:
            moved = observe_beginnings(pairs, at=self.at)
        except DomainError:
            return  # one of them is odd, or somebody was faster: each is read by itself
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("The first steps that %s reported could not be taken in together", self.agent)
            return
        self.attempts |= {attempt.key: attempt for attempt in moved}
        self.begun = {attempt.key for attempt in moved}

    def state(self, attempt: Attempt, item: Item) -> None:
        report = read_state(item.fields)
        self.news += item.key in self.begun or (attempt.state not in JOB_FINAL and report.seq > attempt.state_seq)
        attempt = observe_state(attempt=attempt, report=report, at=self.at)
        closed = attempt.state in JOB_FINAL
        if closed:
            self.closed.add(item.key)
        if not closed or report.state in JOB_FINAL:
            # A closed attempt that still wants to begin is not acknowledged: that would read as "go on".
            self.acks["attempts"][item.key] = report.seq

    def events(self, attempt: Attempt, item: Item) -> None:
        observe_events(attempt=attempt, events=read_events(item.fields), at=self.at)
        whole, gaps = event_position(attempt)
        self.acks["events"][item.key] = whole
        if gaps:
            self.gaps[item.key] = gaps

    def log(self, attempt: Attempt, item: Item) -> None:
        piece = read_log(item.fields)
        if piece.offset >= MAX_LOG_BYTES:
            self.acks["logs"][item.key] = piece.offset + len(piece.text.encode())
            return
        observe_log(attempt=attempt, piece=piece)
        self.acks["logs"][item.key] = log_position(attempt)

    def usage(self, attempt: Attempt, item: Item) -> None:
        self.books.take(attempt, item)
        self.usage_acks.append(str(item.fields.raw.get("id", "")))

    def compare(self, message: SyncMessage) -> None:
        self.usage_wanted = self.books.compare(message)

    def removal(self, attempt: Attempt, item: Item) -> None:
        observe_removal(attempt=attempt, removed_at=read_removal(item.fields), at=self.at)
        self.removed.append(item.key)

    def said(self, message: SyncMessage) -> dict[str, Any]:
        """The message in numbers, for the operators' page."""
        return {
            "states": self.news,
            "events": sum(len(item.fields.raw.get("events") or ()) for item in message.events),
            "logs": len(message.logs),
            "usage": len(message.usage),
            "removed": len(self.removed),
            "models": len(message.models or ()),
            "digests": len(message.digests),
            "refused": sorted({row["code"] for row in self.refused})[:MOST_CODES],
        }

    def write_down_forgeries(self) -> None:
        forged = [row for row in self.refused if row["code"] in _FORGED]
        if forged:
            with transaction.atomic():
                audit.record(
                    actor=None,
                    action="site.reports_refused",
                    target=self.agent,
                    site=self.agent.site.slug,
                    reports=[{name: row[name] for name in ("kind", "key", "code")} for row in forged[:20]],
                    count=len(forged),
                )

    def answer(self) -> dict[str, Any]:
        return {
            "acks": {**self.acks, "usage": self.usage_acks, "removed": self.removed},
            "gaps": {"events": self.gaps},
            "refused": self.refused,
            "closed": sorted(self.closed),
            "usage_wanted": self.usage_wanted,
        }


def _leased_and_unheard(agent: SiteAgent, message: SyncMessage, at: datetime) -> list[Attempt]:
    """Leases the agent has never spoken of: the answer that carried them was lost, so they are handed out again."""
    heard = [item.key for item in message.attempts]
    unheard = Attempt.objects.filter(agent=agent, state=JobState.LEASED, state_seq=0).exclude(key__in=heard)
    attempts = list(unheard.select_related("job__site", "job__partition")[: message.wanted])
    for attempt in attempts:
        attempt.lease_epoch, attempt.lease_expires_at = agent.epoch, at + LEASE
        attempt.save(update_fields=["lease_epoch", "lease_expires_at"])
    return attempts


def take_work(*, agent: SiteAgent, message: SyncMessage, at: datetime) -> dict[str, Any]:
    """New work for free slots, and the attempts somebody wants stopped. Empty lists when there is nothing."""
    stop = list(
        Attempt.objects.filter(agent=agent, job__cancel_requested_at__isnull=False)
        .exclude(state__in=JOB_FINAL)
        .exclude(key__in=message.stopping)
        .values_list("key", flat=True)
    )
    work: list[dict[str, str]] = []
    status = Site.objects.values_list("status", flat=True).get(pk=agent.site_id)
    if message.wanted and status == Site.Status.CONNECTED:
        leased = _leased_and_unheard(agent, message, at)
        leased += lease_jobs(agent=agent, wanted=message.wanted - len(leased), at=at)
        work = all_signed(leased, at=at)
    note_message(agent=agent, call="sync", said={"work": len(work), "cancel": len(stop)}, at=at)
    return {"work": work, "cancel": stop, "drain": drain_wish(agent, status)}
