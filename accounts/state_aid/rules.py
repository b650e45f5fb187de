"""May this aid be granted? De minimis aid as pure functions over plain data.

Amounts are EUR gross grant equivalent (Decimal, cents). Every input travels in the `Case`, so that an auditor can
compute the verdict again (`replay`). Law: Commission Regulation (EU) 2023/2831, articles named beside each reason.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from accounts.state_aid.regimes import GENERAL, Regime, regime_on
from portal.kernel.money import euro

RULE_VERSION = "de-minimis-general/1"
NOTHING = Decimal("0.00")


class Outcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    NEEDS_REVIEW = "needs_review"


class Origin(StrEnum):
    """Whose machine time it is. Only a State's own share is State resources."""

    UNION_SHARE = "union_share"
    CEDED_TO_JU = "ceded_to_ju"
    NATIONAL_SHARE = "national_share"
    COMMERCIAL = "commercial"


COUNTED_ORIGINS = frozenset({Origin.NATIONAL_SHARE})

# Why a verdict is as it is: (weight, article). The sentences for people stand in `accounts.state_aid.wording`.
REASONS: Mapping[str, tuple[Outcome, str]] = {
    "within_ceiling": (Outcome.ALLOWED, "Art 3(2)"),
    "union_share": (Outcome.ALLOWED, "Recital 14"),
    "ceded_to_ju": (Outcome.ALLOWED, "Recital 14"),
    "commercial": (Outcome.ALLOWED, "Art 107(1) TFEU"),
    "ceiling_exceeded": (Outcome.REFUSED, "Art 3(7)"),
    "declaration_missing": (Outcome.REFUSED, "Art 7(4)"),
    "declaration_old": (Outcome.REFUSED, "Art 7(4)"),
    "no_regime_in_force": (Outcome.REFUSED, "Art 8"),
    "adjustment_period": (Outcome.NEEDS_REVIEW, "Art 7"),
    "excluded_sector": (Outcome.NEEDS_REVIEW, "Art 1(1), 1(2)"),
    "not_autonomous": (Outcome.NEEDS_REVIEW, "Art 2(2)"),
    "autonomy_unknown": (Outcome.NEEDS_REVIEW, "Art 2(2)"),
    "register_not_asked": (Outcome.NEEDS_REVIEW, "Art 6(4)"),
}
_WEIGHT = {Outcome.ALLOWED: 0, Outcome.NEEDS_REVIEW: 1, Outcome.REFUSED: 2}


@dataclass(frozen=True)
class Aid:
    """Aid already granted or reserved. `source`: portal (our own awards) or declared (the company's statement)."""

    state: str
    amount_eur: Decimal
    granted_on: date
    regime: str = GENERAL
    source: str = "portal"
    reference: str = ""


@dataclass(frozen=True)
class Case:
    """One intended grant with all that decides it. This organisation only: the control group is not followed yet.

    declared_on   day the latest declaration of other aid was signed, None without one
    autonomous    what the company declared about its owners; None when it was not asked yet
    nace_code     main activity, for the sectors that the regulation leaves out
    """

    undertaking: str
    granting_state: str
    origin: Origin
    amount_eur: Decimal
    aid: tuple[Aid, ...] = ()
    declared_on: date | None = None
    autonomous: bool | None = True
    nace_code: str = ""
    regime: str = GENERAL

    def __post_init__(self) -> None:
        if self.amount_eur < 0:
            raise ValueError("a grant cannot be worth less than nothing")


@dataclass(frozen=True)
class Counted:
    """One earlier award and whether it uses up the ceiling on the day; `falls_out_on` is the first day it does not."""

    aid: Aid
    counted: bool
    falls_out_on: date


@dataclass(frozen=True)
class Reason:
    code: str
    article: str
    weight: Outcome


@dataclass(frozen=True)
class Verdict:
    """The answer, and the numbers it rests on. `largest_eur`: the largest amount that could be granted that day."""

    outcome: Outcome
    counts_as_aid: bool
    regime: str
    rule_version: str
    on: date
    window_from: date
    ceiling_eur: Decimal
    used_eur: Decimal
    room_before_eur: Decimal
    room_after_eur: Decimal
    largest_eur: Decimal
    amount_eur: Decimal
    reasons: tuple[Reason, ...]
    items: tuple[Counted, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.reasons)


def check(case: Case, on: date) -> Verdict:
    """Judges a grant on the day the right to it would arise (Art 3(3)), not the day it is used."""
    regime = regime_on(on, code=case.regime)
    if regime is None:
        return _without_regime(case, on)
    room = measure(case.aid, granting_state=case.granting_state, regime=regime, on=on)
    counts = case.origin in COUNTED_ORIGINS
    reasons = _reasons_for_aid(case, on, regime, room.left) if counts else (_reason(case.origin.value),)
    outcome = max((reason.weight for reason in reasons), key=_WEIGHT.__getitem__)
    taken = case.amount_eur if counts and outcome is not Outcome.REFUSED else NOTHING
    return Verdict(
        outcome=outcome,
        counts_as_aid=counts,
        regime=regime.code,
        rule_version=RULE_VERSION,
        on=on,
        window_from=window_start(on, regime.window_years),
        ceiling_eur=regime.ceiling_eur,
        used_eur=room.used,
        room_before_eur=room.left,
        room_after_eur=max(room.left - euro(taken), NOTHING),
        largest_eur=room.left,
        amount_eur=euro(case.amount_eur),
        reasons=reasons,
        items=room.items,
    )


