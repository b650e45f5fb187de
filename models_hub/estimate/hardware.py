"""What a run is planned on: one GPU (or CPU slot) as the site declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Hardware:
    """One GPU of a partition.

    `share_low` and `share_high` are the part of the peak that real training reaches (executed FLOPs over peak).
    `precision` is fp32 for CPU slots, where nothing is gained from bf16. `step_seconds` is the cost of a step that
    does not depend on the model's size; it matters for very small models only. `scaling` is what each GPU keeps of
    its speed when several work together. `power_share` is the mean draw over the board's limit, `host_share` the rest
    of the node on top of the board.
    """

    gpu_type: str
    memory_gb: float
    bf16_tflops: float
    share_low: float
    share_high: float
    board_watts: float
    pue: float = 1.3
    grid_g_per_kwh: float = 250.0
    fixed_seconds: float = 180.0
    max_gpus: int = 1
    precision: str = "bf16"
    step_seconds: float = 0.0
    scaling: float = 0.92
    runtime_gb: float = 0.8
    power_share: float = 0.8
    host_share: float = 0.3
    generated_tokens_per_second: float = 30.0

    def __post_init__(self) -> None:
        for name in ("memory_gb", "bf16_tflops", "share_low", "share_high", "board_watts", "scaling"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")
        if self.share_low > self.share_high:
            raise ValueError("share_low must not be above share_high")
        if self.pue < 1:
            raise ValueError("pue must be at least 1")
        if self.precision not in ("bf16", "fp32"):
            raise ValueError("precision must be bf16 or fp32")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """From a catalogue record or a model's fields: known names are taken, others ignored, None is the default."""
        known = {field.name for field in fields(cls)}
        chosen = {name: value for name, value in record.items() if name in known and value is not None}
        numeric = known - {"gpu_type", "precision", "max_gpus"}
        arguments: dict[str, Any] = {name: float(v) if name in numeric else v for name, v in chosen.items()}
        return cls(**arguments)

    @property
    def share_likely(self) -> float:
        return (self.share_low + self.share_high) / 2

    @property
    def weight_bytes(self) -> int:
        return 2 if self.precision == "bf16" else 4


def cpu_slot(*, cores: int = 2, memory_gb: float = 8.0, grid_g_per_kwh: float = 250.0) -> Hardware:
    """A slot of plain processor cores, as the embedded local site offers.

    40 GFLOP/s a core is what a server core reaches in single precision; small models reach a tenth to two thirds of
    it. The fixed part (imports, evaluation before and after) is about 25 seconds. A figure for planning a
    demonstration, corrected by the site's own finished runs like every other.
    """
    return Hardware(
        gpu_type="CPU",
        memory_gb=memory_gb,
        bf16_tflops=0.04 * cores,
        share_low=0.10,
        share_high=0.65,
        board_watts=15.0 * cores,
        pue=1.3,
        grid_g_per_kwh=grid_g_per_kwh,
        fixed_seconds=25.0,
        precision="fp32",
        step_seconds=0.15,
        runtime_gb=0.5,
        generated_tokens_per_second=120.0,
    )
