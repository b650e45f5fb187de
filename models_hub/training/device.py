"""The machine under the run: CPU or one GPU, its precision, its memory peak, its energy meter."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import resource
from dataclasses import dataclass
from typing import Any

from models_hub.specs import METHODS, Limits, Method

LIBRARIES = ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "bitsandbytes")


@dataclass(frozen=True, kw_only=True)
class Device:
    """`cuda` with bfloat16 where there is a GPU that can, else `cpu` with float32."""

    name: str
    kind: str
    bf16: bool

    @property
    def is_gpu(self) -> bool:
        return self.kind == "cuda"

    def peak_memory_mb(self) -> float:
        """The highest memory so far in 1e6 bytes: the GPU's, without one the process's."""
        if self.is_gpu:
            import torch

            return float(round(torch.cuda.max_memory_reserved() / 1e6, 1))
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


def choose_device(limits: Limits) -> Device:
    """One GPU where there is one; its memory is capped at the job's share."""
    import torch

    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > 0:
        torch.set_num_threads(int(threads))
    if not torch.cuda.is_available():
        return Device(name=f"CPU ({platform.machine()})", kind="cpu", bf16=False)
    properties = torch.cuda.get_device_properties(0)
    torch.cuda.set_per_process_memory_fraction(min(1.0, limits.memory_gb * 1e9 / properties.total_memory), 0)
    return Device(name=properties.name, kind="cuda", bf16=torch.cuda.is_bf16_supported())


class EnergyMeter:
    """Joules that the GPU has drawn since the meter was made; None where there is no meter to read."""

    def __init__(self, device: Device) -> None:
        self._handle: Any = None
        if not device.is_gpu:
            return
        try:
            import pynvml

            pynvml.nvmlInit()
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
            if visible.startswith(("GPU-", "MIG-")):
                self._handle = pynvml.nvmlDeviceGetHandleByUUID(visible)
            else:
                self._handle = pynvml.nvmlDeviceGetHandleByIndex(int(visible or 0))
            self._start = pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
        except Exception:  # no driver, no permission, a virtual GPU: each of them means that there is no meter
            self._handle = None

    def joules(self) -> float | None:
        if self._handle is None:
            return None
        import pynvml

        try:
            return round((pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) - self._start) / 1000, 1)
        except pynvml.NVMLError:
            return None


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def can_quantise() -> bool:
    return importlib.util.find_spec("bitsandbytes") is not None


def describe() -> dict[str, Any]:
    """What this site can run: for the agent's report and for a person who sets a site up."""
    import torch

    gpus = [
        {"name": properties.name, "memory_gb": round(properties.total_memory / 1e9, 1)}
        for properties in map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    ]
    methods = {
        recipe.value: [method.value for method in known if method is not Method.QLORA or can_quantise()]
        for recipe, known in METHODS.items()
    }
    return {"versions": versions(), "gpus": gpus, "threads": torch.get_num_threads(), "methods": methods}
