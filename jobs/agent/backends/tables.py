"""A back-end's table of the configuration as a frozen dataclass: every key known, every value of its kind."""

from dataclasses import fields
from typing import Any, TypeVar

from jobs.agent.backends.base import BackendError
from jobs.agent.config import Config

T = TypeVar("T")
_PLAIN: dict[Any, Any] = {str: str, int: int, float: (int, float)}


def read_table(kind: type[T], config: Config) -> T:
    """Raises BackendError with the first key of [backend.X] that is unknown or of another kind than it should be."""
    kinds = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in config.options.items():
        if name not in kinds:
            raise BackendError(f"backend.{config.backend}.{name} is not known; see docs/agent.md.")
        if value != "":  # an empty text is the same as none
            given[name] = _as(kinds[name], f"backend.{config.backend}.{name}", value)
    return kind(**given)


def _as(kind: Any, name: str, value: Any) -> Any:
    """A TOML value as the field wants it. Lists and tables become tuples, so that options can be compared and kept."""
    if kind in _PLAIN and isinstance(value, _PLAIN[kind]) and not isinstance(value, bool):
        if kind is str or value >= 0:
            return value
    elif kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    elif kind == tuple[tuple[str, str], ...] and isinstance(value, dict):
        return tuple((str(key), str(one)) for key, one in value.items())
    elif kind == tuple[tuple[str, float], ...] and isinstance(value, dict) and all(map(_amount, value.values())):
        return tuple((str(key), float(one)) for key, one in value.items())
    raise BackendError(f"{name} is of another kind than docs/agent.md says.")


def _amount(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
