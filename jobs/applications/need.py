"""What a plan needs by our own estimate, for the page and for the officer's check."""

from typing import Any

from jobs.matching.plans import planned_run
from jobs.models import Application
from models_hub.estimate import Hardware, estimate


def estimated_need(application: Application) -> tuple[float | None, float | None]:
    """GPU-hours that the plan needs by our own estimate (LoRA, three passes), or (None, None) without enough facts."""
    partition, plan = application.partition, application.plan
    if partition is None:
        return None, None
    request = planned_run(
        application.base_model,
        rows=plan.get("rows"),
        words_per_row=plan.get("tokens_per_row"),
        hardware=Hardware.from_record(hardware_record(partition)),
    )
    if request is None:
        return None, None
    run = estimate(request)
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
