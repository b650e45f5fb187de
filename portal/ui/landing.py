"""What the landing page shows of rooms above the ground: they register a reader, as with visitors."""

from collections.abc import Callable, Sequence
from typing import Any

SitesReader = Callable[[], Sequence[Any]]
_sites: SitesReader | None = None


def register_sites(reader: SitesReader) -> None:
    """Called once, by the app that knows sites. Each has name, url, connected, latitude, longitude; one query."""
    global _sites
    _sites = reader


def sites() -> Sequence[Any]:
    return list(_sites()) if _sites is not None else []
