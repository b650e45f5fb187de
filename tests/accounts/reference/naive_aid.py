"""A second, deliberately naive reading of the ceilings of de minimis aid and of Art 28(4), day by day.

Written from the Regulations and the data classes alone, apart from the rules it is held against: it walks calendar
days one at a time, scans all links until nothing changes, and moves awards from hand to hand in the order in which
companies merged and split. Shares are exact fractions. Slow and simple on purpose.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import lru_cache

from accounts.state_aid.case import (
    AGRICULTURE,
    FISHERIES,
    GENERAL,
    GENERAL_UNTIL_2023,
    INNOVATION,
    SGEI,
    SGEI_UNTIL_2023,
    Aid,
    Case,
    Change,
    ControlLink,
    GroupEvent,
    Law,
    Origin,
    Window,
)

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cap:
    """One ceiling: how much, over how many years of which kind, of one State or of all, and which aid uses it up.

    registered    the amount instead where the granting State runs the register of 717/2014
    mixed         looked at only when aid of another code than the grant's counts for it
    lower_reading, everywhere_reading  which reading of the sum of farming and fishing, or of Art 28(4), it belongs to;
                  None for both
    """

    eur: int
    years: int
    fiscal: bool
    everywhere: bool
    pool: frozenset[str]
    registered: int | None = None
    mixed: bool = False
    lower_reading: bool | None = None
    everywhere_reading: bool | None = None


ALL_BUT_SERVICES = frozenset({GENERAL, GENERAL_UNTIL_2023, AGRICULTURE, FISHERIES})
SECTORS = frozenset({AGRICULTURE, FISHERIES})
# Art 3(2) with Art 5(1) and 5(2) of 2023/2831: farming and fishing aid count towards the 300 000.
OVERALL = Cap(300_000, 3, False, False, ALL_BUT_SERVICES)
SERVICES = Cap(750_000, 3, False, False, frozenset({SGEI, SGEI_UNTIL_2023}))
FARMING = Cap(50_000, 3, False, False, frozenset({AGRICULTURE}))
FISHING = Cap(30_000, 3, True, False, frozenset({FISHERIES}), registered=40_000)
# Farming and fishing together: the fisheries ceiling by the careful reading, else the higher one (Art 5, both acts).
# Each act counts the years in its own way.
LOWER = Cap(30_000, 3, False, False, SECTORS, registered=40_000, mixed=True, lower_reading=True)
HIGHER = Cap(50_000, 3, False, False, SECTORS, mixed=True, lower_reading=False)
INNOVATING = Cap(220_000, 3, False, True, frozenset({INNOVATION}), everywhere_reading=True)
INNOVATING_BY_STATE = replace(INNOVATING, everywhere=False, everywhere_reading=False)

BY_BASIS: dict[str, tuple[Cap, ...]] = {
    GENERAL: (OVERALL,),
    SGEI: (SERVICES,),
    AGRICULTURE: (FARMING, LOWER, HIGHER, OVERALL),
    FISHERIES: (FISHING, replace(LOWER, fiscal=True), replace(HIGHER, fiscal=True), OVERALL),
    INNOVATION: (INNOVATING, INNOVATING_BY_STATE),
}


@dataclass(frozen=True)
class Held:
    """What of one earlier award counts under one ceiling, and the first day on which it counts no longer."""

    aid: Aid
    eur: Decimal
    why: str
    falls_out_on: date | None

    @property
    def counts(self) -> bool:
        return not self.why


@dataclass(frozen=True)
class Measured:
    cap: Cap
    eur: int
    window_from: date
    used: Decimal
    items: tuple[Held, ...]

    @property
    def room(self) -> Decimal:
        return max(Decimal(0), self.eur - self.used)


@dataclass(frozen=True)
class Answer:
    is_aid: bool
    refused: bool
    largest: Decimal | None
    measured: tuple[Measured, ...]
    group: frozenset[str]
    doubtful: bool


def judge(case: Case, on: date, caps: tuple[Cap, ...] | None = None) -> Answer:
    """The ceilings alone; `caps` replaces the table above by other rows of law."""
    group = undertaking(case, on)
    if case.origin in (Origin.COMMERCIAL, Origin.NON_ECONOMIC) or (
        case.origin in (Origin.UNION_SHARE, Origin.CEDED_TO_JU) and not case.policy.union_share_is_aid
    ):
        return Answer(False, False, None, (), group, False)
    measured = [measure(case, on, cap, group) for cap in (BY_BASIS[case.basis] if caps is None else caps)]
    measured = [one for one in measured if _looked_at(one, case)]
    doubtful = _doubtful(case, on, group, measured)
    if measured and case.register_eur is not None:
        # the register knows more than we do: the difference was used up too
        hidden = max(Decimal(0), case.register_eur - measured[0].used)
        first = measured[0].cap.pool
        measured = [
            replace(one, used=one.used + hidden) if first <= one.cap.pool and not one.cap.everywhere else one
            for one in measured
        ]
    rooms = [one.room for one in measured] + same_costs(case)
    largest = min(rooms).quantize(Decimal("0.01"), ROUND_FLOOR) if rooms else None
    if case.basis == INNOVATION and case.costs is not None:
        # Art 28(3): half of the costs needs no room under Art 28(4)
        half = min(same_costs(case, Decimal(50))).quantize(Decimal("0.01"), ROUND_FLOOR)
        largest = max(largest, half)
    refused = largest is not None and case.amount_eur > largest
    return Answer(True, refused, largest, tuple(measured), group, doubtful)


def _looked_at(one: Measured, case: Case) -> bool:
    if one.cap.lower_reading not in (None, case.policy.sector_sum_is_lower_ceiling):
        return False
    if one.cap.everywhere_reading not in (None, case.policy.innovation_everywhere):
        return False
    return not one.cap.mixed or any(
        item.counts and item.eur > 0 and item.aid.regime != case.basis for item in one.items
    )


def same_costs(case: Case, own: Decimal | None = None) -> list[Decimal]:
    """Art 5(3) of 2023/2831, Art 8 of 651/2014: what the costs themselves still bear."""
    if case.costs is None:
        return []
    if own is None:
        own = Decimal(100) if case.basis == INNOVATION else case.costs.intensity
    others = [aid for aid in case.aid if aid.costs == case.costs.name]
    rooms = []
    # Union money is no State aid: it raises no intensity that aid may reach
    known = [one for one in (own, *(aid.intensity for aid in others if not aid.central_union)) if one is not None]
    if known:
        spent = sum((aid.amount_eur for aid in others if not aid.central_union), Decimal(0))
        rooms.append(max(Decimal(0), case.costs.total_eur * max(known) / 100 - spent))
    if case.costs.union_rate is not None:
        spent = sum((aid.amount_eur for aid in others), Decimal(0))
        rooms.append(max(Decimal(0), case.costs.total_eur * case.costs.union_rate / 100 - spent))
    return rooms


def caps_of(law: Law) -> tuple[Cap, ...]:
    """The ceilings of a configured row, for histories under law that does not exist."""
    return tuple(
        Cap(int(one.ceiling_eur), one.window_years, one.window is Window.FISCAL_YEARS, not one.per_state, one.pool)
        for one in law.limits
    )


def measure(case: Case, on: date, cap: Cap, group: frozenset[str]) -> Measured:
    items = []
    used = Decimal(0)
    for aid in case.aid:
        eur, ours = held(case, aid, on, group)
        why = ""
        if not in_window(aid.granted_on, on, cap, case):
            why = "too_old"
        if not cap.everywhere and aid.state != case.granting_state:
            why = "other_state"
        if aid.regime not in cap.pool:
            why = "other_pool"
        if not ours:
            why = "other_undertaking"
        if aid.central_union:
            why = "no_state_aid"
        if not why:
            used += eur
        items.append(Held(aid, eur, why, None if why else first_day_out(aid.granted_on, cap, case)))
    eur = cap.registered if case.state_register and cap.registered else cap.eur
    return Measured(cap, eur, window_from(on, cap, case), used, tuple(items))


# the calendar, a day at a time


def in_window(granted: date, on: date, cap: Cap, case: Case) -> bool:
    return granted >= window_from(on, cap, case)


def first_day_out(granted: date, cap: Cap, case: Case) -> date:
    day = granted + timedelta(days=700)  # less than two years never suffices: saves two thirds of the walk
    while in_window(granted, day, cap, case):
        day += DAY
    return day


def window_from(on: date, cap: Cap, case: Case) -> date:
    if cap.fiscal:
        return _fiscal_window_from(on, cap.years, case.fiscal_year_end)
    boundary = _same_day_years_ago(on, cap.years)
    return boundary if case.policy.boundary_day_counts else boundary + DAY


@lru_cache(maxsize=100_000)
def _same_day_years_ago(on: date, years: int) -> date:
    day = on
    while True:
        day -= DAY
        if day.year == on.year - years and day.month == on.month:
            if day.day == on.day:
                return day
            if (on.month, on.day) == (2, 29) and day.day == 28:
                return day


@lru_cache(maxsize=100_000)
def _fiscal_window_from(on: date, years: int, ends: tuple[int, int]) -> date:
    """The first day of the fiscal year that lies `years - 1` before the running one."""
    day, closings = on, 0
    while True:
        if _is_closing(day - DAY, ends):
            closings += 1
            if closings == years:
                return day
        day -= DAY


def _is_closing(day: date, ends: tuple[int, int]) -> bool:
    if (day.month, day.day) == ends:
        return True
    return ends == (2, 29) and (day.month, day.day) == (2, 28) and (day + DAY).day == 1


# who belongs together


def undertaking(case: Case, on: date) -> frozenset[str]:
    """Everyone tied to the member that day: controlled by or controlling, and whom it took over or merged with."""
    found = {case.member}
    while True:
        before = len(found)
        for tie in _ties(case, on):
            if tie & found:
                found |= tie
        if len(found) == before:
            return frozenset(found)


def _ties(case: Case, on: date) -> Iterator[set[str]]:
    for link in case.links:
        if _valid(link, on) and link.controller_kind == "undertaking":
            yield {link.controller, link.controlled}
    for event in case.events:
        if event.on <= on and event.kind is Change.MERGER:
            yield set(event.before) | set(event.after)
        if event.on <= on and event.kind is Change.ACQUISITION:
            for other in event.before[1:]:
                if not _sold_again(case, event, other, on):
                    yield {event.before[0], other}


def _sold_again(case: Case, event: GroupEvent, other: str, on: date) -> bool:
    return any(
        {link.controller, link.controlled} == {event.before[0], other}
        and link.valid_to is not None
        and event.on < link.valid_to <= on
        for link in case.links
    )


def _valid(link: ControlLink, on: date) -> bool:
    return link.valid_from <= on and (link.valid_to is None or on < link.valid_to)


def _doubtful(case: Case, on: date, group: frozenset[str], measured: list[Measured]) -> bool:
    """Whether something that one side alone states, an unknown equity, or a register that knows better had a part."""
    links = any(
        not link.confirmed
        and _valid(link, on)
        and link.controller_kind == "undertaking"
        and {link.controller, link.controlled} <= group
        for link in case.links
    )
    events = any(
        not event.confirmed and event.on <= on and (set(event.before) | set(event.after)) & group
        for event in case.events
    )
    register = case.register_eur is not None and case.register_eur != measured[0].used
    return links or events or register or _equity_unknown(case, on, group, measured)


def _equity_unknown(case: Case, on: date, group: frozenset[str], measured: list[Measured]) -> bool:
    """Some award that counts passed through a split of which nobody knows the shares."""
    counting = [item.aid for one in measured for item in one.items if item.counts]
    unknown = [one for one in case.events if one.kind is Change.SPLIT and one.on <= on and _shares(one) is None]
    return any(_passed_through(event, aid, case) for event in unknown for aid in counting)


def _passed_through(event: GroupEvent, aid: Aid, case: Case) -> bool:
    if event.used_by.get(aid.reference) is not None or not _shared_out(event, aid):
        return False
    return held(case, aid, event.on - DAY, frozenset(event.before))[1]


# whose aid it is by now


def held(case: Case, aid: Aid, on: date, group: frozenset[str]) -> tuple[Decimal, bool]:
    """One award followed from its beneficiary through every merger and split up to `on`, whole cents in each hand.

    What the group holds of it, and whether it holds any part at all.
    """
    cents = int(aid.amount_eur * 100)
    hands = {aid.member: cents}
    for event in sorted(case.events, key=lambda one: one.on):  # stable: events of one day in the order given
        if event.on > on:
            continue
        if event.kind is Change.MERGER:
            new = event.after[0]
            given = [hands.pop(one) for one in {*event.before, new} if one in hands]
            if given:
                hands[new] = sum(given)
        elif event.kind is Change.SPLIT and event.before[0] in hands and _shared_out(event, aid):
            for taker, part in _parts(event, aid, hands.pop(event.before[0])).items():
                hands[taker] = hands.get(taker, 0) + part
    ours = [part for holder, part in hands.items() if holder in group]
    return Decimal(min(cents, sum(ours))) / 100, bool(ours)


def _shared_out(event: GroupEvent, aid: Aid) -> bool:
    return aid.granted_on < event.on or event.before[0] not in event.after


def _parts(event: GroupEvent, aid: Aid, cents: int) -> dict[str, int]:
    """Art 3(9): to the successor that used it, else pro rata to the book value of equity; unknown equity: all each."""
    user = event.used_by.get(aid.reference)
    if user is not None:
        return {user: cents}
    shares = _shares(event)
    if shares is None:
        return dict.fromkeys(event.after, cents)
    exact = [cents * share for share in shares]
    parts = [int(one) for one in exact]
    while sum(parts) < cents:
        # the one that rounding down hurt most gets the next cent
        loss = [whole - part for whole, part in zip(exact, parts, strict=True)]
        parts[loss.index(max(loss))] += 1
    return dict(zip(event.after, parts, strict=True))


def _shares(event: GroupEvent) -> list[Fraction] | None:
    equity = [event.equity.get(one) for one in event.after]
    if any(one is None or one < 0 for one in equity) or sum(equity) == 0:
        return None
    return [Fraction(one) / Fraction(sum(equity)) for one in equity]
