"""What is asked of the estimator, in one frozen object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from models_hub.estimate.hardware import Hardware
from models_hub.estimate.shape import Shape
from models_hub.wording import Text, gettext_noop

METHODS = ("lora", "qlora", "full", "encoder", "baseline")

# A correction is believed from three finished runs on, and only within these bounds: beyond them something else is
# wrong (a busy node, a wrong declaration) and a person should look at the record instead.
LEAST_RUNS = 3
TIME_BOUNDS = (0.5, 3.0)
MEMORY_BOUNDS = (0.8, 1.5)
ENERGY_BOUNDS = (0.3, 3.0)


@dataclass(frozen=True, slots=True)
class Correction:
    """A factor learned from finished runs: the median of measured over predicted."""

    factor: float = 1.0
    runs: int = 0
    median: float = 1.0
    bounds: tuple[float, float] = TIME_BOUNDS

    @property
    def clamped(self) -> bool:
        return self.runs >= LEAST_RUNS and self.factor != self.median

    def explain(self) -> Text:
        if self.runs == 0:
            return Text(gettext_noop("No finished run of this kind yet, so nothing is corrected."))
        if self.runs < LEAST_RUNS:
            return Text(
                gettext_noop("Only %(runs)s finished runs of this kind; from %(least)s on they correct the estimate."),
                {"runs": self.runs, "least": LEAST_RUNS},
            )
        if self.clamped:
            return Text(
                gettext_noop(
                    "The median of %(runs)s finished runs is %(median)s times the prediction; "
                    "we correct by %(factor)s at most."
                ),
                {"runs": self.runs, "median": self.median, "factor": self.factor},
            )
        return Text(
            gettext_noop("Corrected by %(factor)s, the median of %(runs)s finished runs over their predictions."),
            {"factor": self.factor, "runs": self.runs},
        )


def correction_from(ratios: Iterable[float], *, bounds: tuple[float, float] = TIME_BOUNDS) -> Correction:
    """From measured/predicted ratios of finished runs of the same method on the same hardware."""
    usable = [ratio for ratio in ratios if ratio > 0]
    if not usable:
        return Correction(bounds=bounds)
    middle = median(usable)
    if len(usable) < LEAST_RUNS:
        return Correction(1.0, len(usable), middle, bounds)
    return Correction(min(max(middle, bounds[0]), bounds[1]), len(usable), middle, bounds)


@dataclass(frozen=True, slots=True)
class Corrections:
    time: Correction = field(default_factory=Correction)
    memory: Correction = field(default_factory=Correction)
    energy: Correction = field(default_factory=Correction)


@dataclass(frozen=True, slots=True)
class EstimateRequest:
    """A run before it starts. Lengths are in tokens, counted with the model's own tokenizer where we have it.

    `rows` are training rows; `evaluation_rows` counts every forward pass over held-out rows (validation rows times
    evaluations, test rows before and after); `generated_tokens` what the evaluation writes. `sharded` splits weights
    and optimiser over the GPUs instead of holding a copy on each. `chunked_loss` means that the loss never holds the
    whole table of logits. `full_precision_bytes` is 18 for full training with fp32 master weights, 8 for pure bf16.
    """

    shape: Shape
    hardware: Hardware
    method: str
    rows: int
    mean_tokens: float
    epochs: float = 3.0
    max_length: int = 1024
    longest_tokens: int | None = None
    p95_tokens: float | None = None
    micro_batch: int = 1
    accumulation: int = 1
    lora_rank: int = 16
    gpus: int = 1
    sharded: bool = False
    checkpointing: bool = True
    chunked_loss: bool = False
    full_precision_bytes: int = 18
    evaluation_rows: int = 0
    generated_tokens: int = 0
    classes: int = 2
    corrections: Corrections = field(default_factory=Corrections)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}")
        for name in ("rows", "max_length", "micro_batch", "accumulation", "gpus", "lora_rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.mean_tokens <= 0 or self.epochs <= 0:
            raise ValueError("mean_tokens and epochs must be above zero")
        if self.evaluation_rows < 0 or self.generated_tokens < 0:
            raise ValueError("evaluation_rows and generated_tokens must not be negative")

    @property
    def window(self) -> int:
        """The longest row a step can hold: the set length, or the data's longest row where that is shorter."""
        return min(self.max_length, self.longest_tokens) if self.longest_tokens else self.max_length

    @property
    def padded_tokens(self) -> float:
        """Tokens a row costs: short rows are filled up to the longest of their micro-batch."""
        mean = min(self.mean_tokens, self.window)
        if self.micro_batch == 1 or self.p95_tokens is None:
            return mean
        long = min(max(self.p95_tokens, mean), self.window)
        return mean + (long - mean) * (1 - 1 / self.micro_batch)
