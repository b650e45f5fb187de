"""The sentences for people that belong to the codes of the rules: what is so, and what to do next."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts import countries
from accounts.state_aid.case import Outcome, Reason, Verdict
from accounts.state_aid.names import (
    BONUSES,
    CATEGORIES,
    FACTS,
    GROUNDS,
    LIMITS,
    NOT_COUNTED,
    OUTCOMES,
    PURPOSES,
    REGULATIONS,
    SIZES,
    Words,
)
from portal.ui.numbers import money

SENTENCES: dict[str, Words] = {
    "within_ceiling": lazy("The amount fits: %(left_eur)s are left under “%(limit)s”."),
    "conditions_met": lazy("Every condition that can be checked here is met."),
    "half_of_costs": lazy(
        "The amount is more than may be free of charge, and at most half of the stated costs, which is allowed too."
    ),
    "activities_separated": lazy("The company keeps the activities that are left out apart, as it declared."),
    "union_share": lazy("The time belongs to the Union, so it is not State aid and nothing is counted."),
    "ceded_to_ju": lazy("The State gave this time to the Joint Undertaking, so nothing is counted."),
    "commercial": lazy("The time is paid for at market price, so there is no aid."),
    "non_economic": lazy("The time serves no economic activity, so there is no aid."),
    "ceiling_exceeded": lazy(
        "The amount does not fit: “%(limit)s” allows %(ceiling_eur)s, %(used_eur)s are used, %(left_eur)s are left. "
        "Aid above the limit cannot be granted in part, so ask for less."
    ),
    "intensity_exceeded": lazy(
        "All aid for these costs together may be at most %(ceiling_eur)s, and %(left_eur)s of that are left. "
        "Ask for less or state all costs of the project."
    ),
    "union_rate_exceeded": lazy(
        "All public money for these costs together may be at most %(ceiling_eur)s, and %(left_eur)s of that are left. "
        "Ask for less."
    ),
    "threshold_exceeded": lazy(
        "Aid of more than %(ceiling_eur)s for one project must be notified to the Commission. Ask for less, or let the "
        "granting authority notify it."
    ),
    "national_cap_exceeded": lazy(
        "The State may grant only %(left_eur)s more to this sector. Ask for less or choose a site of another State."
    ),
    "national_cap_unknown": lazy(
        "A person must look up what is left of the national limit of %(state)s for this sector and enter it."
    ),
    "cumulation_unknown": lazy(
        "Other aid pays for the same costs (%(costs)s), and nobody stated how much of them it may cover. Ask the "
        "company for the decision and enter the percentage."
    ),
    "union_rate_unknown": lazy(
        "Union money pays for the same costs (%(costs)s). Enter the highest funding rate of that programme."
    ),
    "no_regime_in_force": lazy(
        "No rules are in force under which this could be granted. An administrator can enter the new ones, or the "
        "grant can rest on other rules."
    ),
    "adjustment_period": lazy(
        "The rules ran out on %(valid_to)s and are in their transition period. A person must confirm that the grant "
        "may still rest on them."
    ),
    "new_scheme_after_expiry": lazy(
        "The rules ran out on %(valid_to)s, and a new scheme cannot start under them. Wait until the new rules are "
        "entered, or grant small amounts of aid (de minimis) instead."
    ),
    "scheme_version_unknown": lazy(
        "The scheme %(scheme)s was made under another text (%(version)s) than the one used here. A person must compare "
        "the two."
    ),
    "autonomy_unknown": lazy(
        "The company has not said yet who stands behind it. An owner can answer under company figures."
    ),
    "link_unconfirmed": lazy(
        "Only one side says that the company belongs together with another one. Ask the other side to confirm or "
        "reject it."
    ),
    "event_unconfirmed": lazy(
        "A merger, acquisition or split stated for %(days)s is not confirmed. A person must look at the proof."
    ),
    "split_uncertain": lazy(
        "Nobody knows how a split shared earlier aid (%(references)s), so each part counts all of it. Enter which "
        "company used it, or the book value of each company's equity."
    ),
    "excluded_sector": lazy(
        "Farming and fishing have rules of their own. Confirm that this project is kept apart from them, and note how."
    ),
    "activities_not_separated": lazy(
        "The company works in a sector that these rules leave out and does not keep it apart. Separate the accounts "
        "first, or use the rules of that sector."
    ),
    "sector_outside": lazy(
        "The main activity (%(nace)s) is none that these rules were made for. A person must confirm that they fit."
    ),
    "purpose_excluded": lazy("These rules never cover this purpose: %(purposes)s. Leave it out of the project."),
    "declaration_missing": lazy(
        "The company has not yet declared its other public support. An owner can sign the declaration in two minutes."
    ),
    "declaration_old": lazy(
        "The declaration of other public support is of %(declared_on)s, more than %(days)s days ago. An owner can "
        "confirm it again."
    ),
    "register_not_asked": lazy(
        "Look up the central register of %(state)s for this company and enter the sum it shows before granting."
    ),
    "register_differs": lazy(
        "The register shows %(register_eur)s, but we know of %(known_eur)s. The larger one counts; find out why "
        "they differ."
    ),
    "scheme_missing": lazy(
        "This basis needs a published scheme, and the site has none. Choose a scheme, or grant small amounts of aid."
    ),
    "scheme_not_in_force": lazy(
        "The scheme %(scheme)s is not in force on that day (from %(valid_from)s to %(valid_to)s). Choose another one."
    ),
    "scheme_not_published": lazy(
        "The discounts and the rules of selection of %(scheme)s are not published. Publish both before offering access."
    ),
    "published_late": lazy(
        "The discounts were published on %(published_on)s, not before they were offered on %(offered_on)s. They can "
        "only be offered afterwards."
    ),
    "advantage_not_quantifiable": lazy(
        "The advantage of each company cannot be put in money. Enter a rate for the machine's hours first."
    ),
    "records_too_short": lazy(
        "Records are kept for %(years)s years after the last aid; %(needed)s are needed. Change the scheme's records."
    ),
    "scheme_facts_unknown": lazy("The scheme %(scheme)s does not say yet: %(facts)s. Complete its description."),
    "support_service_open": lazy(
        "Whether free computing time is a support service in the sense of Article 28 is not settled. A person decides."
    ),
    "support_service_refused": lazy(
        "Computing time is not taken as a support service here. Grant small amounts of aid, or rest it on a project."
    ),
    "size_not_covered": lazy(
        "Companies of this size (%(size)s) are not covered; only %(sizes)s are. Use another basis."
    ),
    "size_open": lazy("The size of the company is not decided yet. Finish the review of its size first."),
    "recovery_order": lazy(
        "The company has not paid back aid that the Commission ordered to be recovered. Nothing can be granted "
        "until it has."
    ),
    "recovery_unknown": lazy(
        "The company must state whether it has to pay back unlawful aid. An owner can declare it."
    ),
    "in_difficulty": lazy(
        "The company is in difficulty (letter %(grounds)s of Article 2(18)). It can receive small amounts of aid only."
    ),
    "difficulty_open": lazy(
        "The company is in difficulty (letter %(grounds)s of Article 2(18)). A person must check that the scheme "
        "lets it in."
    ),
    "difficulty_unknown": lazy(
        "Figures are missing to see that the company is not in difficulty. Ask for its last accounts."
    ),
    "not_a_start_up": lazy("Start-up aid does not fit, because of: %(facts)s. Use another basis."),
    "start_up_unknown": lazy("For start-up aid it must be known: %(facts)s. Ask the company."),
    "works_started": lazy(
        "Work started on %(works_start_on)s, but the application came on %(submitted_on)s. It must come before the "
        "work, so ask for a new part of the project or grant small amounts of aid."
    ),
    "works_unknown": lazy("The day of the application or of the start of work is not known. Ask the company."),
    "application_incomplete": lazy("The application does not state yet: %(facts)s. Ask the company to add it."),
    "category_unknown": lazy("It is not stated what kind of research the project is. Choose one of: %(categories)s."),
    "costs_unknown": lazy(
        "The eligible costs are not stated, so the share cannot be worked out. Ask for the list of costs."
    ),
    "bonus_unclear": lazy("These additions are not shown to apply: %(bonuses)s. They are not counted; ask for proof."),
}

_NAMED: dict[str, dict[str, Words]] = {
    "limit": LIMITS,
    "basis": REGULATIONS,
    "regime": REGULATIONS,
    "purposes": PURPOSES,
    "categories": CATEGORIES,
    "category": CATEGORIES,
    "bonuses": BONUSES,
    "size": SIZES,
    "sizes": SIZES,
    "facts": FACTS,
}
_DAYS = ("_on", "valid_to", "valid_from", "days")


def reason_sentence(reason: Reason | str, values: Mapping[str, Any] | None = None) -> str:
    """One reason as a sentence in the reader's language; a stored one is given as its code and its values."""
    code = reason.code if isinstance(reason, Reason) else reason
    values = reason.values if isinstance(reason, Reason) else values or {}
    sentence = SENTENCES.get(code)
    if sentence is None:
        return str(code)
    return str(sentence) % _Shown({key: _shown(key, value) for key, value in values.items()})


