"""Shaped after the Union's central register of de minimis aid (eAIR), Article 6(1) of Regulation (EU) 2023/2831.

The columns are those the Article names, with the identifiers a register needs; the register's own upload template was
not at hand. Compare with the template of its current release before the first upload.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.state_aid.registers.base import AMOUNT, DAY, NACE, Column, Facts, fact

REGIMES = frozenset({"2023/2831", "2023/2832", "1408/2013", "717/2014"})


class Eair:
    code = "eair"
    title: str | Promise = _("eAIR-shaped (central register of the Union)")
    note: str | Promise = _(
        "The columns follow Article 6(1). Compare them with the current upload template before the first upload."
    )
    duty = "register"
    columns: tuple[Column, ...] = (
        Column("MemberState", _("Granting State"), fact("state")),
        Column("GrantingAuthority", _("Granting authority"), fact("authority")),
        Column("ReferenceNumber", _("Our reference"), fact("entry")),
        Column("BeneficiaryName", _("Beneficiary"), fact("beneficiary")),
        Column("BeneficiaryIdentifierType", _("Kind of identifier"), fact("identifier_type")),
        Column("BeneficiaryIdentifier", _("Identifier"), fact("identifier")),
        Column("BeneficiaryCountry", _("Beneficiary's country"), fact("country")),
        Column("Regulation", _("Regulation"), fact("regulation")),
        Column("AidInstrument", _("Aid instrument"), fact("instrument")),
        Column("NaceCode", _("NACE sector"), fact("nace_code"), pattern=NACE),
        Column("NaceRevision", _("NACE revision"), fact("nace_revision")),
        Column("GrantingDate", _("Date of the grant"), fact("granted_on"), DAY),
        Column("AidAmountEUR", _("Gross grant equivalent in EUR"), fact("amount_eur"), AMOUNT),
        Column("Status", _("Status"), fact("status")),
        Column("RegisterReference", _("Register's number"), fact("register_reference"), required=False),
    )

    def covers(self, facts: Facts) -> bool:
        return facts["regime"] in REGIMES


EAIR = Eair()
