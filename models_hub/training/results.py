"""The words of `result.json`, the same for every recipe and every end."""

from __future__ import annotations

from typing import Any

from models_hub.specs import JOB_RESULT_SCHEMA, JobSpec, headline
from models_hub.training.context import Context, Outcome
from models_hub.training.device import versions
from models_hub.training.events import Events
from models_hub.training.store import StoredModel


def result_of(
    *, spec: JobSpec | None, model: StoredModel | None, context: Context | None, events: Events, outcome: Outcome
) -> dict[str, Any]:
    """What is known at the end. A run that failed early knows little: what it never learnt is null or empty."""
    return {
        "schema": JOB_RESULT_SCHEMA,
        "state": "stopped" if outcome.stopped else "succeeded",
        "hint_code": None,
        "sentence": None,
        "next_step": None,
        "detail": None,
        "spec_hash": spec.spec_hash if spec else None,
        "recipe": spec.recipe.value if spec else None,
        "method": spec.method.value if spec else None,
        "base_model": _base(model),
        "headline": headline(spec.recipe).value if spec else None,
        "improved": _improved(spec, outcome),
        "before": outcome.before,
        "after": outcome.after,
        "baseline": outcome.baseline,
        "majority": outcome.majority,
        "labels": list(spec.data.labels) if spec else [],
        "samples": outcome.samples,
        "steps": outcome.steps or {"done": 0, "planned": 0, "best": None, "stopped_early": False},
        "data": outcome.data,
        "measured": _measured(context, events, outcome),
        "versions": versions(),
    }


def _base(model: StoredModel | None) -> dict[str, Any] | None:
    if model is None:
        return None
    return {
        "id": model.id,
        "revision": model.revision,
        "digest": model.digest,
        "demonstration": model.demonstration,
    }


def _improved(spec: JobSpec | None, outcome: Outcome) -> bool | None:
    """By the headline metric; None where there is nothing to compare."""
    if spec is None or not outcome.before or not outcome.after:
        return None
    metric = headline(spec.recipe)
    return metric.improved(outcome.before[metric], outcome.after[metric])


def _measured(context: Context | None, events: Events, outcome: Outcome) -> dict[str, Any]:
    energy = context.energy.joules() if context else None
    if energy is not None and events.energy_before:
        energy += events.energy_before
    peak = context.device.peak_memory_mb() if context else 0.0
    return {
        "device": context.device.name if context else None,
        "peak_memory_mb": max(peak, events.peak_memory_mb),
        "train_seconds": round(events.train_seconds_before + outcome.train_seconds, 2),
        "wall_seconds": round(events.elapsed, 2),
        "tokens": outcome.tokens,
        "energy_j": energy,
        "attempts": events.attempt,
    }
