"""Is an undertaking in difficulty? Art 2(18) of Regulation 651/2014, letter by letter, on the group's figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.state_aid.case import Difficulty
from accounts.state_aid.regimes import DIFFICULTY


@dataclass(frozen=True)
class Finding:
    """`grounds`: letters of Art 2(18) that hold; `unknown`: letters that the figures given cannot answer."""

    grounds: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def in_difficulty(self) -> bool | None:
        """None when nothing that is known holds and something is not known."""
        return True if self.grounds else None if self.unknown else False


def test(
    figures: Difficulty, is_sme: bool | None, age_years: int | None, terms: Mapping[str, Any] = DIFFICULTY
) -> Finding:
    """`terms` are the numbers of the row of law (its terms' "difficulty").

    `is_sme` None: not decided, so letter (e) is looked at too; `age_years` None counts as old.

    (a) and (b) do not touch an SME that exists for less than three years, (e) touches no SME.
    """
    young_sme = is_sme is True and age_years is not None and age_years < terms["young_years"]
    half = Decimal(terms["capital_share"])
    answers: dict[str, bool | None] = {}
    if not young_sme:
        if figures.limited_liability:
            answers["a"] = _capital_gone(figures.accumulated_result_eur, figures.subscribed_capital_eur, half)
        else:
            answers["b"] = _more_than(half, figures.capital_lost_eur, figures.capital_in_accounts_eur)
    answers["c"] = figures.insolvency
    answers["d"] = figures.rescue_aid_open
    if is_sme is not True:
        answers["e"] = _overindebted(figures, terms)
    return Finding(
        grounds=tuple(letter for letter, answer in answers.items() if answer),
        unknown=tuple(letter for letter, answer in answers.items() if answer is None),
    )


def _capital_gone(result: Decimal | None, capital: Decimal | None, share: Decimal) -> bool | None:
    """Losses netted with reserves are negative by more than half of the subscribed capital with its premium."""
    if result is not None and result >= 0:
        return False
    return None if result is None or capital is None else -result > capital * share


def _more_than(share: Decimal, lost: Decimal | None, capital: Decimal | None) -> bool | None:
    return None if lost is None or capital is None else lost > capital * share


def _overindebted(figures: Difficulty, terms: Mapping[str, Any]) -> bool | None:
    """Both ratios beyond their bounds in both of the last two years; one good figure is enough for no."""
    years = terms["years"]
    debt, cover = figures.debt_to_equity[:years], figures.interest_cover[:years]
    most, least = Decimal(terms["debt_to_equity"]), Decimal(terms["interest_cover"])
    if any(one <= most for one in debt) or any(one >= least for one in cover):
        return False
    return None if len(debt) < years or len(cover) < years else True
