"""Good settings for a run, worked out from the model, the data and the place.

Where the numbers come from: LoRA 2e-4, full 2e-5, encoders 2e-4 (small) or 5e-5 (base); cosine, 5 % warm-up; passes
by rows (under 300: 5, to 2,000: 3, then fewer); a tenth held out; patience 2. Models below 100 million parameters take
larger steps: our own runs of a 4-million model needed 1e-3 (full) and 4e-3 (LoRA).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from catalog.models import FoundationModel
from models_hub.estimate import Corrections, EstimateRequest, memory_per_gpu
from models_hub.recipes.base import Answers, Context, Place
from models_hub.recipes.hardware import hardware_of, is_cpu, shape_of

DEFAULT_SEED = 42
SMALL_MODEL = 100_000_000
EVALUATIONS = 8
ROWS_OF_A_TRIAL = 300
MICRO_BATCHES = (16, 8, 4, 2, 1)
LONGEST_ROW = 4096
# A run is stopped at this many times the upper end of its estimate, and never before half an hour: what is not used is
# given back. A processor that other work shares was seen ten times slower than when it was idle.
SLACK = 2.0
SLACK_ON_CPU = 6.0
SHORTEST_LIMIT = 1800
CURVE_POINTS = 60


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every number of a run. Steps are optimiser steps."""

    method: str
    epochs: float
    learning_rate: float
    micro_batch: int
    accumulation: int
    max_length: int
    warmup_ratio: float
    scheduler: str
    patience: int
    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    gpus: int
    seed: int
    samples: int
    max_new_tokens: int
    steps: int = 0
    eval_every: int = 1
    save_every: int = 1
    log_every: int = 1

    @property
    def has_lora(self) -> bool:
        return self.method in ("lora", "qlora")

    @property
    def evaluations(self) -> int:
        return max(1, math.ceil(self.steps / self.eval_every)) if self.steps else 0


def epochs_for(rows: int, effort: str) -> float:
    """Passes over the data. A trial sees about 300 rows once; thorough twice the standard, and stops early."""
    if effort == "quick":
        return 1.0 if rows <= ROWS_OF_A_TRIAL else round(max(0.1, ROWS_OF_A_TRIAL / rows), 3)
    standard = 5 if rows < 300 else 3 if rows <= 2000 else 2 if rows <= 20_000 else 1
    return float(standard * 2 if effort == "thorough" else standard)


def learning_rate_for(method: str, parameters: int) -> float:
    small = parameters < SMALL_MODEL
    if method in ("lora", "qlora"):
        return 4e-3 if small else 2e-4
    if method == "full":
        return 1e-3 if small else 2e-5
    return 2e-4 if small else 5e-5


def rows_per_step_for(rows: int) -> int:
    """Rows that one optimiser step learns from, over all GPUs."""
    return 8 if rows < 1000 else 16 if rows < 20_000 else 32


def max_length_for(longest: int, context: int | None) -> int:
    """The longest row, rounded up to 64 tokens, within what the model was made for and 4,096."""
    wanted = max(64, math.ceil(longest / 64) * 64)
    return min(wanted, context or LONGEST_ROW, LONGEST_ROW)


def patience_for(effort: str) -> int:
    return 0 if effort == "quick" else 2


def paced(settings: Settings, rows: int) -> Settings:
    """How often to log, check and save: about eight checks a run, at least one each pass."""
    each = settings.micro_batch * settings.accumulation * settings.gpus
    in_a_pass = max(1, math.ceil(rows / each))
    steps = max(1, math.ceil(in_a_pass * settings.epochs))
    every = max(1, min(in_a_pass, math.ceil(steps / EVALUATIONS)))
    return replace(settings, steps=steps, eval_every=every, save_every=every, log_every=max(1, steps // CURVE_POINTS))


def fitted(settings: Settings, request: EstimateRequest, rows_per_step: int) -> Settings:
    """The most rows at a time that fit, up to `rows_per_step`; accumulation makes up the rest."""
    for micro in MICRO_BATCHES:
        if micro * settings.gpus > max(rows_per_step, settings.gpus):
            continue
        memory = memory_per_gpu(replace(request, micro_batch=micro))
        if micro == 1 or (memory.fits and not memory.tight):
            return with_batch(settings, micro, rows_per_step)
    return with_batch(settings, 1, rows_per_step)


def with_batch(settings: Settings, micro: int, rows_per_step: int) -> Settings:
    return replace(settings, micro_batch=micro, accumulation=max(1, rows_per_step // (micro * settings.gpus)))


def request_for(settings: Settings, context: Context, place: Place) -> EstimateRequest:
    """The estimator's question for these settings at that place. The context must be ready."""
    if context.model is None or context.tokens is None:
        raise ValueError("an estimate needs a model and data")
    hardware = hardware_of(place.partition)
    corrections = context.corrections.get((place.partition.pk, settings.method), Corrections())
    held_out = context.rows("validation") * settings.evaluations + 2 * context.rows("test")
    return EstimateRequest(
        shape=shape_of(context.model),
        hardware=hardware,
        method=settings.method,
        rows=context.rows("train"),
        mean_tokens=max(1.0, context.tokens.mean),
        p95_tokens=context.tokens.p95,
        longest_tokens=max(1, context.tokens.longest),
        epochs=settings.epochs,
        max_length=settings.max_length,
        micro_batch=settings.micro_batch,
        accumulation=settings.accumulation,
        lora_rank=settings.lora_rank,
        gpus=settings.gpus,
        checkpointing=hardware.precision == "bf16",
        evaluation_rows=held_out,
        generated_tokens=2 * settings.samples * settings.max_new_tokens,
        classes=max(2, len(context.dataset.labels) if context.dataset else 2),
        corrections=corrections,
    )


def seconds_limit(high_seconds: float, settings: Settings, place: Place) -> int:
    """When the site stops the run, in seconds: within the partition's limit and the hours that are left."""
    slack = SLACK_ON_CPU if is_cpu(place.partition) else SLACK
    limit = max(SHORTEST_LIMIT, math.ceil(high_seconds * slack / 60) * 60)
    limit = min(limit, place.partition.max_hours * 3600)
    affordable = place.available_seconds // settings.gpus
    if high_seconds <= affordable < limit:
        limit = affordable
    return int(max(60, limit))


def answered(answers: Answers, step: str, name: str, otherwise: Any) -> Any:
    """An answer, or our default where the question was left empty."""
    value = answers.get(step, {}).get(name)
    return otherwise if value is None or value == "" else value


def parameters_of(model: FoundationModel | None) -> int:
    if model is None:
        return 0
    if model.params:
        return int(model.params)
    return shape_of(model).parameters if model.has_shape else 0


def chosen_gpus(answers: Answers, place: Place | None) -> int:
    wanted = int(answered(answers, "training", "gpus", 1))
    return wanted if place is None or wanted in place.gpu_counts else 1


def overrides(answers: Answers, names: Mapping[str, type]) -> dict[str, Any]:
    """The advanced answers that were given, as plain numbers."""
    given = answers.get("training", {})
    return {name: kind(given[name]) for name, kind in names.items() if given.get(name) not in (None, "")}
