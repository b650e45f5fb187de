"""Sentences that pure modules hand to people.

The pure rooms of this app know no framework, yet every sentence they produce must be translatable. They therefore
return `Text`: a message id that `makemessages` collects through `gettext_noop`, and the values that go into it.
Whoever shows it translates it: `text.render(gettext)`; `str(text)` is the English sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

Plain = str | int | float | None
Value = Union[str, int, float, None, "Text"]


def gettext_noop(message: str) -> str:
    """Marks a sentence for translation without translating it (xgettext knows this name)."""
    return message


def plain_number(value: Plain) -> str:
    """Numbers for people: thousands separated, no more digits than say something."""
    if value is None:
        return ""
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2g}" if 0 < size < 0.1 else f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Text:
    """One translatable sentence: `%(name)s` placeholders in `message`, their values beside it.

    Without values the message is shown as it is, so a lone percent sign needs no escaping. A value may itself be
    a Text.
    """

    message: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def render(
        self,
        translate: Callable[[str], str] = gettext_noop,
        number: Callable[[Plain], str] = plain_number,
    ) -> str:
        message = translate(self.message)
        if not self.values:
            return message
        return message % {
            name: value.render(translate, number) if isinstance(value, Text) else number(value)
            for name, value in self.values.items()
        }

    def __str__(self) -> str:
        return self.render()

    def as_dict(self) -> dict[str, Any]:
        return {
            "message": self.message,
            "values": {
                name: value.as_dict() if isinstance(value, Text) else value for name, value in self.values.items()
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Text:
        values = data.get("values") or {}
        return cls(
            str(data["message"]),
            {name: cls.from_dict(value) if isinstance(value, Mapping) else value for name, value in values.items()},
        )
