"""Amounts as people write them: 1500000, 1 500 000, 1,500,000.50 or 1.500.000,50."""

import re
from typing import Any

from django import forms
from django.utils.formats import get_format

from portal.ui.widgets import NumberText


def plain_number(text: str, *, decimal_sign: str) -> str:
    """The number with a point for the decimals and nothing else; what is no number stays as it is.

    With both signs the last one separates the decimals. A sign that stands several times groups thousands; so does a
    single one in front of exactly three digits, unless it is the reader's own decimal sign.
    """
    bare = re.sub(r"[\s\u00a0\u202f'’€]|EUR", "", text, flags=re.IGNORECASE)
    signs = [sign for sign in ",." if sign in bare]
    if len(signs) == 2:
        decimals = max(signs, key=bare.rfind)
    elif signs and bare.count(signs[0]) == 1:
        only = signs[0]
        groups = only != decimal_sign and re.fullmatch(r"-?\d{1,3}[.,]\d{3}", bare)
        decimals = "" if groups else only
    else:
        decimals = ""
    kept = "".join(one for one in bare if one not in ",." or one == decimals)
    return kept.replace(",", ".") if decimals else kept


class AmountField(forms.DecimalField):
    """A number of zero or more with two decimals, in the reader's way of writing."""

    def __init__(self, *, max_digits: int = 16, **kwargs: Any) -> None:
        super().__init__(
            min_value=0,
            max_digits=max_digits,
            decimal_places=2,
            localize=True,
            widget=NumberText(decimal=True),
            **kwargs,
        )

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = plain_number(value, decimal_sign=get_format("DECIMAL_SEPARATOR"))
        return super().to_python(value)
