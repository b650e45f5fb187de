"""Filters for pages about organisations."""

from django import template

from accounts import countries

register = template.Library()


@register.filter
def country_name(code: str) -> str:
    """`{{ organisation.country|country_name }}`: the country in the reader's language."""
    return countries.name(code)
