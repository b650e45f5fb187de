"""Compute, time, energy and carbon of a run."""

from __future__ import annotations

import math

from models_hub.estimate.request import EstimateRequest
from models_hub.estimate.result import Figure, Input, Range
from models_hub.wording import Text, gettext_noop

SECONDS_PER_HOUR = 3600
PASSES = {"full": 3, "encoder": 3, "lora": 2, "qlora": 2, "baseline": 1}  # forward and backward, in forward passes

COMPUTE_SOURCE = Text(gettext_noop("Matrix multiplications counted from the model's shape."))
SHARE_SOURCE = Text(gettext_noop("Part of the peak speed reached by training runs on this kind of hardware."))
POWER_SOURCE = Text(gettext_noop("Power, cooling and grid figures declared by the site."))


def forward_flops(request: EstimateRequest) -> float:
    """Operations for one token forward: two for each weight it meets, and attention over its row.

    A model that writes looks back only, which halves attention; an encoder looks both ways.
    """
    shape = request.shape
    attention = (2 if shape.head else 4) * shape.layers * shape.query_width * request.padded_tokens
    return 2.0 * shape.multiplied_parameters + attention


def training_passes(request: EstimateRequest) -> int:
    redone = 1 if request.checkpointing and request.method != "baseline" else 0
    return PASSES[request.method] + redone


def training_tokens(request: EstimateRequest) -> float:
    epochs = 1.0 if request.method == "baseline" else request.epochs
    return request.rows * epochs * request.padded_tokens


def optimiser_steps(request: EstimateRequest) -> int:
    if request.method == "baseline":
        return 0
    each = request.micro_batch * request.accumulation * request.gpus
    return math.ceil(math.ceil(request.rows / each) * request.epochs)


def micro_steps(request: EstimateRequest) -> int:
    """How often the model is called for training, on each GPU."""
    epochs = 1.0 if request.method == "baseline" else request.epochs
    return math.ceil(request.rows * epochs / (request.micro_batch * request.gpus))


def tokens_figure(request: EstimateRequest) -> Figure:
    return Figure(
        "tokens",
        training_tokens(request),
        "tokens",
        Text(gettext_noop("Tokens to learn from")),
        Text(gettext_noop("Rows times passes times the tokens of a row, filled up to the longest of its step.")),
        Text(gettext_noop("Counted in your data.")),
        (
            Input(Text(gettext_noop("rows")), request.rows),
            Input(Text(gettext_noop("passes over the data")), request.epochs),
            Input(Text(gettext_noop("tokens of a row")), request.padded_tokens),
        ),
    )


def flops_figure(request: EstimateRequest) -> Figure:
    forward, passes = forward_flops(request), training_passes(request)
    evaluation = request.evaluation_rows * request.padded_tokens
    return Figure(
        "flops",
        training_tokens(request) * forward * passes + evaluation * forward,
        "FLOP",
        Text(gettext_noop("Arithmetic operations")),
        Text(
            gettext_noop("Tokens times operations for one token, %(passes)s times for learning and once for checking."),
            {"passes": passes},
        ),
        COMPUTE_SOURCE,
        (
            Input(Text(gettext_noop("operations for one token")), forward),
            Input(Text(gettext_noop("tokens to learn from")), training_tokens(request)),
            Input(Text(gettext_noop("tokens to check with")), evaluation),
        ),
    )


def seconds_range(request: EstimateRequest, flops: float) -> Range:
    hardware = request.hardware
    working = request.gpus if request.gpus == 1 else request.gpus * hardware.scaling
    fixed = (
        hardware.fixed_seconds
        + micro_steps(request) * hardware.step_seconds
        + request.generated_tokens / hardware.generated_tokens_per_second
    )
    factor = request.corrections.time.factor

    def seconds(share: float) -> float:
        return (fixed + flops / (hardware.bf16_tflops * 1e12 * share * working)) * factor

    return Range(
        "seconds",
        seconds(hardware.share_high),
        seconds(hardware.share_likely),
        seconds(hardware.share_low),
        "s",
        Text(gettext_noop("Time to finish")),
        Text(
            gettext_noop(
                "Operations divided by the speed of %(gpus)s GPUs at %(low)s to %(high)s %% of their peak, and "
                "%(fixed)s seconds to start, check and save. %(why)s"
            ),
            {
                "gpus": request.gpus,
                "low": round(100 * hardware.share_low),
                "high": round(100 * hardware.share_high),
                "fixed": round(fixed),
                "why": request.corrections.time.explain(),
            },
        ),
        SHARE_SOURCE,
        (
            Input(Text(gettext_noop("operations")), flops, "FLOP"),
            Input(Text(gettext_noop("peak speed of one GPU")), hardware.bf16_tflops, "TFLOP/s"),
            Input(Text(gettext_noop("GPUs, less what working together costs")), round(working, 2)),
        ),
    )


def gpu_hours_range(request: EstimateRequest, seconds: Range) -> Range:
    def hours(value: float) -> float:
        return value * request.gpus / SECONDS_PER_HOUR

    return Range(
        "gpu_hours",
        hours(seconds.low),
        hours(seconds.likely),
        hours(seconds.high),
        "GPU-hours",
        Text(gettext_noop("GPU-hours")),
        Text(gettext_noop("Time to finish times GPUs; every GPU you hold counts while the run lasts.")),
        SHARE_SOURCE,
        (
            Input(Text(gettext_noop("time to finish")), seconds.likely, "s"),
            Input(Text(gettext_noop("GPUs")), request.gpus),
        ),
    )


def energy_range(request: EstimateRequest, gpu_hours: Range) -> Range:
    hardware = request.hardware
    kilowatts = hardware.board_watts / 1000 * hardware.power_share * (1 + hardware.host_share) * hardware.pue
    kilowatts *= request.corrections.energy.factor
    return Range(
        "energy_kwh",
        gpu_hours.low * kilowatts,
        gpu_hours.likely * kilowatts,
        gpu_hours.high * kilowatts,
        "kWh",
        Text(gettext_noop("Electricity")),
        Text(
            gettext_noop(
                "GPU-hours times the board's power at %(load)s %% load, %(host)s %% more for the rest of the node, "
                "times the building's overhead (PUE)."
            ),
            {"load": round(100 * hardware.power_share), "host": round(100 * hardware.host_share)},
        ),
        POWER_SOURCE,
        (
            Input(Text(gettext_noop("board power")), hardware.board_watts, "W"),
            Input(Text(gettext_noop("building overhead (PUE)")), hardware.pue),
        ),
    )


def carbon_range(request: EstimateRequest, energy: Range) -> Range:
    grams = request.hardware.grid_g_per_kwh
    return Range(
        "co2e_kg",
        energy.low * grams / 1000,
        energy.likely * grams / 1000,
        energy.high * grams / 1000,
        "kg CO2e",
        Text(gettext_noop("Greenhouse gas")),
        Text(gettext_noop("Electricity times the mean emissions of the grid at the site.")),
        POWER_SOURCE,
        (Input(Text(gettext_noop("emissions of the grid")), grams, "g/kWh"),),
    )
