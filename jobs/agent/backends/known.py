"""The back-ends a site may run work on. A new one is one file and one line here; the contract test runs over them."""

from jobs.agent.backends.base import Backend, BackendError
from jobs.agent.backends.local import LocalBackend
from jobs.agent.backends.ray import RayBackend
from jobs.agent.backends.slurm import SlurmBackend
from jobs.agent.config import Config

BACKENDS: tuple[type[Backend], ...] = (LocalBackend, SlurmBackend, RayBackend)


def backend_for(config: Config) -> Backend:
    """The back-end the configuration names; raises BackendError when there is none of that name."""
    for kind in BACKENDS:
        if kind.code == config.backend:
            return kind(config)
    known = ", ".join(kind.code for kind in BACKENDS)
    raise BackendError(f"There is no back-end {config.backend!r}; known are {known}.")
