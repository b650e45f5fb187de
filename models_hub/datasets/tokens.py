"""Counting tokens: exactly with a model's own tokenizer, otherwise estimated from characters and called so."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

CHARS_PER_TOKEN = 4.0
OTHER_SCRIPTS = 2.3  # Greek and Cyrillic letters: tokenizers know fewer of their words


class Tokenizer(Protocol):
    """What the checks need from a tokenizer."""

    name: str
    exact: bool

    def count(self, text: str) -> int: ...

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Beginning and end of every token in `text`, in characters."""
        ...


class EstimatedTokenizer:
    """Four characters a token, which is near for European languages and modern tokenizers, and never exact."""

    name = "estimated"
    exact = False

    def count(self, text: str) -> int:
        if text.isascii():
            return round(len(text) / CHARS_PER_TOKEN + 0.5)
        other = sum(1 for letter in text if letter >= "\u0370")
        return round((len(text) - other) / CHARS_PER_TOKEN + other / OTHER_SCRIPTS + 0.5)

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        number = self.count(text)
        step = len(text) / number if number else 0
        return [(round(place * step), round((place + 1) * step)) for place in range(number)]


class FileTokenizer:
    """A model's `tokenizer.json`, as its site holds it."""

    exact = True

    def __init__(self, path: Path, *, name: str = "", add_special_tokens: bool = False) -> None:
        from tokenizers import Tokenizer as Library

        self.name = name or path.parent.name
        self._special = add_special_tokens
        self._tokenizer: Any = Library.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=self._special))

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        spans: Sequence[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=self._special).offsets
        return spans


@lru_cache(maxsize=4)
def load_tokenizer(path: Path, *, add_special_tokens: bool = False) -> FileTokenizer:
    """A tokenizer file read once a process; some are 30 MB."""
    return FileTokenizer(path, add_special_tokens=add_special_tokens)
