"""What a plan needs by our own estimate, for the page and for the officer's check."""

from typing import Any

from jobs.models import Application
from models_hub.estimate import EstimateRequest, Hardware, Shape, estimate

# An English or German word is about 1.4 tokens of today's European tokenizers; used only where no data was uploaded.
TOKENS_PER_WORD = 1.4


def estimated_need(application: Application) -> tuple[float | None, float | None]:
    """GPU-hours that the plan needs by our own estimate (LoRA, three passes), or (None, None) without enough facts."""
    model, partition, plan = application.base_model, application.partition, application.plan
    if not (model and partition and model.has_shape and plan.get("rows") and plan.get("tokens_per_row")):
        return None, None
    tokens = plan["tokens_per_row"] * TOKENS_PER_WORD
    run = estimate(
        EstimateRequest(
            shape=Shape.from_record(vars(model)),
            hardware=Hardware.from_record(hardware_record(partition)),
            method="lora" if model.task == model.Task.TEXT_GENERATION else "encoder",
            rows=plan["rows"],
            mean_tokens=tokens,
            p95_tokens=int(tokens * 2),
            longest_tokens=int(tokens * 3),
            epochs=3,
            max_length=min(model.context or 2048, max(128, int(tokens * 2))),
            gpus=1,
        )
    )
    runs = plan.get("runs") or 1
    return run.gpu_hours.low * runs, run.gpu_hours.high * runs


def hardware_record(partition: Any) -> dict[str, Any]:
    """A partition as `models_hub.estimate.Hardware` reads it, with its site's energy facts."""
    return {
        "gpu_type": partition.gpu_type,
        "memory_gb": float(partition.gpu_memory_gb),
        "bf16_tflops": float(partition.bf16_tflops),
        "share_low": float(partition.share_low),
        "share_high": float(partition.share_high),
        "board_watts": partition.tdp_watts,
        "pue": float(partition.site.pue),
        "grid_g_per_kwh": partition.site.grid_g_per_kwh,
        "fixed_seconds": partition.fixed_seconds,
        "max_gpus": partition.gpus_per_node,
    }
