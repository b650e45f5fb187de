"""Usage as it is read from a message: into the book, and noted for the comparison of whole days."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError

from jobs.execution.reports import ReportRefused, Usage
from jobs.execution.rules import CLOCK_SKEW
from jobs.execution.services import take_usage, write_together
from jobs.execution.services.usage import known_usage
from jobs.execution.services.usage_together import Named, name_of
from jobs.metering.reconciliation import Comparison, Heard, take_comparison
from jobs.metering.witnesses import hear_heartbeat
from jobs.models import Attempt, SiteAgent, UsageRecord
from jobs.siteapi.messages import Item, SyncMessage, read_digests, read_usage
from jobs.siteapi.services.attempts import under_lease
from jobs.states import JobState
from models_hub.specs import SpecError
from portal.kernel.errors import DomainError

logger = logging.getLogger(__name__)
RECONCILIATION, PROVISIONAL = "reconciliation", "provisional"


class Books:
    """One message's usage and digests."""

    def __init__(self, agent: SiteAgent, at: datetime) -> None:
        self.agent, self.at = agent, at
        self.said = Comparison()
        self.written: dict[tuple[UUID, Named], UsageRecord] = {}

    def take_together(self, items: list[Item], attempts: Mapping[str, Attempt]) -> None:
        """Writes what is plain in one go; `take` then finds it done. What cannot be read is left to `take` as well."""
        pairs = []
        for item in items:
            try:
                attempt = under_lease(attempts, key=item.key, token=item.token, open_only=False)
                pairs.append((attempt, read_usage(item.fields)))
            except (DomainError, SpecError):
                continue
        for name, record in write_together(pairs, at=self.at).items():
            self.written[(record.attempt_id, name)] = record

    def take(self, attempt: Attempt, item: Item) -> None:
        """One usage row. A refused one is noted as well: it stands in the site's book."""
        usage = read_usage(item.fields)
        written = self.written.get((attempt.pk, name_of(usage)))
        if written is not None:
            self._note(attempt, usage, written, fresh=True)
            return
        try:
            record, fresh = take_usage(attempt=attempt, usage=usage, at=self.at)
        except ReportRefused as refusal:
            known = known_usage(attempt, usage) if refusal.code == "usage_conflict" else None
            self._note(attempt, usage, known, refused=refusal.code)
            raise
        self._note(attempt, usage, record, fresh=fresh)

    def _note(
        self, attempt: Attempt, usage: Usage, record: UsageRecord | None, *, fresh: bool = False, refused: str = ""
    ) -> None:
        self.said.heard.append(
            Heard(
                attempt=attempt,
                day=usage.ended_at.astimezone(UTC).date(),
                cluster=usage.cluster,
                native_id=usage.native_id,
                gpu_seconds=usage.gpu_seconds,
                record=record,
                fresh=fresh,
                refused=refused,
            )
        )

    def hear_heartbeat(self, attempt: Attempt, item: Item) -> None:
        """GPU-seconds so far, while it runs. A number that is none is no heartbeat."""
        held = item.fields.raw.get("held_gpu_seconds")
        if self.agent.knows(PROVISIONAL) and type(held) is int and item.fields.raw.get("state") == JobState.RUNNING:
            hear_heartbeat(attempt=attempt, held=held, at=self.at, skew=CLOCK_SKEW)

    def compare(self, message: SyncMessage) -> list[str]:
        """The days of which the agent is asked to say every row again."""
        if not self.agent.knows(RECONCILIATION):
            return []
        self.said.digests = read_digests(message.digests)
        try:
            return take_comparison(agent=self.agent, said=self.said, at=self.at)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # Our mistake with a comparison holds up no report; the agent says its digests again.
            logger.exception("The books of %s could not be compared", self.agent)
            return []
