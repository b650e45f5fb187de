"""Models side by side: one row a fact, and which value is the smallest where small is good."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from catalog import names, selectors
from catalog.models import FoundationModel
from portal.ui.numbers import number


def comparison(models: Sequence[FoundationModel]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Columns and rows for `{% compare %}`."""
    columns = [{"title": one.name, "url": one.get_absolute_url(), "note": one.provider} for one in models]
    weights = [selectors.bf16_gb(one) for one in models]
    known = [gb for gb in weights if gb is not None]
    least = weights.index(min(known)) if len(known) > 1 and min(known) < max(known) else None
    longest = _largest([one.context for one in models])
    rows = [
        _row(_("What it does"), [one.get_task_display() for one in models]),
        _row(_("In short"), [one.summary for one in models]),
        _row(_("Languages"), [language_words(one) for one in models]),
        _row(_("Licence"), [one.licence_spdx for one in models]),
        _row(_("In plain words"), [one.licence_words for one in models]),
        _row(_("Commercial use"), [commercial_words(one) for one in models]),
        _row(_("Made in"), [names.country(one.provider_country) for one in models]),
        _row(_("Released"), [one.release for one in models]),
        _row(_("Parameters"), [billions(one.params) for one in models]),
        _row(
            _("Weights in 16 bit"), [_("%(gb)s GB") % {"gb": number(gb, 1)} if gb else "" for gb in weights], best=least
        ),
        _row(_("Longest text (tokens)"), [number(one.context) if one.context else "" for one in models], best=longest),
        _row(_("Facts read at the source"), [_("Yes") if one.verified else _("Not yet") for one in models]),
    ]
    return columns, rows


def language_words(model: FoundationModel) -> str:
    """Names of the languages; the source's own phrase where it lists none."""
    named = ", ".join(names.languages(model.languages))
    return ", ".join(part for part in (named, model.language_words) if part)


def commercial_words(model: FoundationModel) -> str:
    if model.commercial_use is None:
        return _("Under conditions, or not checked: read the licence")
    return _("Allowed") if model.commercial_use else _("Not allowed")


def billions(parameters: int | None) -> str:
    """9150000000 → "9.2 billion"; small models in millions."""
    if not parameters:
        return ""
    if parameters >= 1_000_000_000:
        return _("%(n)s billion") % {"n": number(parameters / 1e9, 1)}
    return _("%(n)s million") % {"n": number(parameters / 1e6)}


def _row(label: str, values: list[str], best: int | None = None) -> dict[str, Any]:
    return {"label": label, "values": values, "best": best}


def _largest(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return list(values).index(max(known)) if len(known) > 1 and min(known) < max(known) else None
