"""Every reason a verdict may give: its weight and the article it stands on. Sentences for people: `wording`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from accounts.state_aid.case import Outcome, Reason
from accounts.state_aid.serial import plain

_ALLOWED, _REFUSED, _REVIEW = Outcome.ALLOWED, Outcome.REFUSED, Outcome.NEEDS_REVIEW

# Articles are those of the act the grant rests on; where several word it, of 2023/2831 or of 651/2014.
REASONS: Mapping[str, tuple[Outcome, str]] = {
    # what speaks for it
    "within_ceiling": (_ALLOWED, "Art 3(2)"),
    "conditions_met": (_ALLOWED, "Art 3"),
    "half_of_costs": (_ALLOWED, "Art 28(3)"),
    "activities_separated": (_ALLOWED, "Art 1(2)"),
    "union_share": (_ALLOWED, "Recital 14"),
    "ceded_to_ju": (_ALLOWED, "Recital 14"),
    "commercial": (_ALLOWED, "Art 107(1) TFEU"),
    "non_economic": (_ALLOWED, "Art 107(1) TFEU"),
    # amounts
    "ceiling_exceeded": (_REFUSED, "Art 3(7)"),
    "intensity_exceeded": (_REFUSED, "Art 8(3)"),
    "union_rate_exceeded": (_REFUSED, "Art 8(2)"),
    "threshold_exceeded": (_REFUSED, "Art 4(1)"),
    "national_cap_exceeded": (_REFUSED, "Art 3(3)"),
    "national_cap_unknown": (_REVIEW, "Art 3(3)"),
    "cumulation_unknown": (_REVIEW, "Art 5(3)"),
    "union_rate_unknown": (_REVIEW, "Art 8(2)"),
    # the law itself
    "no_regime_in_force": (_REFUSED, "Art 8"),
    "adjustment_period": (_REVIEW, "Art 7"),
    "new_scheme_after_expiry": (_REFUSED, "Art 58(5)"),
    "scheme_version_unknown": (_REVIEW, "Art 58"),
    # the undertaking
    "autonomy_unknown": (_REVIEW, "Art 2(2)"),
    "link_unconfirmed": (_REVIEW, "Art 2(2)"),
    "event_unconfirmed": (_REVIEW, "Art 3(8), 3(9)"),
    "split_uncertain": (_REVIEW, "Art 3(9)"),
    # what it does
    "excluded_sector": (_REVIEW, "Art 1(1), 1(2)"),
    "activities_not_separated": (_REFUSED, "Art 1(2)"),
    "sector_outside": (_REVIEW, "Art 1(1)"),
    "purpose_excluded": (_REFUSED, "Art 1(1)"),
    # declaration and register
    "declaration_missing": (_REFUSED, "Art 7(4)"),
    "declaration_old": (_REFUSED, "Art 7(4)"),
    "register_not_asked": (_REVIEW, "Art 6(4)"),
    "register_differs": (_REVIEW, "Art 6(4)"),
    # block exemption: the measure
    "scheme_missing": (_REFUSED, "Art 5(2)(ga)"),
    "scheme_not_in_force": (_REFUSED, "Art 3"),
    "scheme_not_published": (_REFUSED, "Art 5(2)(ga)(ii)"),
    "published_late": (_REFUSED, "Art 5(2)(ga)(ii)"),
    "advantage_not_quantifiable": (_REFUSED, "Art 5(2)(ga)(i)"),
    "records_too_short": (_REFUSED, "Art 5(2)(ga)(iii)"),
    "scheme_facts_unknown": (_REVIEW, "Art 5(2)(ga)"),
    "support_service_open": (_REVIEW, "Art 2(95)"),
    "support_service_refused": (_REFUSED, "Art 2(95)"),
    # block exemption: the beneficiary
    "size_not_covered": (_REFUSED, "Art 28(1)"),
    "size_open": (_REVIEW, "Annex I"),
    "recovery_order": (_REFUSED, "Art 1(4)(a)"),
    "recovery_unknown": (_REVIEW, "Art 1(4)(a)"),
    "in_difficulty": (_REFUSED, "Art 1(4)(c)"),
    "difficulty_open": (_REVIEW, "Art 1(4)(c)"),
    "difficulty_unknown": (_REVIEW, "Art 2(18)"),
    "not_a_start_up": (_REFUSED, "Art 22(2)"),
    "start_up_unknown": (_REVIEW, "Art 22(2)"),
    # block exemption: the project
    "works_started": (_REFUSED, "Art 6(2)"),
    "works_unknown": (_REVIEW, "Art 6(2)"),
    "application_incomplete": (_REVIEW, "Art 6(2)"),
    "category_unknown": (_REVIEW, "Art 25(2)"),
    "costs_unknown": (_REVIEW, "Art 7(1)"),
    "bonus_unclear": (_REVIEW, "Art 25(6)"),
}
WEIGHT = {Outcome.ALLOWED: 0, Outcome.NEEDS_REVIEW: 1, Outcome.REFUSED: 2}
# Reasons that a smaller amount would take away.
OF_AMOUNT = frozenset(
    {"ceiling_exceeded", "intensity_exceeded", "union_rate_exceeded", "threshold_exceeded", "national_cap_exceeded"}
)


def reason(code: str, article: str = "", **values: Any) -> Reason:
    """The reason with its weight; `values` become JSON values, euro amounts with two decimals."""
    weight, standard = REASONS[code]
    cents = {
        key: value.quantize(Decimal("0.01")) if isinstance(value, Decimal) and key.endswith("_eur") else value
        for key, value in values.items()
    }
    return Reason(code=code, article=article or standard, weight=weight, values=plain(cents))
