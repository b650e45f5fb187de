"""The table [cache] of the agent's configuration; docs/agent.md explains each key."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """Without a source the store is the operator's alone, and nothing is fetched or dropped."""

    source: str = ""
    limit_gb: float = 0.0
    pinned: tuple[str, ...] = ()
    token_file: str = ""
    ca_file: str = ""

    @classmethod
    def read(cls, table: dict[str, Any]) -> "CacheOptions":
        """Raises ValueError with one sentence that names the key."""
        unknown = table.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"cache.{min(unknown)} is not known; see docs/agent.md.")
        limit, pinned = table.get("limit_gb", 0), table.get("pinned", [])
        if isinstance(limit, bool) or not isinstance(limit, (int, float)) or limit < 0:
            raise ValueError("cache.limit_gb is a number of gigabytes; 0 is no limit.")
        if not isinstance(pinned, list) or not all(isinstance(one, str) for one in pinned):
            raise ValueError("cache.pinned is a list of models.")
        texts = {name: table[name] for name in ("source", "token_file", "ca_file") if name in table}
        wrong = next((name for name, value in texts.items() if not isinstance(value, str)), None)
        if wrong:
            raise ValueError(f"cache.{wrong} is a text.")
        if texts.get("token_file") and not texts.get("source", "").startswith(("https://", "http://127.0.0.1")):
            raise ValueError(
                "cache.token_file is for a source by https:// only, since the token travels with each call."
            )
        return cls(limit_gb=float(limit), pinned=tuple(pinned), **texts)

    @property
    def limit(self) -> int:
        """In bytes; 0 is none."""
        return int(self.limit_gb * 1e9)

    @property
    def token(self) -> str:
        return Path(self.token_file).read_text().strip() if self.token_file else ""
