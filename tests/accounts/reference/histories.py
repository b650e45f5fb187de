"""Random histories of aid, weighted towards the edges: leap days, boundary days, amounts that just fit.

Everything is drawn from one `random.Random`, so that a seed is a case; `smaller` takes a failing case apart.
"""

from calendar import isleap
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

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
    Costs,
    Difficulty,
    Exemption,
    GroupEvent,
    Law,
    Origin,
    Policy,
    Scheme,
)
from tests.accounts.reference.naive_aid import judge

STATES = ("FI", "DE", "SI", "EU")
CENT = Decimal("0.01")
GROUNDS = ("majority_of_votes", "appoints_board", "dominant_influence", "voting_agreement")
EVERY_CODE = (GENERAL, SGEI, SGEI_UNTIL_2023, AGRICULTURE, FISHERIES, GENERAL_UNTIL_2023, INNOVATION, "651/2014-25")
NEAR = {
    GENERAL: (GENERAL, GENERAL, GENERAL, AGRICULTURE, FISHERIES, GENERAL_UNTIL_2023),
    SGEI: (SGEI, SGEI, SGEI_UNTIL_2023),
    AGRICULTURE: (AGRICULTURE, AGRICULTURE, FISHERIES, GENERAL),
    FISHERIES: (FISHERIES, FISHERIES, AGRICULTURE, GENERAL),
    INNOVATION: (INNOVATION,),
}
EDGE_DAYS = (
    date(2026, 11, 21),
    date(2027, 2, 28),
    date(2027, 3, 1),
    date(2028, 2, 28),
    date(2028, 2, 29),
    date(2028, 3, 1),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2024, 2, 29),
    date(2025, 7, 1),
)


def history(rng: Random, law: tuple[Law, ...], *, basis: str | None = None) -> tuple[Case, date]:
    """A case and the day on which it is judged."""
    basis = basis or rng.choices((GENERAL, SGEI, AGRICULTURE, FISHERIES, INNOVATION), (10, 2, 3, 4, 4))[0]
    on = _day_of_grant(rng, basis)
    members = [f"org:{letter}" for letter in "abcdefg"[: rng.choice((1, 1, 2, 2, 3, 4, 5, 7))]]
    events, living = _events(rng, members, on)
    everyone = members + sorted({name for event in events for name in event.after} - set(members))
    alive = [name for name in everyone if living(name, on)] or everyone
    ends = rng.choice(((12, 31), (12, 31), (6, 30), (2, 28), (2, 29), (9, 30), (1, 31)))
    aid = _awards(rng, basis, everyone, living, on, ends, events)
    case = Case(
        member=rng.choice(alive),
        granting_state=rng.choices(STATES[:3], (5, 2, 1))[0],
        origin=rng.choices(tuple(Origin), (1, 1, 30, 1, 1))[0],
        amount_eur=Decimal(0),
        basis=basis,
        aid=aid,
        links=_links(rng, everyone, on, events),
        events=events,
        declared_on=on,
        nace_code="62.01",
        fiscal_year_end=ends,
        register_eur=Decimal(rng.randrange(0, 400_000)) if rng.random() < 0.1 else None,
        state_register=rng.random() < 0.3,
        costs=_costs(rng) if rng.random() < 0.15 else None,
        exemption=_clean(on) if basis == INNOVATION else None,
        law=law,
        policy=Policy(
            boundary_day_counts=rng.random() < 0.8,
            union_share_is_aid=rng.random() < 0.3,
            sector_sum_is_lower_ceiling=rng.random() < 0.7,
            innovation_everywhere=rng.random() < 0.7,
            compute_is_support_service="accept",
        ),
    )
    return replace(case, amount_eur=_amount(rng, case, on)), on


def smaller(case: Case) -> Iterator[Case]:
    """The same case with one thing less."""
    for field in ("aid", "links", "events"):
        rows = getattr(case, field)
        for index in range(len(rows)):
            yield replace(case, **{field: rows[:index] + rows[index + 1 :]})


