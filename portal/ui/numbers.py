"""How numbers are written for people, in the reader's language: money, GPU-hours, durations, sizes, percentages."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from django.utils import formats
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

SECONDS_PER_HOUR = 3600
NO_BREAK = "\u00a0"
# The Publications Office's style guide puts the sign before the amount in these languages and after it elsewhere.
EURO_FIRST = {"en": "€", "ga": "€", "mt": "€", "nl": "€" + NO_BREAK}
DASH = "–"


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None


def number(value: Any, decimals: int = 0) -> str:
    """1234.5 → "1,234" or "1.234": grouped, rounded half to even; a dash when there is no number."""
    exact = _decimal(value)
    if exact is None:
        return DASH
    rounded = exact.quantize(Decimal(1).scaleb(-int(decimals)), rounding=ROUND_HALF_EVEN)
    if rounded == 0:
        rounded = abs(rounded)
    return formats.number_format(rounded, decimal_pos=int(decimals), use_l10n=True, force_grouping=True)


def money(value: Any, decimals: int = 2) -> str:
    """Euro: "€1,234.50" in English, "1 234,50 €" in most other languages."""
    text = number(value, decimals)
    if text == DASH:
        return text
    sign, text = ("−", text[1:]) if text.startswith("-") else ("", text)
    first = EURO_FIRST.get((get_language() or "en")[:2])
    return f"{sign}{first}{text}" if first else f"{sign}{text}{NO_BREAK}€"


def hours(gpu_seconds: Any, decimals: int = 1) -> str:
    """Integer GPU-seconds as GPU-hours, without the unit: 20880 → "5.8"."""
    exact = _decimal(gpu_seconds)
    return DASH if exact is None else number(exact / SECONDS_PER_HOUR, decimals)


def gpu_hours(gpu_seconds: Any, decimals: int = 1) -> str:
    """Integer GPU-seconds as GPU-hours with the unit: 20880 → "5.8 GPU-hours"."""
    exact = _decimal(gpu_seconds)
    if exact is None:
        return DASH
    text = hours(exact, decimals)
    one = exact == SECONDS_PER_HOUR
    return ngettext("%(hours)s GPU-hour", "%(hours)s GPU-hours", 1 if one else 2) % {"hours": text}


def duration(seconds: Any) -> str:
    """Seconds in the two largest units that matter: "2 d 4 h", "1 h 25 min", "12 min", "40 s"."""
    exact = _decimal(seconds)
    if exact is None:
        return DASH
    total = max(0, int(exact.to_integral_value(rounding=ROUND_HALF_EVEN)))
    if total < 60:
        return _("%(n)s s") % {"n": total}
    minutes = (total + 30) // 60
    if minutes < 60:
        return _("%(n)s min") % {"n": minutes}
    whole_hours, rest = divmod(minutes, 60)
    if whole_hours < 24:
        return (_("%(h)s h %(m)s min") if rest else _("%(h)s h")) % {"h": whole_hours, "m": rest}
    days, rest = divmod(round(minutes / 60), 24)
    return (_("%(d)s d %(h)s h") if rest else _("%(d)s d")) % {"d": days, "h": rest}


def size(value: Any) -> str:
    """Bytes in decimal units, as drives and networks are sold: 1800000000 → "1.8 GB"."""
    exact = _decimal(value)
    if exact is None:
        return DASH
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        scaled = exact / Decimal(1000) ** power
        if scaled >= 1 or (power == 1 and scaled >= Decimal("0.9995")):
            return f"{number(scaled, 0 if scaled >= 100 else 1)}{NO_BREAK}{unit}"
    return ngettext("%(n)s byte", "%(n)s bytes", int(exact)) % {"n": number(exact)}


def percent(share: Any, decimals: int = 0) -> str:
    """A share between 0 and 1 as a percentage: 0.914 → "91%" or "91 %", as the language writes it."""
    exact = _decimal(share)
    if exact is None:
        return DASH
    # Translators: how your language joins a number and the percent sign.
    return _("%(n)s%%") % {"n": number(exact * 100, decimals)}
