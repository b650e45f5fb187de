"""A day's usage of an agent in one line: how many rows, how many GPU-seconds, and a digest over all of them. Pure.

The same words in both languages of the federation: `jobs.agent.reconcile` makes its digest of the same lines, and
docs/site-protocol.md says them for agents of others.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Digest:
    """One UTC day of `ended_at`."""

    day: date
    rows: int
    gpu_seconds: int
    digest: str


@dataclass(frozen=True)
class Line:
    """What of a row is compared."""

    key: str
    cluster: str
    native_id: str
    started_at: datetime
    ended_at: datetime
    method: str
    gpus: int
    gpu_seconds: int

    def __str__(self) -> str:
        words = (
            self.key, self.cluster, self.native_id, moment(self.started_at), moment(self.ended_at), self.method,
            str(self.gpus), str(self.gpu_seconds),
        )  # fmt: skip
        return "|".join(words)


def moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime(MOMENT)


def digest_of(day: date, lines: Iterable[Line]) -> Digest:
    """The digest of a day, over its lines in sorted order."""
    rows = list(lines)
    text = "".join(f"{line}\n" for line in sorted(str(row) for row in rows))
    return Digest(day, len(rows), sum(row.gpu_seconds for row in rows), hashlib.sha256(text.encode()).hexdigest())
