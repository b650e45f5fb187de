"""What a run will take, before it starts: memory, operations, time, energy, carbon.

Pure: the standard library and plain numbers. Formulas and their checks are told in `docs/estimates.md`.

    estimate(EstimateRequest(shape=Shape.from_record(record), hardware=Hardware.from_record(row), method="lora", …))
"""

from __future__ import annotations

from models_hub.estimate import effort
from models_hub.estimate.hardware import Hardware, cpu_slot
from models_hub.estimate.memory import memory_per_gpu
from models_hub.estimate.request import (
    ENERGY_BOUNDS,
    MEMORY_BOUNDS,
    METHODS,
    TIME_BOUNDS,
    Correction,
    Corrections,
    EstimateRequest,
    correction_from,
)
from models_hub.estimate.result import Estimate, Figure, Input, Memory, Range, Suggestion, value_of
from models_hub.estimate.shape import Shape
from models_hub.estimate.suggestion import suggest
from models_hub.wording import Text, Value, gettext_noop

__all__ = [
    "ENERGY_BOUNDS",
    "MEMORY_BOUNDS",
    "METHODS",
    "TIME_BOUNDS",
    "Correction",
    "Corrections",
    "Estimate",
    "EstimateRequest",
    "Figure",
    "Hardware",
    "Input",
    "Memory",
    "Range",
    "Shape",
    "Suggestion",
    "correction_from",
    "cpu_slot",
    "estimate",
    "memory_per_gpu",
    "value_of",
]


def estimate(request: EstimateRequest) -> Estimate:
    """Everything the wizard shows about a run. Costs well under a millisecond; nothing is cached."""
    memory = memory_per_gpu(request)
    flops = effort.flops_figure(request)
    seconds = effort.seconds_range(request, flops.value)
    gpu_hours = effort.gpu_hours_range(request, seconds)
    energy = effort.energy_range(request, gpu_hours)
    return Estimate(
        method=request.method,
        gpus=request.gpus,
        parameters=_parameters(request),
        trainable_parameters=_trainable_parameters(request),
        memory=memory,
        steps=effort.optimiser_steps(request),
        tokens=effort.tokens_figure(request),
        flops=flops,
        seconds=seconds,
        gpu_hours=gpu_hours,
        energy_kwh=energy,
        co2e_kg=effort.carbon_range(request, energy),
        verdict=_verdict(memory, request),
        suggestion=None if memory.fits else suggest(request),
        notes=_notes(request),
    )


def _parameters(request: EstimateRequest) -> Figure:
    shape = request.shape
    return Figure(
        "parameters",
        shape.parameters,
        "",
        Text(gettext_noop("Parameters of the model")),
        Text(gettext_noop("All weights of %(layers)s layers and of the embeddings."), {"layers": shape.layers}),
        Text(gettext_noop("The model's shape in the catalogue.")),
        (
            Input(Text(gettext_noop("layers")), shape.layers),
            Input(Text(gettext_noop("width of the model")), shape.hidden),
            Input(Text(gettext_noop("word pieces the model knows")), shape.vocabulary),
        ),
    )


def _trainable_parameters(request: EstimateRequest) -> Figure:
    trained = {
        "lora": request.shape.adapter_parameters(request.lora_rank),
        "qlora": request.shape.adapter_parameters(request.lora_rank),
        "baseline": (request.shape.hidden + 1) * request.classes,
    }.get(request.method, request.shape.parameters)
    return Figure(
        "trainable_parameters",
        trained,
        "",
        Text(gettext_noop("Parameters that learn")),
        Text(
            gettext_noop("The adapter for LoRA and QLoRA, every weight in full training, one line a class otherwise.")
        ),
        Text(gettext_noop("The model's shape in the catalogue.")),
    )


def _verdict(memory: Memory, request: EstimateRequest) -> Text:
    values: dict[str, Value] = {
        "need": memory.total.value,
        "have": memory.capacity_gb,
        "gpu": request.hardware.gpu_type,
    }
    if not memory.fits:
        return Text(gettext_noop("Does not fit: needs %(need)s GB, one %(gpu)s has %(have)s GB."), values)
    if memory.tight:
        return Text(gettext_noop("Fits, but only just: %(need)s of %(have)s GB on one %(gpu)s."), values)
    return Text(gettext_noop("Fits, with room to spare: %(need)s of %(have)s GB on one %(gpu)s."), values)


def _notes(request: EstimateRequest) -> tuple[Text, ...]:
    notes = [request.corrections.time.explain()]
    if request.sharded and request.gpus > 1:
        notes.append(Text(gettext_noop("Memory of a model shared between GPUs is worked out, not yet measured.")))
    if request.shape.context and request.max_length > request.shape.context:
        notes.append(
            Text(
                gettext_noop("The model was made for rows of at most %(context)s tokens."),
                {"context": request.shape.context},
            )
        )
    return tuple(notes)
