"""Icons, printed as inline SVG from the vendored set.

Inline paths rather than an external sprite: `<use href>` to another file falls under `default-src` in some browsers
and would be blocked by our content security policy.
"""

import re
from functools import cache

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.env import ROOT

FOLDER = ROOT / "static" / "vendor" / "bootstrap-icons-1.13.2"
_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


class UnknownIcon(ValueError):
    """The name is not in the vendored set; add it to static/vendor/vendor.lock and run deploy/vendor.sh."""


@cache
def paths(name: str) -> str:
    """The drawing inside the icon's 16 × 16 view box."""
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise UnknownIcon(name)
    try:
        source = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnknownIcon(name) from None
    match = _INNER.search(source)
    if match is None:
        raise UnknownIcon(name)
    return " ".join(match.group(1).split())


def icon(name: str, css: str = "") -> SafeString:
    """A decorative icon in the colour of the text around it. The words beside it carry the meaning."""
    try:
        drawing = paths(name)
    except UnknownIcon:
        if settings.DEBUG:
            raise
        return mark_safe("")
    return format_html(
        '<svg class="icon{}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{}</svg>',
        f" {css}" if css else "",
        mark_safe(drawing),  # noqa: S308 - our own vendored file, hash-checked by a test
    )
