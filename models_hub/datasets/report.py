"""The result of a check: versioned, JSON-serialisable, readable without the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from models_hub.datasets.schema import ColumnMapping
from models_hub.wording import Text

SCHEMA = "open-paas/data-check/1"
READY, NEEDS_MAPPING, REJECTED = "ready", "needs_mapping", "rejected"


@dataclass(frozen=True, slots=True)
class Report:
    """`verdict` is ready, needs_mapping or rejected; `code` and `sentence` say why when it is not ready.

    Sentences are `Text` as dictionaries (message and values). `tokens` says itself whether it was counted or estimated.
    """

    verdict: str
    kind: str | None = None
    code: str = ""
    sentence: dict[str, Any] | None = None
    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    columns: list[dict[str, Any]] = field(default_factory=list)
    mapping: dict[str, Any] | None = None
    guessed: bool = False
    suggestions: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)  # read usable rejected repeated
    problems: list[dict[str, Any]] = field(default_factory=list)  # code count examples[line text excerpt]
    notes: list[dict[str, Any]] = field(default_factory=list)  # code text
    labels: list[dict[str, Any]] = field(default_factory=list)  # label rows share
    tokens: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)
    preview: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> Text | None:
        return Text.from_dict(self.sentence) if self.sentence else None

    @property
    def column_mapping(self) -> ColumnMapping | None:
        return ColumnMapping.from_dict(self.mapping) if self.mapping else None

    @classmethod
    def without_zero_characters(cls, **fields: Any) -> Self:
        """A report that a database can hold: PostgreSQL stores no zero character in its JSON."""
        return cls(**{name: _clean(value) for name, value in fields.items()})

    def as_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        if data.get("schema") != SCHEMA:
            raise ValueError(f"expected {SCHEMA}")
        return cls(**{name: value for name, value in data.items() if name != "schema"})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value
