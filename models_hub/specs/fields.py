"""Reading JSON objects strictly: what is missing, wrong or unknown is an error that names its field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

# A name that becomes a file or folder at the site: no separators, no leading dot, nothing to escape with.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
SHA256 = re.compile(r"[0-9a-f]{64}\Z")
HUB_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?\Z")


class SpecError(ValueError):
    """The spec cannot be acted on: `field` says where (dotted path), `sentence` says why, for a person."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


def canonical_json(value: Any) -> bytes:
    """One spelling for one meaning: sorted keys, no blanks, UTF-8, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def plain(value: Any) -> Any:
    """Dataclasses, and all that is in them, as the plain dicts, lists and strings that JSON would give back."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


def decoded(source: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(source, str | bytes):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise SpecError("", f"This is not JSON: {error}.") from error
    if not isinstance(source, Mapping):
        raise SpecError("", "A JSON object is expected.")
    return source


class Fields:
    """Takes the fields of one JSON object by name and type; what is missing, wrong or unknown raises SpecError."""

    def __init__(self, raw: Mapping[str, Any], path: str) -> None:
        self.raw, self.path, self.taken = raw, path, set[str]()

    def where(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def error(self, name: str, sentence: str) -> SpecError:
        return SpecError(self.where(name), sentence)

    def take(self, name: str) -> Any:
        self.taken.add(name)
        if name not in self.raw:
            raise self.error(name, "This field is missing.")
        return self.raw[name]

    def nothing_else(self) -> None:
        unknown = sorted(set(self.raw) - self.taken)
        if unknown:
            raise self.error(unknown[0], "This field is not part of the schema.")

    def text(self, name: str, *, longest: int = 2000, empty: bool = False) -> str:
        value = self.take(name)
        if not isinstance(value, str) or len(value) > longest or (not empty and not value.strip()):
            raise self.error(name, f"A text of at most {longest} characters is expected.")
        return value

    def text_or_none(self, name: str, *, longest: int = 200) -> str | None:
        return None if self.take(name) is None else self.text(name, longest=longest)

    def safe_name(self, name: str) -> str:
        value = self.text(name, longest=128)
        if not SAFE_NAME.match(value):
            raise self.error(name, "Letters, digits, dot, dash and underscore only, and no dot in front.")
        return value

    def repo_or_none(self, name: str) -> str | None:
        value = self.text_or_none(name)
        if value is not None and (not HUB_REPO.match(value) or ".." in value):
            raise self.error(name, "A repository is written owner/name.")
        return value

    def digest(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not SHA256.match(value):
            raise self.error(name, "A SHA-256 digest in 64 small hexadecimal digits is expected.")
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.take(name)
        if value not in allowed:
            raise self.error(name, f"One of these is expected: {', '.join(allowed)}.")
        return str(value)

    def whole(self, name: str, *, least: int, most: int) -> int:
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.error(name, f"A whole number from {least} to {most} is expected.")
        return value

    def number(self, name: str, *, above: float | None = None, least: float | None = None, most: float) -> float:
        value = self.take(name)
        low = above if above is not None else least or 0.0
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not (low < value if above is not None else low <= value) or not value <= most:
            bound = "above" if above is not None else "from"
            raise self.error(name, f"A number {bound} {low:g} to {most:g} is expected.")
        return float(value)

    def texts(self, name: str, *, longest: int, most: int) -> tuple[str, ...]:
        value = self.take(name)
        if not isinstance(value, list | tuple) or len(value) > most:
            raise self.error(name, f"A list of at most {most} texts is expected.")
        if any(not isinstance(item, str) or not item.strip() or len(item) > longest for item in value):
            raise self.error(name, f"Each item is a text of at most {longest} characters.")
        if len(set(value)) != len(value):
            raise self.error(name, "An item is listed twice.")
        return tuple(value)

    def object(self, name: str) -> Fields:
        value = self.take(name)
        if not isinstance(value, Mapping):
            raise self.error(name, "An object is expected.")
        return Fields(value, self.where(name))

    def objects(self, name: str) -> list[Fields]:
        value = self.take(name)
        if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
            raise self.error(name, "A list of objects is expected.")
        return [Fields(item, f"{self.where(name)}.{index}") for index, item in enumerate(value)]
