"""Whom a message speaks of, where the site holds more attempts than the portal takes in one."""

from collections.abc import Sequence

from jobs.agent.state import Attempt

# So few are all named in each message.
FEW = 20
# The portal reads at most 500 reports of a kind in one message.
MOST = 400
# Seconds after which an attempt without news is spoken of again: that keeps its lease.
AGAIN = 0.9


class Turns:
    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def next(self, attempts: Sequence[Attempt], *, now: float) -> Sequence[Attempt]:
        """First what the portal has not heard, then whoever was spoken of longest ago. `now` in seconds, monotonic."""
        if len(attempts) <= FEW:
            return attempts
        told = {one.key: self._told.get(one.key, float("-inf")) for one in attempts}
        due = [one for one in attempts if one.acked < one.seq or now - told[one.key] >= AGAIN]
        chosen = sorted(due, key=lambda one: (one.acked >= one.seq, told[one.key]))[:MOST]
        self._told = told | {one.key: now for one in chosen}
        return chosen
