"""A generic national register: everything Article 6(1) asks, in plain words, and what national registers add.

For a State that keeps its own register copy this file, rename the columns as its template does, and add one line to
PROFILES.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.state_aid.registers.base import AMOUNT, DAY, NACE, NUTS2, Column, Facts, fact
from accounts.state_aid.registers.eair import REGIMES


class National:
    code = "national"
    title: str | Promise = _("National register (general)")
    note: str | Promise = _("For States that keep a register of their own; a profile of theirs can rename the columns.")
    duty = "register"
    columns: tuple[Column, ...] = (
        Column("entry", _("Our reference"), fact("entry")),
        Column("register_reference", _("Register's number"), fact("register_reference"), required=False),
        Column("beneficiary_name", _("Beneficiary"), fact("beneficiary")),
        Column("vat_number", _("VAT number"), fact("vat_number"), required=False),
        Column("euid", _("EUID"), fact("euid"), required=False),
        Column("identifier", _("Identifier"), fact("identifier")),
        Column("country", _("Beneficiary's country"), fact("country")),
        Column("town", _("Town"), fact("town"), required=False),
        Column("nuts2", _("NUTS 2 region"), fact("nuts2"), required=False, pattern=NUTS2),
        Column("size", _("Size of the company"), fact("size"), required=False),
        Column("nace_code", _("NACE sector"), fact("nace_code"), pattern=NACE),
        Column("nace_revision", _("NACE revision"), fact("nace_revision")),
        Column("granting_state", _("Granting State"), fact("state")),
        Column("granting_authority", _("Granting authority"), fact("authority")),
        Column("regulation", _("Regulation"), fact("regulation")),
        Column("instrument", _("Aid instrument"), fact("instrument")),
        Column("granted_on", _("Date of the grant"), fact("granted_on"), DAY),
        Column("amount_eur", _("Gross grant equivalent in EUR"), fact("amount_eur"), AMOUNT),
        Column("granted_eur", _("Amount when granted in EUR"), fact("granted_eur"), AMOUNT),
        Column("status", _("Status"), fact("status")),
        Column("corrected_on", _("Corrected on"), fact("corrected_on"), DAY, required=False),
    )

    def covers(self, facts: Facts) -> bool:
        return facts["regime"] in REGIMES


NATIONAL = National()
