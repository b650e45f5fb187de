"""When two witnesses of the same time are too far apart, in whole seconds of every GPU. Pure.

The accounting and the job's own receipt are both exact: more than 60 s, or more than 1 %, is somebody's to look at.
Below 10 s nothing is said: a scheduler needs as long to start a program and to notice its end, and both sides count
whole seconds. Heartbeats are coarser: there both bounds must be passed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

SECONDS_APART = 60
SHARE_APART = Fraction(1, 100)
# Starting a program and noticing its end takes this long, and stamps are whole seconds.
NOT_TOLD_APART = 10
# A job that ran is given this long, after its end, to be accounted for.
USAGE_EXPECTED_WITHIN = timedelta(hours=1)
# Heartbeats are written down this often.
HEARD_EVERY = timedelta(seconds=15)


@dataclass(frozen=True)
class Held:
    """GPUs held between two moments."""

    started_at: datetime
    ended_at: datetime
    gpus: int


def receipt_differs(*, accounting: int, receipt: int, gpus: int) -> bool:
    """Whether accounting and receipt, both in GPU-seconds on `gpus` GPUs, differ by more than 60 s or 1 %."""
    apart, gpus = abs(accounting - receipt), max(1, gpus)
    return apart > NOT_TOLD_APART * gpus and (apart > SECONDS_APART * gpus or apart > SHARE_APART * accounting)


def heartbeats_differ(*, accounting: int, heartbeats: int, gpus: int) -> bool:
    """Whether GPU-seconds counted by heartbeats differ from the accounting of the same time by more than they may."""
    apart = abs(accounting - heartbeats)
    return apart > SECONDS_APART * max(1, gpus) and apart > SHARE_APART * accounting


def held_until(rows: Iterable[Held], moment: datetime) -> int:
    """GPU-seconds that these rows held up to that moment."""
    return sum(row.gpus * max(0, int((min(row.ended_at, moment) - row.started_at).total_seconds())) for row in rows)
