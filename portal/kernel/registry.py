"""A registry is an explicit tuple of plug-ins, found by code; a new plug-in is one file and one line."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Coded(Protocol):
    code: str


Plugin = TypeVar("Plugin", bound=Coded)


class Registry(Generic[Plugin]):
    """Plug-ins by their `code`, in the order given. Two with one code are refused at import."""

    def __init__(self, name: str, plugins: tuple[Plugin, ...]) -> None:
        self.name = name
        self._by_code: dict[str, Plugin] = {}
        for plugin in plugins:
            if plugin.code in self._by_code:
                raise ValueError(f"{name}: two plug-ins have the code {plugin.code!r}")
            self._by_code[plugin.code] = plugin

    def __getitem__(self, code: str) -> Plugin:
        try:
            return self._by_code[code]
        except KeyError:
            known = ", ".join(self._by_code)
            raise KeyError(f"{self.name}: no {code!r}; known are {known}") from None

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    def codes(self) -> tuple[str, ...]:
        return tuple(self._by_code)
