"""The process around a job: no network, no telemetry, no surprises from the machine's settings.

`prepare` must run before transformers, datasets or torch are imported: they read these variables at import.
"""

from __future__ import annotations

import logging
import os
import warnings

_SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "WANDB_DISABLED": "true",
    "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
}
# Threads that wait for one another by spinning starve each other as soon as a second job shares the machine: on two
# busy cores, sleeping threads were measured four times faster. A site that gives a job its own cores may say ACTIVE.
_UNLESS_SET = {"OMP_WAIT_POLICY": "PASSIVE"}
HUB_SWITCH = "OPEN_PAAS_ALLOW_HUB"


def prepare() -> None:
    """Offline and quiet: the log of a run is read by people, who can do nothing about a library's deprecations."""
    os.environ.update(_SETTINGS)
    for name, value in _UNLESS_SET.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def hub_allowed() -> bool:
    """Whether this site lets `store add` fetch weights from the hub."""
    return os.environ.get(HUB_SWITCH) == "1"


def open_to_hub() -> None:
    """Only for `store add` at a site that allows it; must come before huggingface_hub is imported."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ.pop(name, None)
