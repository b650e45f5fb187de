"""The back-ends; `known` lists them. They are loaded when asked for, not before.

The wrappers of this package run on compute nodes, with whatever Python is there and in the time that the job is given:
what only the agent needs (an HTTP library, its configuration) must not be looked for on the way to them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.agent.backends.base import Backend, BackendError, Ended, NoSuchJob, Phase, Status, UsageRow
    from jobs.agent.backends.known import BACKENDS, backend_for


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    where = "known" if name in ("BACKENDS", "backend_for") else "base"
    return getattr(import_module(f"jobs.agent.backends.{where}"), name)


__all__ = [
    "BACKENDS",
    "Backend",
    "BackendError",
    "Ended",
    "NoSuchJob",
    "Phase",
    "Status",
    "UsageRow",
    "backend_for",
]