def refusal_sentence(verdict: Verdict) -> str:
    """Why a grant is refused or must wait for a person, and what is possible instead, in a few sentences."""
    heaviest = next((reason for reason in verdict.reasons if reason.weight is verdict.outcome), verdict.reasons[0])
    sentence = reason_sentence(heaviest)
    if verdict.outcome is not Outcome.REFUSED:
        return sentence
    if verdict.largest_eur > 0:
        sentence += " " + _("At most %(amount)s can be granted today.") % {"amount": money(verdict.largest_eur)}
    elif heaviest.values.get("more_on"):
        sentence += " " + _("Earlier aid falls out on %(day)s; more fits from then on.") % {
            "day": _day(heaviest.values["more_on"])
        }
    return sentence


def limit_name(code: str) -> str:
    """What a limit of a verdict is called; the code itself for a row that an administrator entered."""
    return str(LIMITS.get(code, code))


class _Shown(dict[str, str]):
    """What a sentence asks for and a reason does not carry is a dash, so that an old verdict can still be read."""

    def __missing__(self, key: str) -> str:
        return "–"


def _shown(key: str, value: Any) -> str:
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, list):
        return ", ".join(_shown(key, one) for one in value)
    if key in _NAMED:
        return str(_NAMED[key].get(str(value), value))
    if key.endswith("_eur"):
        return money(Decimal(str(value)))
    if key == "state":
        return countries.name(str(value))
    if key.endswith(_DAYS) and isinstance(value, str):
        return _day(value)
    return str(value)


def _day(value: str) -> str:
    return date_format(date.fromisoformat(value), "DATE_FORMAT")


__all__ = [
    "BONUSES",
    "CATEGORIES",
    "FACTS",
    "GROUNDS",
    "LIMITS",
    "NOT_COUNTED",
    "OUTCOMES",
    "PURPOSES",
    "REGULATIONS",
    "SENTENCES",
    "SIZES",
    "limit_name",
    "reason_sentence",
    "refusal_sentence",
]
