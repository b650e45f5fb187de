"""Catalogue rows as the pure words of the estimator."""

from catalog.models import FoundationModel, Partition
from models_hub.estimate import Hardware, Shape, cpu_slot

CPU_STEP_SECONDS = 0.15


def is_cpu(partition: Partition) -> bool:
    return partition.gpu_type.upper().startswith("CPU")


def hardware_of(partition: Partition) -> Hardware:
    """One GPU (or CPU slot) of a partition; its site brings the building's overhead and the grid."""
    site = partition.site
    record = {
        "gpu_type": partition.gpu_type,
        "memory_gb": partition.gpu_memory_gb,
        "bf16_tflops": partition.bf16_tflops,
        "share_low": partition.share_low,
        "share_high": partition.share_high,
        "board_watts": partition.tdp_watts,
        "pue": site.pue,
        "grid_g_per_kwh": site.grid_g_per_kwh,
        "fixed_seconds": partition.fixed_seconds,
        "max_gpus": partition.gpus_per_node,
    }
    if is_cpu(partition):
        slot = cpu_slot()
        record |= {
            "precision": slot.precision,
            "step_seconds": slot.step_seconds,
            "runtime_gb": slot.runtime_gb,
            "generated_tokens_per_second": slot.generated_tokens_per_second,
        }
    return Hardware.from_record(record)


def shape_of(model: FoundationModel) -> Shape:
    """The model's shape; call it only where `model.has_shape`."""
    return Shape.from_record(
        {
            "layers": model.layers,
            "hidden": model.hidden,
            "intermediate": model.intermediate,
            "heads": model.heads,
            "kv_heads": model.kv_heads,
            "head_dim": model.head_dim,
            "vocab": model.vocab,
            "tied_embeddings": model.tied_embeddings,
            "mlp_matrices": model.mlp_matrices,
            "context": model.context,
            "task": model.task,
        }
    )
