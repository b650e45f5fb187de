"""Countries a company can be in, with their names in the reader's language."""

import unicodedata
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

_MEMBER_STATES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
MEMBER_STATES = frozenset(_MEMBER_STATES.split())
# Countries associated with Horizon Europe or the Digital Europe Programme whose company identifiers we can check.
# Council Regulation (EU) 2021/1173, Article 16(4); the list of associations as known in November 2026.
_ASSOCIATED = "AL CH GB IL IS LI NO RS TR"
ASSOCIATED = frozenset(_ASSOCIATED.split())
ELIGIBLE = MEMBER_STATES | ASSOCIATED

# VAT numbers and EUIDs write Greece in its own way.
_OWN_WAY = {"GR": "EL"}
# Two-letter codes of the list of names that stand for groups, tests or something unknown.
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})


def name(code: str) -> str:
    """The country's name in the active language; the code itself when it is unknown."""
    return str(_names(get_language() or "en").get(code.upper(), code))


def choices() -> list[tuple[str, str]]:
    """(code, name) of every eligible country, ordered as readers of the active language expect."""
    return sorted(((code, name(code)) for code in ELIGIBLE), key=lambda pair: _sorting_key(pair[1]))


def choices_with_blank() -> list[tuple[str, str]]:
    """For select fields: nothing chosen yet, then every country."""
    return [("", _("Choose a country")), *choices()]


def world_choices() -> list[tuple[str, str]]:
    """Every country of the world, for those who own companies or are owned; nothing chosen yet comes first."""
    known = _names(get_language() or "en")
    everywhere = [(code, str(said)) for code, said in known.items() if len(code) == 2 and code.isalpha()]
    kept = [pair for pair in everywhere if pair[0] not in _NO_COUNTRIES]
    return [("", _("Choose a country")), *sorted(kept, key=lambda pair: _sorting_key(pair[1]))]


def register_prefix(code: str) -> str:
    """The two letters that stand before a VAT number or EUID: EL for Greece, else the ISO code."""
    return _OWN_WAY.get(code, code)


@lru_cache(maxsize=64)
def _names(language: str) -> dict[str, str]:
    try:
        return dict(Locale.parse(language, sep="-").territories)
    except (UnknownLocaleError, ValueError):
        return dict(Locale.parse("en").territories)


def _sorting_key(text: str) -> str:
    """Good enough without a collation library: accents are dropped before comparing."""
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)).casefold()
