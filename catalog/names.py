"""Names of languages and countries in the reader's language, from the Unicode CLDR that Babel carries."""

from functools import cache

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language

from accounts import countries


@cache
def _locale(code: str) -> Locale:
    try:
        return Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _reader() -> Locale:
    return _locale(get_language() or "en")


def language(code: str, *, reader: Locale | None = None) -> str:
    """ "pl" → "Polish"; the code itself where CLDR has no name."""
    return str((reader or _reader()).languages.get(code, code))


def languages(codes: list[str]) -> list[str]:
    return sorted(language(code) for code in codes)


def country(code: str) -> str:
    """ "LU" → "Luxembourg"; several countries may be joined by a slash."""
    return " / ".join(countries.name(part) for part in code.split("/") if part)


def words_to_find(codes: list[str]) -> str:
    """Names by which somebody would look for these languages: in English, and in each language itself."""
    english = _locale("en")
    own = [str(_locale(code).languages.get(code, "")) for code in codes]
    return " ".join([*(language(code, reader=english) for code in codes), *own])
