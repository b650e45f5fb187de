"""Sentences of the pure rules, in the reader's language."""

from math import floor, log10

from django.utils.translation import gettext as _

from accounts import countries
from models_hub.wording import Text, Value
from portal.ui import numbers

# Values of these names are country codes, separated by commas.
_COUNTRIES = frozenset({"allowed_countries", "site_countries"})


def said(text: Text) -> str:
    """A sentence of a pure module, in the reader's language; countries are named, not coded."""
    named = {name: _named(value) if name in _COUNTRIES else value for name, value in text.values.items()}
    return Text(text.message, named).render(_, said_number)


def _named(codes: Value) -> str:
    return ", ".join(countries.name(code) for code in str(codes).split(", "))


def said_number(value: Value) -> str:
    """As many digits as say something: 1,234 and 25 and 5.8 and 0.87 and 0.0042."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    size = abs(value)
    if value == int(value) or size >= 100:
        return numbers.number(value)
    if size >= 0.1:
        return numbers.number(value, 1 if size >= 1 else 2)
    return numbers.number(value, min(6, 1 - floor(log10(size))))
