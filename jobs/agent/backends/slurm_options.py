"""The table [backend.slurm] of the agent's configuration; docs/agent.md explains each key."""

import os
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from jobs.agent.backends.base import BackendError
from jobs.agent.config import Config

CODE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class SlurmOptions:
    python: str
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    threads: int = 0
    shared: str = ""
    code: str = str(CODE)
    setup: tuple[str, ...] = ()
    prefix: str = ""
    partition: str = ""
    account: str = ""
    accounts: tuple[tuple[str, str], ...] = ()  # organisation id -> Slurm account
    qos: str = ""
    gpu_type: str = ""
    cpus_per_gpu: int = 0
    memory_gb_per_gpu: int = 0
    max_minutes: int = 0
    extra: tuple[str, ...] = ()
    queue_ahead: int = 0
    arrays_from: int = 8
    conf: str = ""
    bin: str = ""
    poll_seconds: float = 5.0
    timeout_seconds: float = 60.0
    signal_seconds: int = 120
    lost_seconds: float = 600.0
    forecast_seconds: float = 300.0
    # Several nodes: what starts the ranks on each, `python -m torch.distributed.run` without it.
    launcher: tuple[str, ...] = ()
    srun: str = ""
    # Containers: the program, the images by digest, the one to use where the work names none.
    container: str = "apptainer"
    images: tuple[tuple[str, str], ...] = ()
    image: str = ""
    container_extra: tuple[str, ...] = ("--nv",)
    # Budgets kept at the site: an account for each allocation, with GrpTRESMins.
    budgets: bool = False
    budget_prefix: str = "op-"
    budget_most_minutes: int = 0
    # slurmrestd in place of the commands.
    rest_url: str = ""
    rest_user: str = ""
    token_file: str = ""

    @classmethod
    def read(cls, config: Config) -> "SlurmOptions":
        """Raises BackendError with the first key that is unknown or of another kind than it should be."""
        kinds = {field.name: field.type for field in fields(cls)}
        given: dict[str, Any] = {}
        for name, value in config.options.items():
            if name not in kinds:
                raise BackendError(f"backend.slurm.{name} is not known; see docs/agent.md.")
            if value != "":  # an empty text is the same as none
                given[name] = _as(kinds[name], name, value)
        return cls(**given)

    def account_for(self, tenant: str) -> str:
        return dict(self.accounts).get(tenant, self.account)

    @property
    def folder(self) -> Path | None:
        return Path(self.shared) if self.shared else None

    @property
    def tool_environment(self) -> dict[str, str]:
        """What Slurm's commands see. Nothing of the agent's own, since sbatch hands its environment to the job."""
        kept = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SLURM_CONF")
        plain = {name: os.environ[name] for name in kept if name in os.environ}
        return {**plain, **({"SLURM_CONF": self.conf} if self.conf else {})}

    def tool(self, name: str) -> str | None:
        """Where a command of Slurm's is; None when it is not here."""
        return shutil.which(name, path=self.bin or None)


def _as(kind: Any, name: str, value: Any) -> Any:
    """A TOML value as the field wants it. Lists and tables become tuples, so that options can be compared and kept."""
    plain: dict[Any, Any] = {str: str, int: int, float: (int, float)}
    if kind is bool and isinstance(value, bool):
        return value
    if kind in plain and isinstance(value, plain[kind]) and not isinstance(value, bool):
        if kind is str or value >= 0:
            return value
    elif kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    elif kind == tuple[tuple[str, str], ...] and isinstance(value, dict):
        return tuple((str(key), str(one)) for key, one in value.items())
    raise BackendError(f"backend.slurm.{name} is of another kind than docs/agent.md says.")
