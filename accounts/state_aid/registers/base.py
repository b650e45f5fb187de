"""What a profile is: columns over the facts of an award, and what makes a row complete."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _

Facts = Mapping[str, str]
Row = dict[str, str]
TEXT, AMOUNT, DAY = "text", "amount", "day"
NACE = re.compile(r"[0-9]{2}(\.[0-9]{1,2})?")
NUTS2 = re.compile(r"[A-Z]{2}[A-Z0-9]{2}")


@dataclass(frozen=True)
class Column:
    """One column.

    code      its name in the file, never translated
    label     what people call it
    value     from the facts; facts are texts, days ISO, amounts with a point
    kind      text, amount or day
    required  whether a row without it is incomplete
    pattern   what a text must look like
    """

    code: str
    label: str | Promise
    value: Callable[[Facts], str]
    kind: str = TEXT
    required: bool = True
    pattern: re.Pattern[str] | None = None

    def problem(self, value: str) -> str:
        """What is wrong with a value, as a sentence; "" when nothing is."""
        label = {"column": self.label, "value": value}
        if not value:
            return _("%(column)s is missing.") % label if self.required else ""
        if (self.kind == AMOUNT and not _is_amount(value)) or (self.kind == DAY and not _is_day(value)):
            return _("%(column)s cannot be read: %(value)s.") % label
        if self.pattern is not None and not self.pattern.fullmatch(value):
            return _("%(column)s has another form than the register expects: %(value)s.") % label
        return ""


class Profile(Protocol):
    """A register's columns. `note` says where they come from and what to check before the first upload."""

    code: str
    title: str | Promise
    note: str | Promise
    columns: tuple[Column, ...]
    # The duty its answer closes: a kind of `AidDuty`.
    duty: str

    def covers(self, facts: Facts) -> bool:
        """Whether that award belongs into the register at all."""
        ...


def row_of(profile: Profile, facts: Facts) -> Row:
    """One line of the file, every column as text."""
    return {column.code: column.value(facts).strip() for column in profile.columns}


def problems_of(profile: Profile, row: Mapping[str, str]) -> list[str]:
    """What is missing or wrong in a line, one sentence each; empty when the register should take it."""
    return [said for column in profile.columns if (said := column.problem(row.get(column.code, "")))]


def fact(name: str) -> Callable[[Facts], str]:
    """The value as it stands in the facts."""
    return lambda facts: facts.get(name, "")


def fixed(text: str) -> Callable[[Facts], str]:
    return lambda _facts: text


def _is_amount(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
