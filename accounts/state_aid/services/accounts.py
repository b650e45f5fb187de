"""What each State could still grant, and what uses up the rest: the group's account for pages."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from accounts.models import Organisation
from accounts.state_aid import case, rules, undertakings
from accounts.state_aid.services.facts import aid_of, latest_declarations
from accounts.state_aid.services.law import Rules
from accounts.state_aid.services.locks import ALL_STATES
from accounts.state_aid.services.undertakings import Undertaking, read_undertaking

NOTHING = Decimal("0.00")
# Bases whose limits a State's account shows beside the general one, where aid under them is known.
BESIDE = (case.SGEI, case.AGRICULTURE, case.FISHERIES)


@dataclass(frozen=True)
class Member:
    """One of a single undertaking. `name` is "" where the reader may not know it.

    `confirmed` is False for whom only links or events join that nobody confirmed yet.
    """

    key: str
    name: str
    is_self: bool
    confirmed: bool = True


@dataclass(frozen=True)
class StateAccount:
    """One State's account of the group: `rooms` are the limits it meets, the general one first.

    The account of State "EU" holds the limits that add up all States. The properties speak of the first room.
    """

    state: str
    on: date
    rooms: tuple[case.Room, ...]
    members: tuple[Member, ...]
    regime: str = case.GENERAL

    @property
    def granting_state(self) -> str:
        return self.state

    @property
    def ceiling(self) -> Decimal:
        return self.rooms[0].ceiling_eur if self.rooms else NOTHING

    @property
    def used(self) -> Decimal:
        return self.rooms[0].used_eur if self.rooms else NOTHING

    @property
    def left(self) -> Decimal:
        return self.rooms[0].before_eur if self.rooms else NOTHING

    @property
    def items(self) -> tuple[case.Counted, ...]:
        return self.rooms[0].items if self.rooms else ()

    @property
    def percent_used(self) -> int:
        return min(100, int(self.used * 100 / self.ceiling)) if self.ceiling else 0


def headroom(*, organisation: Organisation, granting_state: str, on: date) -> StateAccount:
    """What that State could still grant the group that day, and what uses up the rest."""
    found = headrooms(organisation=organisation, on=on, states=[granting_state])
    return next(one for one in found if one.state == granting_state)


def headrooms(*, organisation: Organisation, on: date, states: Iterable[str] = ()) -> list[StateAccount]:
    """The same for every State that counts anything, and for `states`; the most used first.

    The number of queries does not grow with the number of awards: some for each step outwards in the group's graph.
    """
    undertaking, law = read_undertaking(organisation), Rules(on)
    policy = law.policy
    declarations = latest_declarations(undertaking.organisations.values())
    known = case.Case(
        member=undertaking.member,
        granting_state="",
        origin=case.Origin.NATIONAL_SHARE,
        amount_eur=NOTHING,
        aid=aid_of(undertaking, declarations, union_share_is_aid=policy.union_share_is_aid),
        links=undertaking.links,
        events=undertaking.events,
        fiscal_year_end=(organisation.fiscal_year_end_month, organisation.fiscal_year_end_day),
        law=law.laws,
        policy=policy,
    )
    members = _members(undertaking, on)
    wanted = {*states, *(one.state for one in known.aid)} - {ALL_STATES}
    accounts = [
        _account(replace(known, granting_state=state, state_register=law.state_register(state)), on, members)
        for state in wanted
    ]
    if ALL_STATES in set(states) or any(one.regime == case.INNOVATION for one in known.aid):
        accounts.append(_union_account(known, on, members))
    return sorted(accounts, key=lambda account: (account.state == ALL_STATES, -account.used, account.state))


def undertaking_of(*, organisation: Organisation, on: date) -> tuple[Member, ...]:
    """The members of the single undertaking on that day, the organisation first."""
    return _members(read_undertaking(organisation), on)


def _members(undertaking: Undertaking, on: date) -> tuple[Member, ...]:
    keys = undertakings.members(undertaking.links, undertaking.events, undertaking.member, on)
    links = [link for link in undertaking.links if link.confirmed]
    events = [event for event in undertaking.events if event.confirmed]
    sure = undertakings.members(links, events, undertaking.member, on)
    found = [
        Member(key=key, name=undertaking.names.get(key, ""), is_self=key == undertaking.member, confirmed=key in sure)
        for key in keys
    ]
    return tuple(sorted(found, key=lambda member: (not member.is_self, member.name, member.key)))


def _account(here: case.Case, on: date, members: tuple[Member, ...]) -> StateAccount:
    rooms: dict[str, case.Room] = {room.code: room for room in rules.headroom(here, on) if _per_state(here, room)}
    for basis in BESIDE:
        if any(one.state == here.granting_state and one.regime == basis for one in here.aid):
            for room in rules.headroom(replace(here, basis=basis), on):
                if _per_state(here, room):
                    rooms.setdefault(room.code, room)
    general = {limit.code for law in here.law if law.code == case.GENERAL for limit in law.limits}
    ordered = sorted(rooms.values(), key=lambda room: (room.code not in general, room.before_eur, room.code))
    return StateAccount(state=here.granting_state, on=on, rooms=tuple(ordered), members=members)


def _union_account(known: case.Case, on: date, members: tuple[Member, ...]) -> StateAccount:
    rooms = [
        room
        for room in rules.headroom(replace(known, granting_state=ALL_STATES, basis=case.INNOVATION), on)
        if not _per_state(known, room)
    ]
    return StateAccount(state=ALL_STATES, on=on, rooms=tuple(rooms), members=members, regime=case.INNOVATION)


def _per_state(known: case.Case, room: case.Room) -> bool:
    return all(limit.per_state for law in known.law for limit in law.limits if limit.code == room.code)


Headroom = StateAccount