def reduced(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The smallest case that still fails: rows go one by one until none can."""
    while True:
        for candidate in smaller(case):
            if fails(candidate):
                case = candidate
                break
        else:
            return case


def years_before(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29) and not isleap(day.year - years):
        return date(day.year - years, 2, 28)
    return day.replace(year=day.year - years)


def _day_of_grant(rng: Random, basis: str) -> date:
    last = date(2026, 12, 31) if basis == INNOVATION else date(2029, 12, 31)
    first = date(2025, 1, 1) if basis == AGRICULTURE else date(2024, 1, 1)
    days = [day for day in EDGE_DAYS if first <= day <= last]
    if rng.random() < 0.5:
        return rng.choice(days)
    return first + timedelta(days=rng.randrange((last - first).days + 1))


def _awards(rng, basis, everyone, living, on, ends, events) -> tuple[Aid, ...]:
    awards = []
    for number in range(rng.choice((1, 2, 3, 4, 5, 6, 8, 12))):
        member = rng.choice(everyone)
        granted = _day_of_award(rng, on, ends, events)
        if not living(member, granted):
            continue
        awards.append(
            Aid(
                member=member,
                state=rng.choices(STATES, (6, 3, 1, 1))[0],
                amount_eur=_award_eur(rng),
                granted_on=granted,
                regime=rng.choice(NEAR[basis] if rng.random() < 0.6 else EVERY_CODE),
                source=rng.choice(("portal", "declared")),
                reference=f"A{number}",
                costs="pilot" if rng.random() < 0.3 else "",
                intensity=Decimal(rng.choice((25, 50, 80))) if rng.random() < 0.2 else None,
                central_union=rng.random() < 0.05,
            )
        )
    return tuple(awards)


def _day_of_award(rng: Random, on: date, ends: tuple[int, int], events) -> date:
    pick = rng.random()
    edge = years_before(on, 3)
    if pick < 0.35:
        return edge + timedelta(days=rng.choice((-1, 0, 0, 1)))
    if pick < 0.45:
        # around a closing of the fiscal year
        year = on.year - rng.randrange(0, 5)
        closing = date(year, ends[0], 28 if ends[0] == 2 and not isleap(year) else ends[1])
        return closing + timedelta(days=rng.choice((-1, 0, 1, 1, 2)))
    if pick < 0.5:
        return on + timedelta(days=rng.choice((-1, 0, 1)))
    if pick < 0.6 and events:
        return rng.choice(events).on + timedelta(days=rng.choice((-1, 0, 1)))
    if pick < 0.65:
        return rng.choice((date(2024, 2, 29), date(2024, 2, 28), date(2024, 3, 1), date(2020, 2, 29)))
    return on - timedelta(days=rng.randrange(0, 1500))


def _award_eur(rng: Random) -> Decimal:
    """Zero is an award that lapsed or was reversed in full; odd cents are what a correction leaves."""
    pick = rng.random()
    if pick < 0.05:
        return Decimal(0)
    if pick < 0.3:
        return Decimal(rng.choice((10_000, 15_000, 30_000, 50_000, 100_000, 150_000, 220_000, 300_000)))
    if pick < 0.6:
        return Decimal(rng.randrange(1, 12_000_000)) / 100
    return Decimal(rng.randrange(1, 60)) * 1000


def _links(rng: Random, everyone: list[str], on: date, events: tuple[GroupEvent, ...]) -> tuple[ControlLink, ...]:
    links = []
    days = [event.on for event in events]
    for _ in range(rng.choice((0, 1, 2, 3, 4, 6)) if len(everyone) > 1 else 0):
        controller, controlled = rng.sample(everyone, 2)
        begins = rng.choice((date(2015, 1, 1), date(2015, 1, 1), on, on + timedelta(days=1), *days))
        until = rng.choice((None, None, on, on + timedelta(days=1), *days))
        if until is not None and until <= begins:
            until = None
        links.append(
            ControlLink(
                controller,
                controlled,
                begins,
                until,
                rng.choice(GROUNDS),
                confirmed=rng.random() < 0.9,
                controller_kind=rng.choice(("undertaking",) * 8 + ("person", "public_body")),
            )
        )
    for event in events:
        # a company taken over and sold again
        if event.kind is Change.ACQUISITION and rng.random() < 0.5:
            sold = event.on + timedelta(days=rng.choice((1, 30, 400, 800)))
            pair = rng.sample((event.before[0], event.before[1]), 2)
            links.append(ControlLink(*pair, event.on, rng.choice((sold, sold, on, None)) if sold > on else sold))
    return tuple(links)


def _events(rng: Random, members: list[str], on: date):
    """Mergers, acquisitions and splits in their order; whoever is gone takes part in nothing more."""
    gone: dict[str, date] = {}
    born: dict[str, date] = {}
    events: list[GroupEvent] = []
    days = sorted({on + timedelta(days=rng.choice((0, 1, -1, -30, -400, -800, -1096, -1200))) for _ in range(3)})
    days = days[: rng.choice((0, 0, 1, 1, 2, 3))]
    fresh = iter(("org:x", "org:y", "org:z", "org:u", "org:v", "org:w"))
    current = list(members)
    for day in days:
        kind = rng.choice((Change.MERGER, Change.ACQUISITION, Change.SPLIT))
        if kind is Change.SPLIT:
            events.append(_split(rng, rng.choice(current), day, fresh))
        elif len(current) > 1:
            before = tuple(rng.sample(current, min(len(current), rng.choice((2, 2, 3)))))
            new = rng.random() < 0.4 and kind is Change.MERGER
            after = before if kind is Change.ACQUISITION else ((next(fresh),) if new else before[:1])
            events.append(GroupEvent(kind, day, before, after))
        else:
            continue
        for name in set(events[-1].before) - set(events[-1].after):
            current.remove(name)
            gone[name] = day
        for name in set(events[-1].after) - set(events[-1].before):
            current.append(name)
            born[name] = day

    def living(name: str, day: date) -> bool:
        return day >= born.get(name, date.min) and day < gone.get(name, date.max)

    return tuple(events), living


def _split(rng: Random, name: str, day: date, fresh: Iterator[str]) -> GroupEvent:
    after = (name, next(fresh)) if rng.random() < 0.5 else (next(fresh), next(fresh))
    equity = rng.choice(((3, 1), (1, 1), (1, 0), (99, 1), (2, 1), (3, 4), (0, 0), (5, -1)))
    return GroupEvent(
        Change.SPLIT,
        day,
        (name,),
        after,
        equity={one: Decimal(part * 1000) for one, part in zip(after, equity, strict=True) if rng.random() < 0.97},
        used_by={f"A{number}": rng.choice(after) for number in range(8) if rng.random() < 0.2},
    )


def _amount(rng: Random, case: Case, on: date) -> Decimal:
    """Mostly what just fits, or a cent beside it."""
    largest = judge(case, on).largest
    if largest is None or rng.random() < 0.25:
        return Decimal(rng.randrange(1, 40_000_000)) / 100
    return max(Decimal(0), largest + rng.choice((0, 0, CENT, CENT, -CENT, 1, 1000)))


def _costs(rng: Random) -> Costs:
    return Costs(
        name=rng.choice(("pilot", "other")),
        total_eur=Decimal(rng.randrange(1, 80)) * 10_000 + Decimal("0.33"),
        intensity=rng.choice((None, Decimal(50), Decimal(100))),
        union_rate=Decimal(70) if rng.random() < 0.3 else None,
    )


def _clean(on: date) -> Exemption:
    """Everything a block exemption asks beyond amounts, in order."""
    return Exemption(
        size="small",
        submitted_on=on - timedelta(days=30),
        works_start_on=on + timedelta(days=30),
        recovery_order=False,
        difficulty=Difficulty(
            limited_liability=True,
            subscribed_capital_eur=Decimal(100_000),
            accumulated_result_eur=Decimal(50_000),
            insolvency=False,
            rescue_aid_open=False,
        ),
        scheme=Scheme(
            reference="SA.1",
            valid_from=date(2020, 1, 1),
            published_on=date(2020, 1, 1),
            published_url="https://example.org/scheme",
            discounts_published=True,
            selection_published=True,
            quantifiable=True,
            records_years=10,
        ),
    )
