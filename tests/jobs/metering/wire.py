"""The agent's half and ours with a bad line between them: its SQLite, its digests, our services."""

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jobs.agent.backends.base import UsageRow
from jobs.agent.reconcile import Books
from jobs.agent.state import State
from jobs.models import UsageRecord
from jobs.siteapi.messages import read_sync
from jobs.siteapi.services.sync import take_reports
from tests.jobs.metering.scene import START

NOW = START + timedelta(hours=12)


class Wire:
    """One agent and the portal. `say` is one exchange; its fate is what the line does to it."""

    def __init__(self, scene: SimpleNamespace, folder: Path) -> None:
        self.scene = scene
        self.state = State(folder / "agent.sqlite3")
        self.state.take(key=scene.attempt.key, token=scene.attempt.lease_token, payload={}, lease_seconds=60)
        self.books = Books(self.state)
        self.books._next = float("inf")  # days are due when the test says so
        self.delayed: list[dict[str, Any]] = []
        self.messages = 0

    def meter(self, *rows: UsageRow) -> None:
        self.state.meter(list(rows))

    def due(self, *days: str) -> None:
        self.books._due |= set(days)

    def say(self, fate: str = "arrives", at: datetime = NOW) -> None:
        self.messages += 1
        message = self._message()
        if fate == "lost":
            return
        if fate == "late":
            self.delayed.append(message)
            return
        answer = self._portal(message, at)
        if fate == "twice":
            answer = self._portal(message, at)
        if fate == "after the late ones":
            for old in [*reversed(self.delayed), message]:
                self._portal(old, at)
        if fate != "answer lost":
            self._hear(answer)

    def until_quiet(self, at: datetime = NOW, most: int = 40) -> None:
        """Exchanges until the agent has nothing left to say."""
        for _exchange in range(most):
            if not self.state.usage_to_report() and not self.books._due:
                return
            self.say(at=at)
        raise AssertionError("the books never come to rest")

    def _message(self) -> dict[str, Any]:
        tokens = {self.scene.attempt.key: self.scene.attempt.lease_token}
        rows = [
            {"id": str(number), "token": tokens.get(row["key"], "?"), **row}
            for number, row in self.state.usage_to_report(most=2)
        ]
        return {"epoch": self.scene.agent.epoch, "usage": rows, "digests": self.books.words()}

    def _portal(self, message: dict[str, Any], at: datetime) -> dict[str, Any]:
        return take_reports(agent=self.scene.agent, message=read_sync(message), at=at)

    def _hear(self, answer: dict[str, Any]) -> None:
        self.state.usage_acknowledged([int(one) for one in answer["acks"]["usage"]])
        for row in answer["refused"]:
            self.state.usage_refused(int(row["id"]), row["code"])
        self.books.heard(answer["usage_wanted"])


def row(scene: SimpleNamespace, *, begin: int, seconds: int = 600, **fields: Any) -> UsageRow:
    """What one start held, as the agent has metered it."""
    facts = {
        "key": scene.attempt.key, "cluster": "alpha", "native_id": str(4000 + begin),
        "started_at": START + timedelta(seconds=begin), "ended_at": START + timedelta(seconds=begin + seconds),
        "gpus": 1, "gpu_seconds": seconds, "cpu_seconds": 0, "energy_joules": None, "method": "accounting",
        "receipt_gpu_seconds": seconds, **fields,
    }  # fmt: skip
    return UsageRow(**facts)


def book() -> list[tuple[str, int, str]]:
    """Our rows: native id, GPU-seconds and method."""
    return sorted(UsageRecord.objects.values_list("native_id", "gpu_seconds", "method"))
