"""What the scheme of the chosen site asks of a project: additions under Art 25, the facts of a start-up under Art 22.

Regulation (EU) No 651/2014. What is left open goes to a person; nothing is asked where no scheme rests on them.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import AidScheme, Organisation
from accounts.state_aid.case import RESEARCH, START_UP
from accounts.state_aid.services.law import Rules
from portal.ui.widgets import DateInput

YES_NO = (("yes", _("Yes")), ("no", _("No")))
# Art 25(6), each with the one line that decides whether it may be ticked.
BONUSES = {
    "collaboration": _(
        "Effective collaboration: with an SME, over a border, or with a research organisation, and no company bears "
        "more than 70 %"
    ),
    "dissemination": _("Results are widely shared: at conferences, in publications, open repositories or software"),
    "licensing": _("Licences to results protected by rights: offered in time, at market price, to anybody in the EEA"),
    "region_a": _("Carried out in an assisted area of kind “a”"),
    "region_c": _("Carried out in an assisted area of kind “c”"),
    "several_states": _("Designed by several States together, who chose it in an open call, and run in at least two"),
}


def _yes_no(label: Any, help_text: Any = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, help_text=help_text, choices=YES_NO, widget=forms.RadioSelect, required=False
    )  # fmt: skip


def fields_for(scheme: AidScheme | None, *, on: date) -> dict[str, forms.Field]:
    """The questions by name; empty for every other basis, and for a category that knows no additions."""
    if scheme is not None and scheme.basis == RESEARCH:
        known = bonuses_of(scheme, on=on)
        choices = [(code, text) for code, text in BONUSES.items() if code in known]
        return {"bonuses": _bonuses(choices)} if choices else {}
    if scheme is not None and scheme.basis == START_UP:
        return {
            "start_up_listed": _yes_no(_("Are shares of your company traded on a stock exchange?")),
            "start_up_registered_on": forms.DateField(
                label=_("When was your company entered in the register?"),
                help_text=_("Companies without a duty to register: the day business began, or tax became due on it."),
                widget=DateInput(),
                required=False,
            ),
            "start_up_profits": _yes_no(_("Has your company ever paid out profits?")),
            "start_up_took_over": _yes_no(
                _("Has it taken over another company or its activity, or come out of a merger?"),
                _("Say no if what came in made less than 10 % of your turnover in the year before."),
            ),
        }
    return {}


def _bonuses(choices: list[tuple[str, Any]]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("Does one of these hold for the project?"),
        help_text=_("Each raises the share of the costs that may be paid. Tick only what you can show with papers."),
        choices=choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


def bonuses_of(scheme: AidScheme, *, on: date) -> frozenset[str]:
    """The additions that the law of the day knows for the scheme's category, and that fit its region."""
    for law in Rules(on).laws:
        if law.code == scheme.basis and scheme.category in law.terms.get("bonus_for", ()):
            regions = {"region_a", "region_c"} - {f"region_{scheme.region}"}
            return frozenset(law.terms["bonus"]) - regions
    return frozenset()


def said(cleaned: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as JSON values; what was not asked or left open is not there."""
    if "bonuses" in asked:
        return {"bonuses": sorted(cleaned["bonuses"])} if cleaned.get("bonuses") else {}
    answers = {name: cleaned.get(f"start_up_{name}") for name in ("listed", "profits", "took_over")}
    found: dict[str, Any] = {name: value == "yes" for name, value in answers.items() if value}
    if cleaned.get("start_up_registered_on"):
        found["registered_on"] = cleaned["start_up_registered_on"].isoformat()
    return {"start_up": found} if found else {}


def initial_of(support: Mapping[str, Any], organisation: Organisation) -> dict[str, Any]:
    """The values to show; the day of registration is filled in from the company where nobody typed another."""
    start_up = support.get("start_up") or {}
    shown = {True: "yes", False: "no", None: None}
    return {
        "bonuses": support.get("bonuses", []),
        **{f"start_up_{name}": shown[start_up.get(name)] for name in ("listed", "profits", "took_over")},
        "start_up_registered_on": start_up.get("registered_on") or organisation.registered_on,
    }
