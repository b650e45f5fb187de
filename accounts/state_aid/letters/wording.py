"""The letters' texts, one file a language, and how days and amounts are written in each."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency

FOLDER = Path(__file__).parent
ENGLISH = "en"
EXEMPTION = "651/2014"


@cache
def texts(language: str) -> Mapping[str, Any]:
    """The texts of that language. Raises KeyError for one we have no file for."""
    if language not in languages():
        raise KeyError(language)
    data: Mapping[str, Any] = yaml.safe_load((FOLDER / "texts" / f"{language}.yaml").read_text(encoding="utf-8"))
    return data


@cache
def languages() -> Mapping[str, str]:
    """Code and own name of every language there are letters in: the official languages of the Union."""
    found = {}
    for path in sorted((FOLDER / "texts").glob("*.yaml")):
        found[path.stem] = str(yaml.safe_load(path.read_text(encoding="utf-8"))["name"])
    return found


@cache
def _other_acts() -> Mapping[str, str]:
    acts: Mapping[str, str] = yaml.safe_load((FOLDER / "acts.yaml").read_text(encoding="utf-8"))
    return acts


def closest(language: str) -> str:
    """The language itself, its main language for a variant such as pt-br, else English."""
    main = language.replace("_", "-").split("-")[0].lower()
    return main if main in languages() else ENGLISH


def title_of(regime: str, words: Mapping[str, Any]) -> str:
    """The act's full title with the Official Journal; in English where the language has none for it."""
    if regime == "2023/2831":
        return str(words["regulation_de_minimis"])
    if regime.startswith(EXEMPTION):
        return str(words["regulation_exemption"])
    return str(_other_acts().get(regime, regime))


# English as the Union's institutions write it, not as in America.
_LOCALE = {ENGLISH: "en_IE"}


def day(value: str, language: str) -> str:
    """An ISO day written out."""
    return format_date(date.fromisoformat(value), format="long", locale=_LOCALE.get(language, language))


def money(value: str, language: str) -> str:
    """An amount of euros with the currency."""
    return format_currency(Decimal(value), "EUR", locale=_LOCALE.get(language, language))


def country(code: str, language: str) -> str:
    return str(Locale.parse(language).territories.get(code, code))
