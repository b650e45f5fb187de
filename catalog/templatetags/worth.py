"""`{% load worth %}`: the one component that says what hours are worth and whether that counts as aid."""

from decimal import Decimal
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from catalog.models import AccessMode, Site
from catalog.worth import Worth, worth_of, worth_of_mode
from portal.kernel.clock import today

register = template.Library()


def _drawn(worth: Worth | None) -> SafeString:
    # `strip` gives a plain string back: the template has escaped everything already.
    return SafeString("" if worth is None else render_to_string("catalog/_worth.html", {"worth": worth}).strip())


@register.simple_tag
def worth(value: Decimal | None, site: Site | None) -> Any:
    """`{% worth value site %}`: "worth about €1,100.00 of public support; counts as aid of Finland"."""
    return _drawn(None if value is None or site is None else worth_of(value, site, on=today()))


@register.simple_tag
def mode_worth(mode: AccessMode) -> Any:
    """`{% mode_worth mode %}`: the same for a way to access, over the sites where it is open."""
    return _drawn(worth_of_mode(mode, on=today()))
