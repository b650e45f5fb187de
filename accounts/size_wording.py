"""The derivation of a size class in sentences. Not pure: it speaks the reader's language."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import SmeAssessment
from portal.ui.numbers import money, number


def size_label(size: str) -> str:
    return str(SmeAssessment.SizeClass(size).label)


def step_sentences(trace: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(sentence, article) for each step of a stored trace; unknown steps show their code."""
    return [(_sentence(step["code"], step["values"]), step["article"]) for step in trace.get("steps", [])]


def _sentence(code: str, values: Mapping[str, Any]) -> str:
    plain = {
        "not_autonomous": _("Figures of linked or partner companies count too. A person goes through them with you."),
        "no_figures": _("There are no figures yet."),
        "estimate_used": _("The company has no approved accounts yet, so your estimate counts."),
        "estimates_left_out": _("Approved accounts are here, so estimates were left out."),
        "figures_old": _("The figures are too old to be the latest approved ones. Enter the last closed year."),
        "missing_year": _("A year is missing, and it could change the answer. Enter it, or let a person look."),
    }
    if code in plain:
        return plain[code]
    if code not in {"period", "one_year_is_not_enough"}:
        return code
    facts = {
        "year": date_format(date.fromisoformat(values["period_end"]), "DATE_FORMAT"),
        "staff": number(Decimal(values["awu"]), 2),
        "turnover": money(Decimal(values["turnover_eur"]), 0),
        "balance": money(Decimal(values["balance_sheet_eur"]), 0),
        "alone": size_label(values["alone"]),
        "size": size_label(values["size"]),
    }
    if code == "period":
        said = _("Year to %(year)s: staff %(staff)s, turnover %(turnover)s, balance sheet %(balance)s. Size: %(size)s.")
    else:
        said = _("Year to %(year)s alone: %(alone)s. One year is not enough to change, so it stays: %(size)s.")
    return said % facts
