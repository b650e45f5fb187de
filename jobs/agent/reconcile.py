"""The agent's half of the daily comparison of books: a digest of each day's usage, and every row again when asked.

A digest of the last three days goes up at each start and once an hour, and for a day the portal asks for. A day is
said only when the portal has answered for every row of it, so that what is still on its way is no difference.
"""

import hashlib
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.agent.state import State

logger = logging.getLogger(__name__)

RECONCILIATION = "reconciliation"
DAYS = 3
EVERY_SECONDS = 3600.0
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


def digest_of(day: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`{"day", "rows", "gpu_seconds", "digest"}` of usage rows as they are reported."""
    found = list(rows)
    text = "".join(f"{line}\n" for line in sorted(_line(row) for row in found))
    return {
        "day": day,
        "rows": len(found),
        "gpu_seconds": sum(row["gpu_seconds"] for row in found),
        "digest": hashlib.sha256(text.encode()).hexdigest(),
    }


def _line(row: Mapping[str, Any]) -> str:
    words = (
        row["key"], row["cluster"], row["native_id"], _moment(row["started_at"]), _moment(row["ended_at"]),
        row["method"], row["gpus"], row["gpu_seconds"],
    )  # fmt: skip
    return "|".join(str(word) for word in words)


def _moment(value: str) -> str:
    return datetime.fromisoformat(value).astimezone(UTC).strftime(MOMENT)


class Books:
    """Which days are due to be said. A kill loses none: the portal asks again for what it has not heard."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._due: set[str] = set()
        self._said: set[str] = set()
        self._next = 0.0

    def words(self) -> list[dict[str, Any]]:
        """The digests for the next message."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_SECONDS
            today = datetime.now(UTC).date()
            self._due |= {(today - timedelta(days=back)).isoformat() for back in range(DAYS)}
        ready = [day for day in sorted(self._due) if not self.state.owes_usage_of(day)]
        self._said = set(ready)
        return [digest_of(day, self.state.usage_of(day)) for day in ready]

    def heard(self, wanted: Iterable[str]) -> None:
        """The portal has heard them. The days it asks for are said again, row by row, and then their digest."""
        self._due -= self._said
        for day in wanted:
            rows = self.state.usage_again(day)
            logger.info("The portal's book of %s differs from ours; %d rows are sent again.", day, rows)
            self._due.add(day)
        self._said = set()
