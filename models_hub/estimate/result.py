"""What the estimator answers: numbers that each explain themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from models_hub.wording import Text


@dataclass(frozen=True, slots=True)
class Input:
    """One value that went into a number."""

    name: Text
    value: float | int | str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its label, its formula in words, what went into it and where the method comes from."""

    code: str
    value: float
    unit: str
    label: Text
    formula: Text
    source: Text
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """A number that is not known exactly before the run: from `low` to `high`, `likely` in between."""

    code: str
    low: float
    likely: float
    high: float
    unit: str
    label: Text
    formula: Text
    source: Text
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory per GPU. Components add up to the total; `group` sorts them for a short legend."""

    components: tuple[Figure, ...]
    total: Figure
    capacity_gb: float

    @property
    def fits(self) -> bool:
        return self.total.value <= self.capacity_gb

    @property
    def share(self) -> float:
        """Part of the GPU's memory that is taken; above 1 it does not fit."""
        return self.total.value / self.capacity_gb

    @property
    def tight(self) -> bool:
        """Fits, but with less than a tenth to spare."""
        return self.fits and self.share > 0.9

    @property
    def groups(self) -> dict[str, float]:
        """GB by the four words of a short legend: model, optimiser, examples, system."""
        sums = {"model": 0.0, "optimiser": 0.0, "examples": 0.0, "system": 0.0}
        for component in self.components:
            sums[GROUP_OF[component.code]] += component.value
        return sums


GROUP_OF = {
    "weights": "model",
    "buffer": "model",
    "trainable": "optimiser",
    "activations": "examples",
    "logits": "examples",
    "features": "examples",
    "fragmentation": "system",
    "runtime": "system",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The smallest change that would fit: request fields to set, the memory it would need, one sentence."""

    changes: Mapping[str, Any]
    total_gb: float
    sentence: Text


@dataclass(frozen=True, slots=True)
class Estimate:
    """Everything known about a run before it starts."""

    method: str
    gpus: int
    parameters: Figure
    trainable_parameters: Figure
    memory: Memory
    steps: int
    tokens: Figure
    flops: Figure
    seconds: Range
    gpu_hours: Range
    energy_kwh: Range
    co2e_kg: Range
    verdict: Text
    suggestion: Suggestion | None
    notes: tuple[Text, ...] = ()

    @property
    def fits(self) -> bool:
        return self.memory.fits

    def as_dict(self) -> dict[str, Any]:
        """JSON-serialisable, sentences as message and values."""
        data: dict[str, Any] = _plain(asdict(self))
        data["memory"] |= {
            "fits": self.memory.fits,
            "tight": self.memory.tight,
            "share": self.memory.share,
            "groups": self.memory.groups,
        }
        return {"schema": "open-paas/estimate/1", **data}


def value_of(gpu_hours: float | Decimal, rate: Decimal) -> Decimal:
    """What GPU-hours are worth at a rate in euro per GPU-hour; unrounded, rounding is the caller's one place."""
    return Decimal(str(gpu_hours)) * rate


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
