"""What other apps know about an award. They stand above this one and register a reader, as with sites."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

# From the awards' ids to (short file name, JSON values) for each decision that granted one of them.
Reader = Callable[[Iterable[UUID]], Iterable[tuple[str, Mapping[str, Any]]]]
_reader: Reader | None = None


def register(reader: Reader) -> None:
    """Called once, from the AppConfig of the app that decides."""
    global _reader
    _reader = reader


def decisions(awards: Iterable[UUID]) -> list[tuple[str, Mapping[str, Any]]]:
    """Facts of each decision, ordered by name; empty while nobody registered."""
    return sorted(_reader(awards), key=lambda pair: pair[0]) if _reader else []
