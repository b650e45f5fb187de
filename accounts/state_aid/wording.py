"""The sentences for people that belong to the codes of the rules, with what to do next."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.state_aid.case import Verdict
from accounts.state_aid.regimes import (
    AGRICULTURE,
    FISHERIES,
    GENERAL,
    GENERAL_UNTIL_2023,
    SGEI,
    SGEI_UNTIL_2023,
)
from portal.ui.numbers import money

SENTENCES: dict[str, str | Promise] = {
    "within_ceiling": lazy("The amount fits under the ceiling for this State."),
    "union_share": lazy("The time belongs to the Union, so it is not State aid and nothing is counted."),
    "ceded_to_ju": lazy("The State gave this time to the Joint Undertaking, so nothing is counted."),
    "commercial": lazy("The time is paid for at market price, so there is no aid."),
    "ceiling_exceeded": lazy(
        "The amount does not fit under the ceiling for this State, and aid above it cannot be granted in part."
    ),
    "declaration_missing": lazy(
        "The company has not yet declared its other public support. An owner can sign the declaration in two minutes."
    ),
    "declaration_old": lazy("The declaration of other public support is too old. An owner can confirm it again."),
    "no_regime_in_force": lazy(
        "The rules for small amounts of aid have run out, so nothing can be granted until new ones are entered."
    ),
    "adjustment_period": lazy("The rules have run out and are in their transition period; a person must decide."),
    "excluded_sector": lazy(
        "Farming and fishing have rules of their own. A person must confirm that this project is kept apart from them."
    ),
    "not_autonomous": lazy("The company has linked or partner companies. A person must check what they received."),
    "autonomy_unknown": lazy(
        "The company has not said yet whether it has linked companies. An owner can answer under company figures."
    ),
    "register_not_asked": lazy("The State's central register must be looked up by a person before this is granted."),
}

REGULATIONS: dict[str, str | Promise] = {
    GENERAL: lazy("General de minimis, Regulation (EU) 2023/2831"),
    GENERAL_UNTIL_2023: lazy("General de minimis until 2023, Regulation (EU) No 1407/2013"),
    AGRICULTURE: lazy("Farming, Regulation (EU) No 1408/2013"),
    FISHERIES: lazy("Fishing, Regulation (EU) No 717/2014"),
    SGEI: lazy("Services of general economic interest, Regulation (EU) 2023/2832"),
    SGEI_UNTIL_2023: lazy("Services of general economic interest until 2023, Regulation (EU) No 360/2012"),
}


def refusal_sentence(verdict: Verdict) -> str:
    """Why a grant is refused or must wait for a person, and what is possible instead, in one or two sentences."""
    heaviest = next((reason for reason in verdict.reasons if reason.weight is verdict.outcome), verdict.reasons[0])
    sentence = str(SENTENCES[heaviest.code])
    if heaviest.code == "ceiling_exceeded":
        sentence += " " + _("At most %(amount)s can be granted today.") % {"amount": money(verdict.largest_eur)}
    return sentence
