"""When a run does not fit: the smallest change that would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from models_hub.estimate.memory import memory_per_gpu
from models_hub.estimate.request import EstimateRequest
from models_hub.estimate.result import Suggestion
from models_hub.wording import Text, gettext_noop

SHORTEST = 128


def suggest(request: EstimateRequest) -> Suggestion | None:
    """The first change, from the gentlest on, with which the run fits this hardware; none if nothing helps."""
    for changes, sentence in _candidates(request):
        total = memory_per_gpu(replace(request, **changes)).total.value
        if total <= request.hardware.memory_gb:
            return Suggestion(changes, total, sentence)
    return None


def _candidates(request: EstimateRequest) -> Iterator[tuple[dict[str, Any], Text]]:
    gentle = list(_smaller_steps(request))
    yield from gentle
    methods = list(_smaller_methods(request))
    yield from methods
    yield from _more_gpus(request)
    for changes, sentence in methods:
        for more, _ in _smaller_steps(replace(request, **changes)):
            yield {**changes, **more}, _together(sentence, more)


def _smaller_steps(request: EstimateRequest) -> Iterator[tuple[dict[str, Any], Text]]:
    if not request.checkpointing and request.method != "baseline":
        yield (
            {"checkpointing": True},
            Text(gettext_noop("It would fit with checkpointing, which takes about a third longer.")),
        )
    batch, accumulation = request.micro_batch, request.accumulation
    while batch > 1:
        smaller = max(batch // 2, 1)
        accumulation = -(-request.micro_batch * request.accumulation // smaller)
        batch = smaller
        yield (
            {"micro_batch": batch, "accumulation": accumulation, "checkpointing": True},
            Text(
                gettext_noop(
                    "It would fit with %(rows)s rows at a time instead of %(before)s; the result is the same."
                ),
                {"rows": batch, "before": request.micro_batch},
            ),
        )
    length = request.window
    while length > SHORTEST:
        length = max(length // 2, SHORTEST)
        yield (
            {"max_length": length, "micro_batch": batch, "accumulation": accumulation, "checkpointing": True},
            Text(
                gettext_noop("It would fit with rows of at most %(length)s tokens; longer rows are then cut."),
                {"length": length},
            ),
        )


def _smaller_methods(request: EstimateRequest) -> Iterator[tuple[dict[str, Any], Text]]:
    if request.method == "full":
        yield {"method": "lora"}, Text(gettext_noop("It would fit as add-on training (LoRA)."))
    if request.method in ("full", "lora") and request.hardware.precision == "bf16":
        yield {"method": "qlora"}, Text(gettext_noop("It would fit as compact add-on training (QLoRA)."))
    if request.method == "encoder":
        yield (
            {"method": "baseline"},
            Text(gettext_noop("It would fit as a quick run that trains no weight of the model.")),
        )


def _more_gpus(request: EstimateRequest) -> Iterator[tuple[dict[str, Any], Text]]:
    if request.method == "baseline":
        return
    gpus = request.gpus if request.sharded else 1
    while gpus < request.hardware.max_gpus:
        gpus = min(gpus * 2, request.hardware.max_gpus)
        yield (
            {"gpus": gpus, "sharded": True},
            Text(gettext_noop("It would fit on %(gpus)s GPUs that share the model between them."), {"gpus": gpus}),
        )


def _together(sentence: Text, more: dict[str, Any]) -> Text:
    if "max_length" in more:
        return Text(
            gettext_noop("%(first)s Rows must then have at most %(length)s tokens, one at a time."),
            {"first": sentence, "length": more["max_length"]},
        )
    return Text(
        gettext_noop("%(first)s It then takes %(rows)s rows at a time."),
        {"first": sentence, "rows": more.get("micro_batch", 1)},
    )
