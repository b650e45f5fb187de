"""What earlier aid leaves of each ceiling: who carries it, which window it lies in, when it falls out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from accounts.state_aid.amounts import NOTHING, rounded_down, rounded_up
from accounts.state_aid.case import Aid, Case, Counted, Law, Limit, Policy, Room, Window
from accounts.state_aid.undertakings import Undertaking
from accounts.state_aid.windows import falls_out_on, fiscal_falls_out_on, fiscal_window_start, window_start

# One award beside what of it the undertaking carries (None: nothing, it is another's), and whether that is certain.
Held = tuple[Aid, Decimal | None, bool]


@dataclass(frozen=True)
class Measured:
    """The rooms of a row's limits, and the awards among what counts that nobody knows how a split shared."""

    rooms: tuple[Room, ...]
    uncertain: tuple[Aid, ...]


def held_by(case: Case, undertaking: Undertaking) -> tuple[Held, ...]:
    """Every award of the case with the undertaking's share of it, the oldest first."""
    found: list[Held] = []
    members, moved = undertaking.members, undertaking.moved
    for aid in sorted(case.aid, key=lambda aid: (aid.granted_on, aid.reference)):
        if aid.member not in moved:
            found.append((aid, aid.amount_eur if aid.member in members else None, True))
            continue
        share = undertaking.share_of(aid)
        found.append((aid, None, True) if share is None else (aid, share.amount_eur, share.certain))
    return tuple(found)


def limits_of(law: Law, case: Case, held: Iterable[Held], on: date) -> tuple[Limit, ...]:
    """The limits to look at, each with the ceiling that holds for this case."""
    found = []
    for limit in law.limits:
        if not _chosen(limit, case.policy):
            continue
        if limit.with_register_eur is not None and case.state_register:
            limit = replace(limit, ceiling_eur=limit.with_register_eur)
        if limit.only_mixed and not _mixed(limit, law, case, held, on):
            continue
        found.append(_for_start_up(limit, law, case))
    return tuple(found)


def measure(law: Law, case: Case, held: tuple[Held, ...], on: date) -> Measured:
    """What each limit of the row held before the grant. Nothing is taken off for the grant yet."""
    rooms: list[Room] = []
    counted: dict[int, Aid] = {}
    limits = limits_of(law, case, held, on)
    for limit in limits:
        room = room_of(limit, case, held, on)
        rooms.append(room)
        counted.update((id(item.aid), item.aid) for item in room.items if item.counted)
    doubtful = {id(aid) for aid, _amount, certain in held if not certain}
    return Measured(
        rooms=_with_register(limits, rooms, case),
        uncertain=tuple(aid for key, aid in counted.items() if key in doubtful),
    )


def room_of(limit: Limit, case: Case, held: Iterable[Held], on: date) -> Room:
    start, out = _window(limit, case, on)
    days: dict[date, date | None] = {}
    items, used = [], Decimal(0)
    state = case.granting_state if limit.per_state else None
    for aid, amount, _certain in held:
        why, leaves = "", None
        if aid.central_union:
            why = "no_state_aid"
        elif amount is None:
            why = "other_undertaking"
        elif aid.regime not in limit.pool:
            why = "other_pool"
        elif state is not None and aid.state != state:
            why = "other_state"
        else:
            day = aid.granted_on
            if day not in days:
                days[day] = out(day)
            leaves = days[day]
            if start is not None and day < start:
                why = "too_old"
            else:
                used += amount
        items.append(Counted(aid, NOTHING if amount is None else amount, not why, leaves, why))
    return _room(limit.code, limit.article, limit.ceiling_eur, used, start, tuple(items))


def plain_room(code: str, article: str, ceiling: Decimal, aid: Iterable[Aid] = ()) -> Room:
    """A limit without time and undertaking: everything of `aid` uses it up."""
    items = tuple(Counted(one, one.amount_eur, True, None) for one in aid)
    used = sum((one.amount_eur for one in items), Decimal(0))
    return _room(code, article, rounded_down(ceiling), used, None, items)


def with_grant(room: Room, amount: Decimal) -> Room:
    """The same room with the grant taken off."""
    return replace(room, after_eur=max(room.before_eur - rounded_up(amount), NOTHING))


def _room(
    code: str, article: str, ceiling: Decimal, used: Decimal, start: date | None, items: tuple[Counted, ...]
) -> Room:
    used = rounded_up(used)
    before = max(rounded_down(ceiling - used), NOTHING)
    return Room(code, article, ceiling, used, before, before, start, items)


def _chosen(limit: Limit, policy: Policy) -> bool:
    wanted, name = not limit.only_if.startswith("not "), limit.only_if.removeprefix("not ")
    return not name or bool(getattr(policy, name)) is wanted


def _window(limit: Limit, case: Case, on: date) -> tuple[date | None, Callable[[date], date | None]]:
    years, counts = limit.window_years, case.policy.boundary_day_counts
    if limit.window is Window.EVER:
        return None, lambda day: None
    if limit.window is Window.FISCAL_YEARS:
        end = case.fiscal_year_end
        return fiscal_window_start(on, years, end), lambda day: fiscal_falls_out_on(day, years, end)
    start = window_start(on, years, boundary_counts=counts)
    return start, lambda day: falls_out_on(day, years, boundary_counts=counts)


def _mixed(limit: Limit, law: Law, case: Case, held: Iterable[Held], on: date) -> bool:
    """Whether aid of another code than the row's own lies in the limit's window and State."""
    start, _out = _window(limit, case, on)
    others = limit.pool - {law.code}
    return any(
        amount
        and aid.regime in others
        and not aid.central_union
        and (aid.state == case.granting_state or not limit.per_state)
        and (start is None or aid.granted_on >= start)
        for aid, amount, _certain in held
    )


def _for_start_up(limit: Limit, law: Law, case: Case) -> Limit:
    """Art 22(3), 22(5): more in assisted areas, double for an innovative enterprise."""
    regions = law.terms.get("region_ceiling_eur")
    if regions is None or case.exemption is None:
        return limit
    ceiling = Decimal(regions.get(case.exemption.region, limit.ceiling_eur))
    facts = case.exemption.start_up
    factor = Decimal(law.terms.get("innovative_factor", 1)) if facts is not None and facts.innovative else 1
    return replace(limit, ceiling_eur=ceiling * factor)


def _with_register(limits: tuple[Limit, ...], rooms: list[Room], case: Case) -> tuple[Room, ...]:
    """What the register shows beyond what we know counts in every limit per State whose pool holds the first one's."""
    if not rooms or case.register_eur is None or not limits[0].per_state:
        return tuple(rooms)
    more = max(case.register_eur - rooms[0].used_eur, NOTHING)
    return tuple(
        _room(room.code, room.article, room.ceiling_eur, room.used_eur + more, room.window_from, room.items)
        if more and limit.per_state and limit.pool >= limits[0].pool
        else room
        for limit, room in zip(limits, rooms, strict=True)
    )
