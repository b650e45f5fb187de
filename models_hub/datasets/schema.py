"""What the columns mean: guessed from their names and a sample, or said by a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Refused
from models_hub.datasets.synonyms import means

KINDS = ("chat", "classification")
# layout -> (kind, columns it must have, columns it may have)
LAYOUTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "messages": ("chat", ("messages",), ()),
    "pairs": ("chat", ("prompt", "completion"), ("context", "system")),
    "labelled": ("classification", ("text", "label"), ()),
}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column plays which part. `columns` maps our word (text, label, prompt …) to the file's column."""

    layout: str
    columns: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}")
        _, needed, allowed = LAYOUTS[self.layout]
        missing = [name for name in needed if not self.columns.get(name)]
        unknown = set(self.columns) - set(needed) - set(allowed)
        if missing or unknown:
            raise ValueError(f"{self.layout} needs the columns {', '.join(needed)}")
        if len(set(self.columns.values())) < len(self.columns):
            raise ValueError("one column cannot play two parts")

    @property
    def kind(self) -> str:
        return LAYOUTS[self.layout][0]

    def as_dict(self) -> dict[str, Any]:
        return {"layout": self.layout, "columns": dict(self.columns)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(str(data["layout"]), {str(k): str(v) for k, v in dict(data["columns"]).items() if v})

    def check_columns(self, names: Iterable[str]) -> None:
        known = set(names)
        for column in self.columns.values():
            if column not in known:
                raise Refused("mapping_missing_column", column=column)


@dataclass(frozen=True, slots=True)
class Column:
    """What a sample tells about one column."""

    name: str
    type: str  # text | number | messages | other
    filled: float
    distinct: int
    mean_chars: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    columns: tuple[Column, ...]
    mapping: ColumnMapping | None
    guessed: bool = False  # from the content, not from the names
    suggestions: Mapping[str, str] = field(default_factory=dict)


def describe_columns(rows: Sequence[Mapping[str, Any]], limits: Limits) -> tuple[Column, ...]:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    if len(names) > limits.columns:
        raise Refused("too_many_columns", columns=len(names), limit=limits.columns)
    return tuple(_describe(name, [row.get(name) for row in rows]) for name in names)


def _describe(name: str, values: list[Any]) -> Column:
    filled = [value for value in values if value not in (None, "", [], {})]
    texts = [value if isinstance(value, str) else str(value) for value in filled]
    kinds = {_type(value) for value in filled[:50]}
    kinds = kinds or {"text"}
    kind = kinds.pop() if len(kinds) == 1 else ("text" if kinds == {"text", "number"} else "other")
    return Column(
        name=name,
        type=kind,
        filled=len(filled) / max(len(values), 1),
        distinct=len(set(texts)),
        mean_chars=sum(map(len, texts)) / max(len(texts), 1),
        examples=tuple(text[:120] for text in dict.fromkeys(texts))[:3],
    )


def _type(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return "number"
    if isinstance(value, str):
        start = value.lstrip()[:200]
        return "messages" if start.startswith("[{") and ('"content"' in start or '"value"' in start) else "text"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "messages" if {"content", "value"} & set(value[0]) else "other"
    return "other"


def detect(rows: Sequence[Mapping[str, Any]], kind: str | None, limits: Limits) -> Detection:
    """A mapping when the columns speak for themselves, otherwise suggestions for a person to choose from."""
    columns = describe_columns(rows, limits)
    if not columns:
        return Detection((), None)
    if kind in (None, "chat"):
        mapping = _messages(columns) or _pairs(columns)
        if mapping:
            return Detection(columns, mapping)
    if kind in (None, "classification"):
        mapping = _labelled(columns, limits)
        if mapping:
            return Detection(columns, mapping)
        guess = _guess_labelled(columns, len(rows), limits)
        if guess:
            return Detection(columns, guess, guessed=True)
    return Detection(columns, None, suggestions=_suggestions(columns))


def _named(columns: Sequence[Column], meaning: str, *, types: tuple[str, ...] = ("text", "number")) -> Column | None:
    """The column with that meaning: its plain English name first, then any synonym, in the file's order."""
    fitting = [column for column in columns if column.type in types and means(column.name, meaning)]
    exact = [column for column in fitting if column.name.casefold() == meaning]
    return (exact or fitting or [None])[0]  # type: ignore[list-item]


def _messages(columns: Sequence[Column]) -> ColumnMapping | None:
    named = _named(columns, "messages", types=("messages",))
    talks = [column for column in columns if column.type == "messages"]
    column = named or (talks[0] if len(talks) == 1 else None)
    return ColumnMapping("messages", {"messages": column.name}) if column else None


def _pairs(columns: Sequence[Column]) -> ColumnMapping | None:
    prompt, completion = _named(columns, "prompt"), _named(columns, "completion")
    context = _named(columns, "context")
    if completion and not prompt and context:  # input / output without an instruction
        prompt, context = context, None
    if not prompt or not completion or prompt == completion:
        return None
    chosen = {"prompt": prompt.name, "completion": completion.name}
    if context and context.name not in chosen.values():
        chosen["context"] = context.name
    system = _named(columns, "system")
    if system:
        chosen["system"] = system.name
    return ColumnMapping("pairs", chosen)


def _labelled(columns: Sequence[Column], limits: Limits) -> ColumnMapping | None:
    text, label = _named(columns, "text", types=("text",)), _named(columns, "label")
    if not text or not label or text == label or label.distinct > limits.labels:
        return None
    return ColumnMapping("labelled", {"text": text.name, "label": label.name})


def _guess_labelled(columns: Sequence[Column], rows: int, limits: Limits) -> ColumnMapping | None:
    """Long varied texts beside short values that come back: a text and its label."""
    if rows < 20:
        return None
    texts = [column for column in columns if column.type == "text" and column.mean_chars >= 12]
    text = max(texts, key=lambda column: column.mean_chars * column.filled, default=None)
    labels = [
        column
        for column in columns
        if column != text
        and column.type in ("text", "number")
        and column.filled > 0.9
        and 2 <= column.distinct <= min(limits.labels, rows // 3)
        and column.mean_chars <= 40
    ]
    if text is None or text.distinct < rows // 2 or len(labels) != 1:
        return None
    return ColumnMapping("labelled", {"text": text.name, "label": labels[0].name})


def _suggestions(columns: Sequence[Column]) -> dict[str, str]:
    found = {}
    for meaning in ("messages", "prompt", "completion", "context", "system", "text", "label"):
        types = ("messages",) if meaning == "messages" else ("text", "number")
        column = _named(columns, meaning, types=types)
        if column:
            found[meaning] = column.name
    return found
