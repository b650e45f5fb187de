"""Sentences about the catalogue's facts that more than one page says."""

from django.utils.translation import gettext_lazy as _

from catalog.models import Site

# Facts: treatment of time by its origin (Union share centrally managed, national share, commercial).
AID_TREATMENT = {
    Site.Origin.UNION_SHARE: _(
        "Not counted as State aid, because no State decides about it. Its value is recorded all the same."
    ),
    Site.Origin.CEDED_TO_JU: _(
        "Treated as the Union share: not counted as State aid. Its value is recorded all the same."
    ),
    Site.Origin.NATIONAL_SHARE: _(
        "Free or cheaper time is public support of the granting State. It counts towards the ceiling of your company "
        "group in that State."
    ),
    Site.Origin.COMMERCIAL: _("Sold at the market price: no advantage, so no public support."),
}

METHODS = {
    "fp32": (_("32 bit (fp32)"), _("Full precision; how small models are trained without a GPU.")),
    "bf16": (_("16 bit (bf16)"), _("How models are stored, and how add-on training (LoRA) holds them.")),
    "int8": (_("8 bit (int8)"), _("Compressed for use; answers change a little.")),
    "int4": (_("4 bit"), _("How compact training (QLoRA) holds them; the tables of words stay in 16 bit.")),
}

VERIFIED_FIELDS = {
    "shape": _("shape"),
    "licence": _("licence"),
    "languages": _("languages"),
    "gated": _("access conditions"),
    "release": _("release date"),
    "base": _("base model"),
    "exists": _("that it exists"),
}
