"""Which sites there are, as far as roles need to know. Sites live in `catalog`, above this app, and register here."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

Reader = Callable[[], Sequence[tuple[str, str]]]
_reader: Reader | None = None


class Grantor(NamedTuple):
    """Whose machine time a site gives away: its State (ISO code) and the authority that answers for the aid."""

    site_slug: str
    state: str
    authority: str


GrantorReader = Callable[[], Sequence[Grantor]]
_grantors: GrantorReader | None = None


def register(reader: Reader) -> None:
    """Called once, from the AppConfig of the app that knows sites. `reader()` gives (short name, name) pairs."""
    global _reader
    _reader = reader


def sites() -> list[tuple[str, str]]:
    """(short name, name) of every site; empty while nobody registered."""
    return list(_reader()) if _reader else []


def register_grantors(reader: GrantorReader) -> None:
    """Called once, by the same app: `reader()` gives one `Grantor` for each site that has a granting State."""
    global _grantors
    _grantors = reader


def grantors() -> list[Grantor]:
    """Every site with its granting State and authority; empty while nobody registered."""
    return list(_grantors()) if _grantors else []
