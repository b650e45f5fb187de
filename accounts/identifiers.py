"""Identifiers of companies, checked for form and check digits. That a number is well formed proves nothing more."""

import re

from django.utils.translation import gettext as _
from stdnum.exceptions import ValidationError
from stdnum.util import get_cc_module

from accounts.countries import register_prefix
from accounts.nace import DIVISIONS
from portal.kernel.errors import DomainError

# Country, register, ".", registration number with an optional check character (Implementing Reg. (EU) 2021/1042, 9).
# Lenient on purpose: registers write their own numbers in many ways.
EUID = re.compile(r"[A-Z]{2}[A-Z0-9]*\.[A-Z0-9./-]+")
# States whose business registers are joined (BRIS): the Union and the EEA. Greece writes EL.
_JOINED_REGISTERS = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
EUID_PREFIXES = frozenset(_JOINED_REGISTERS.split())
NACE = re.compile(r"\d{2}(\.\d{1,2})?")


def checked_vat(value: str, *, country: str) -> str:
    """The VAT number in its compact form with the country's prefix; "" for an empty one.

    Raises DomainError("vat_number") when it cannot be a number of that country.
    """
    compact = re.sub(r"[\s.\-_/]", "", value).upper()
    if not compact:
        return ""
    module = get_cc_module(country.lower(), "vat")
    if module is None:
        raise DomainError(
            "vat_number", _("We cannot check VAT numbers of this country. Use the EUID instead."), field="vat_number"
        )
    prefix = register_prefix(country)
    digits = compact[2:] if compact[:2] in {prefix, country} else compact
    try:
        # Most modules drop their own prefix, Switzerland's and Norway's want what was written.
        national = str(module.validate(compact if country in {"CH", "NO"} else digits))
    except ValidationError:
        raise DomainError(
            "vat_number",
            _("This is not a valid VAT number of that country. Check it on an invoice; it looks like %(example)s.")
            % {"example": EXAMPLES.get(country, f"{prefix}…")},
            field="vat_number",
        ) from None
    return national if national.startswith(prefix) or country in {"CH", "NO"} else prefix + national


def checked_euid(value: str, *, country: str) -> str:
    """The EUID in upper case without spaces; "" for an empty one. Raises DomainError("euid")."""
    compact = re.sub(r"\s", "", value).upper()
    if not compact:
        return ""
    prefix = register_prefix(country)
    if compact[:2] not in EUID_PREFIXES or not EUID.fullmatch(compact):
        raise DomainError(
            "euid",
            _("An EUID is the country and its register, then a dot and the number, for example LURCSL.B123456."),
            field="euid",
        )
    if compact[:2] != prefix:
        raise DomainError("euid", _("This EUID belongs to another country than the one you chose."), field="euid")
    return compact


def checked_nace(value: str) -> str:
    """A NACE code as division, group or class: 62, 62.1 or 62.10. Raises DomainError("nace_code")."""
    compact = value.strip().upper().lstrip("ABCDEFGHIJKLMNOPQRSTUV").strip().replace(",", ".")
    if not NACE.fullmatch(compact) or compact[:2] not in DIVISIONS:
        raise DomainError(
            "nace_code",
            _("A NACE code is two digits, or two digits, a dot and one or two more: 62 or 62.10."),
            field="nace_code",
        )
    return compact


# One well-formed number for each country, shown as a pattern beside an error; they belong to nobody we mean.
EXAMPLES = {
    "AT": "ATU13585627",
    "BE": "BE0428759497",
    "DE": "DE136695976",
    "DK": "DK13585628",
    "EE": "EE100931558",
    "ES": "ESB58378431",
    "FI": "FI20774740",
    "FR": "FR40303265045",
    "GR": "EL094259216",
    "IE": "IE6433435F",
    "IT": "IT00743110157",
    "LU": "LU15027442",
    "NL": "NL004495445B01",
    "PL": "PL8567346215",
    "PT": "PT501964843",
    "SE": "SE123456789701",
}
