"""Widgets with a look of their own. Plain Django widgets need nothing from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise


@dataclass(frozen=True)
class Option:
    """What a choice card says beside its label.

    facts   (icon, text) or (icon, text, tone) in one line under the description
    tag     one or two words beside the label, with a tone
    off     True shows the choice with its reason, but it cannot be chosen
    """

    description: str | Promise = ""
    facts: Sequence[tuple[str, ...]] = ()
    tag: str | Promise = ""
    tone: str = ""
    off: bool = False


class ChoiceCards(forms.RadioSelect):
    """Radio buttons as cards. `describe` maps a choice's value to its Option; `columns` may be 2 or 3."""

    template_name = "django/forms/widgets/cards.html"
    option_template_name = "django/forms/widgets/card_option.html"

    def __init__(
        self, *args: Any, describe: Mapping[str, Option] | None = None, columns: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.describe = dict(describe or {})
        self.columns = columns

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["columns"] = self.columns
        return context

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        said = self.describe.get(str(value), Option())
        option["card"] = said
        if said.off:
            option["attrs"]["disabled"] = True
        if said.description or said.facts:
            option["attrs"]["aria-describedby"] = f"{option['attrs'].get('id', name)}_more"
        return option


class Segment(forms.RadioSelect):
    """A few short choices in one row: 1, 2, 4, 8."""

    template_name = "django/forms/widgets/segment.html"


class DateInput(forms.DateInput):
    """The browser's own date picker, which speaks the reader's language."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"class": "w-auto", **(attrs or {})}, format="%Y-%m-%d")


class NumberText(forms.TextInput):
    """A number as text with a numeric keyboard: no spin buttons, no silent change by the scroll wheel."""

    def __init__(self, attrs: dict[str, Any] | None = None, *, decimal: bool = False) -> None:
        wanted = {"inputmode": "decimal" if decimal else "numeric", "class": "op-short", "autocomplete": "off"}
        super().__init__(attrs={**wanted, **(attrs or {})})