@dataclass(frozen=True)
class Room:
    """What the ceiling of one State holds for one undertaking on one day."""

    used: Decimal
    left: Decimal
    items: tuple[Counted, ...]


def measure(aid: tuple[Aid, ...], *, granting_state: str, regime: Regime, on: date) -> Room:
    """Adds up what counts: same State, same pool, inside the rolling window.

    Aid dated after the day counts too. It can only come from a clock in another time zone or a corrected date, and
    leaving it out could let two grants pass that together exceed the ceiling.
    """
    start = window_start(on, regime.window_years)
    items = tuple(
        Counted(
            aid=one,
            counted=one.state == granting_state and one.regime in regime.pool and one.granted_on >= start,
            falls_out_on=falls_out_on(one.granted_on, regime.window_years),
        )
        for one in sorted(aid, key=lambda one: (one.granted_on, one.reference))
    )
    used = euro(sum((item.aid.amount_eur for item in items if item.counted), NOTHING))
    return Room(used=used, left=max(regime.ceiling_eur - used, NOTHING), items=items)


def window_start(on: date, years: int) -> date:
    """The first day that still counts: the same calendar day years earlier; 29 February becomes 28 February.

    The boundary day itself counts (the careful reading of Regulation (EEC, Euratom) 1182/71).
    """
    return _years_later(on, -years)


def falls_out_on(granted_on: date, years: int) -> date:
    """The first day on which aid granted then no longer uses up the ceiling."""
    day = _years_later(granted_on, years)
    while window_start(day, years) <= granted_on:
        day += timedelta(days=1)
    return day


def advantage(market_value: Decimal, price_paid: Decimal) -> Decimal:
    """Gross grant equivalent of something provided below its market value (Art 3(5)), never negative."""
    return euro(max(market_value - price_paid, NOTHING))


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _reason(code: str) -> Reason:
    weight, article = REASONS[code]
    return Reason(code=code, article=article, weight=weight)


def _reasons_for_aid(case: Case, on: date, regime: Regime, room: Decimal) -> tuple[Reason, ...]:
    """Every reason, the ceiling first; the heaviest decides."""
    # Compared before rounding: a tenth of a cent above the ceiling is above the ceiling.
    codes = ["ceiling_exceeded" if case.amount_eur > room else "within_ceiling"]
    if on < _years_later(regime.register_from, regime.window_years):
        if case.declared_on is None or case.declared_on > on + timedelta(days=1):
            codes.append("declaration_missing")
        elif (on - case.declared_on).days > regime.declaration_days:
            codes.append("declaration_old")
    else:
        codes.append("register_not_asked")
    if on > regime.valid_to:
        codes.append("adjustment_period")
    if case.nace_code.split(".")[0] in regime.excluded_nace:
        codes.append("excluded_sector")
    if case.autonomous is not True:
        codes.append("autonomy_unknown" if case.autonomous is None else "not_autonomous")
    return tuple(_reason(code) for code in codes)


def _without_regime(case: Case, on: date) -> Verdict:
    counts = case.origin in COUNTED_ORIGINS
    reasons = (_reason("no_regime_in_force" if counts else case.origin.value),)
    return Verdict(
        outcome=reasons[0].weight,
        counts_as_aid=counts,
        regime=case.regime,
        rule_version=RULE_VERSION,
        on=on,
        window_from=on,
        ceiling_eur=NOTHING,
        used_eur=NOTHING,
        room_before_eur=NOTHING,
        room_after_eur=NOTHING,
        largest_eur=NOTHING,
        amount_eur=euro(case.amount_eur),
        reasons=reasons,
        items=(),
    )


# ---- to JSON and back ----------------------------------------------------------------------------------------------


def case_to_json(case: Case, on: date) -> dict[str, Any]:
    """The case and its day as JSON values: what an assessment stores."""
    return {"on": on.isoformat(), **_plain(asdict(case))}


def case_from_json(stored: Mapping[str, Any]) -> tuple[Case, date]:
    """The inverse of `case_to_json`."""
    declared = stored["declared_on"]
    aid = tuple(
        Aid(
            state=one["state"],
            amount_eur=Decimal(one["amount_eur"]),
            granted_on=date.fromisoformat(one["granted_on"]),
            regime=one["regime"],
            source=one["source"],
            reference=one["reference"],
        )
        for one in stored["aid"]
    )
    case = Case(
        undertaking=stored["undertaking"],
        granting_state=stored["granting_state"],
        origin=Origin(stored["origin"]),
        amount_eur=Decimal(stored["amount_eur"]),
        aid=aid,
        declared_on=date.fromisoformat(declared) if declared else None,
        autonomous=stored["autonomous"],
        nace_code=stored["nace_code"],
        regime=stored["regime"],
    )
    return case, date.fromisoformat(stored["on"])


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    return _plain(asdict(verdict))


def replay(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Computes the verdict of a stored case again, as JSON; equal to the stored one unless rule or row was touched."""
    return verdict_to_json(check(*case_from_json(stored)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
