"""Publication of block-exempted awards above the threshold, shaped after Annex III of Regulation (EU) No 651/2014."""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.state_aid.registers.base import AMOUNT, DAY, NUTS2, Column, Facts, fact

# Annex III asks for the NACE group: two digits, a point and one more.
GROUP = re.compile(r"[0-9]{2}\.[0-9]")


def _group(facts: Facts) -> str:
    division, point, rest = facts.get("nace_code", "").partition(".")
    return f"{division}{point}{rest[:1]}"


def _size(facts: Facts) -> str:
    return {"micro": "SME", "small": "SME", "medium": "SME", "large": "Large"}.get(facts.get("size", ""), "")


class Publication:
    code = "publication"
    title: str | Promise = _("Publication (Annex III, transparency award module)")
    note: str | Promise = _("Block-exempted awards for which publication is due, with the fields of Annex III.")
    duty = "publication"
    columns: tuple[Column, ...] = (
        Column("beneficiary_name", _("Beneficiary"), fact("beneficiary")),
        Column("beneficiary_identifier", _("Identifier"), fact("identifier")),
        Column("beneficiary_type", _("SME or large on the day of the grant"), _size),
        Column("region_nuts2", _("NUTS 2 region"), fact("nuts2"), pattern=NUTS2),
        Column("sector_nace_group", _("NACE group"), _group, pattern=GROUP),
        Column("aid_element_eur", _("Aid element in EUR"), fact("amount_eur"), AMOUNT),
        Column("aid_instrument", _("Aid instrument"), fact("instrument")),
        Column("granting_date", _("Date of the grant"), fact("granted_on"), DAY),
        Column("objective", _("Objective of the aid"), fact("objective")),
        Column("granting_authority", _("Granting authority"), fact("authority")),
        Column("measure_reference", _("Reference of the measure"), fact("measure_reference")),
        Column("scheme", _("Scheme"), fact("scheme"), required=False),
        Column("entry", _("Our reference"), fact("entry")),
    )

    def covers(self, facts: Facts) -> bool:
        return facts["publication_due"] == "yes"


PUBLICATION = Publication()
