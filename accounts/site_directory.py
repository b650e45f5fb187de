"""Which sites there are, as far as roles need to know. Sites live in `catalog`, above this app, and register here."""

from collections.abc import Callable, Sequence

Reader = Callable[[], Sequence[tuple[str, str]]]
_reader: Reader | None = None


def register(reader: Reader) -> None:
    """Called once, from the AppConfig of the app that knows sites. `reader()` gives (short name, name) pairs."""
    global _reader
    _reader = reader


def sites() -> list[tuple[str, str]]:
    """(short name, name) of every site; empty while nobody registered."""
    return list(_reader()) if _reader else []
