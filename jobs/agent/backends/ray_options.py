"""The table [backend.ray] of the agent's configuration; docs/agent.md explains each key."""

from dataclasses import dataclass
from pathlib import Path

from jobs.agent.backends.base import BackendError
from jobs.agent.backends.tables import read_table
from jobs.agent.config import Config

CODE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    python: str
    address: str = "http://127.0.0.1:8265"
    token_file: str = ""
    ca_file: str = ""
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    threads: int = 0
    shared: str = ""
    code: str = str(CODE)
    setup: tuple[str, ...] = ()
    prefix: str = ""
    gpus: int = 0
    gpus_per_node: int = 0
    cpus_per_gpu: float = 0.0
    memory_gb_per_gpu: float = 0.0
    resources: tuple[tuple[str, float], ...] = ()
    queue_ahead: int = 0
    poll_seconds: float = 2.0
    timeout_seconds: float = 30.0
    lost_seconds: float = 60.0

    @classmethod
    def read(cls, config: Config) -> "RayOptions":
        options = read_table(cls, config)
        if not options.address.startswith(("http://", "https://")):
            raise BackendError("backend.ray.address is that of the cluster's dashboard: http://HEAD:8265.")
        return options

    @property
    def folder(self) -> Path | None:
        return Path(self.shared) if self.shared else None

    @property
    def token(self) -> str:
        """What the cluster asks for where it runs with RAY_AUTH_MODE=token; in a file readable for us only."""
        if not self.token_file:
            return ""
        try:
            return Path(self.token_file).read_text().strip()
        except OSError as error:
            raise BackendError(f"backend.ray.token_file cannot be read: {error}.") from error
