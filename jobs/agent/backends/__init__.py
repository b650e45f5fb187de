"""The back-ends; `known` lists them. They are loaded when asked for, not before.

The wrappers of this package run on compute nodes, with whatever Python is there: what only the agent needs (an HTTP
library) must not be looked for on the way to them.
"""

from typing import TYPE_CHECKING, Any

from jobs.agent.backends.base import Backend, BackendError, Ended, NoSuchJob, Phase, Status, UsageRow

if TYPE_CHECKING:
    from jobs.agent.backends.known import BACKENDS, backend_for


def __getattr__(name: str) -> Any:
    if name in ("BACKENDS", "backend_for"):
        from jobs.agent.backends import known

        return getattr(known, name)
    raise AttributeError(name)


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
