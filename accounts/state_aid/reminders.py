"""What people forget when they declare de minimis aid: (what it is, how one recognises it)."""

from django.utils.translation import gettext_lazy as _

WHAT_COUNTS = (
    (
        _("Vouchers"),
        _("Innovation, digitalisation, consulting or export vouchers of a region, a chamber or a ministry."),
    ),
    (_("Small grants"), _("A subsidy for hiring, training, energy, machines, trade fairs or a website.")),
    (
        _("Free or cheaper services"),
        _("Coaching in a public incubator, lab time, machine time, tests or advice below price."),
    ),
    (
        _("Free or cheaper rooms"),
        _("Office space in a technology centre or a building of the town below the usual rent."),
    ),
    (_("Guarantees"), _("A bank loan backed by a public guarantee; what counts is the aid element in the letter.")),
    (_("Cheap loans"), _("A public loan below market interest; what counts is the aid element, not the loan.")),
    (
        _("Relief from taxes or fees"),
        _("Local tax breaks, deferred taxes or reduced social contributions for some firms."),
    ),
    (_("Capital"), _("Money of a public fund on terms that a private investor would not offer.")),
    (_("Help through others"), _("Support that a chamber, a bank or an association paid out with public money.")),
)
