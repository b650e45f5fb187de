"""Gross grant equivalent in euro: what an advantage is worth on the day the right to it arises (Art 3(5), 3(6)).

Machine time is treated as granted in one go and is not discounted: the careful reading, since a later hour would
otherwise count for less. `discounted` is for aid that a declaration or another authority states in instalments.
"""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from accounts.state_aid.case import Law
from portal.kernel.money import CENT, euro

NOTHING = Decimal("0.00")
# Communication on reference and discount rates, OJ C 14, 19.1.2008, p. 6: the base rate plus 100 basis points.
DISCOUNT_MARGIN = Decimal("0.01")


def advantage(market_value: Decimal, price_paid: Decimal) -> Decimal:
    """What something provided below its market value is worth in EUR, never negative."""
    return euro(max(market_value - price_paid, NOTHING))


def discount_rate(base_rate: Decimal, margin: Decimal = DISCOUNT_MARGIN) -> Decimal:
    """The yearly rate (0.035 for 3.5 %) from the State's base rate of the day."""
    return base_rate + margin


def discounted(instalments: Iterable[tuple[Decimal, Decimal]], rate: Decimal) -> Decimal:
    """The value in EUR at the day of the grant of (years until payment, amount) pairs: sum of A / (1 + r) ** t."""
    if rate <= -1:
        raise ValueError("a discount rate is more than -1")
    with localcontext() as context:
        context.prec = 40
        return euro(sum((amount / (1 + rate) ** years for years, amount in instalments), NOTHING))


def years_between(granted_on: date, paid_on: date) -> Decimal:
    """Years as days / 365, for instalments that are known by their day."""
    return Decimal((paid_on - granted_on).days) / 365


def in_euro(amount: Decimal, rate: Decimal) -> Decimal:
    """EUR for an amount in another currency; `rate` is units of it for one euro, as the ECB publishes, at grant."""
    if rate <= 0:
        raise ValueError("an exchange rate is above zero")
    return euro(amount / rate)


def rounded_down(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_FLOOR)


def rounded_up(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_CEILING)


def publication_due(amount: Decimal, law: Law, nace_code: str = "") -> bool:
    """Whether an award of that many EUR must be published; de minimis aid never.

    Art 9(1)(c) of 651/2014: above 100 000, for primary farming and fishing above 10 000.
    """
    sector = nace_code.partition(".")[0] in law.terms.get("publication_sector_nace", ())
    above = law.terms.get("publication_sector_eur" if sector else "publication_above_eur")
    return above is not None and amount > Decimal(above)
