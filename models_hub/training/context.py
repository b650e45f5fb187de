"""What one run carries from hand to hand, and what a recipe hands back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models_hub.specs import JobSpec
from models_hub.training.data import Row, rows
from models_hub.training.device import Device, EnergyMeter
from models_hub.training.events import Events
from models_hub.training.files import read_json, write_json
from models_hub.training.guard import Guard
from models_hub.training.store import StoredModel


@dataclass(frozen=True, kw_only=True)
class Context:
    spec: JobSpec
    data: Path
    out: Path
    model: StoredModel
    device: Device
    energy: EnergyMeter
    events: Events
    guard: Guard

    @property
    def work(self) -> Path:
        return self.out / "work"

    @property
    def artefacts(self) -> Path:
        return self.out / "artefacts"

    def rows(self, part: str) -> Iterator[Row]:
        return rows(self.spec, self.data, self.spec.data.splits()[part])

    def remember(self, name: str, value: Any) -> None:
        """Keep what was measured before training, so that a resumed run need not (and could not) measure it again."""
        write_json(self.work / f"{name}.json", value)

    def recall(self, name: str) -> Any:
        path = self.work / f"{name}.json"
        return read_json(path) if path.exists() else None


@dataclass(kw_only=True)
class Outcome:
    """What a recipe learnt. `timed_out` and `stopped` say that it ended early; then `after` is None."""

    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    baseline: dict[str, Any] | None = None
    majority: dict[str, Any] | None = None
    samples: list[dict[str, str]] = field(default_factory=list)
    steps: dict[str, Any] = field(default_factory=dict)
    data: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    train_seconds: float = 0.0
    stopped: bool = False
    timed_out: bool = False
