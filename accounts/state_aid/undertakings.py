"""Who is one undertaking on a day, and whose earlier aid it carries: Art 2(2), 3(8), 3(9) of 2023/2831."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from accounts.state_aid.case import Aid, Change, ControlLink, GroupEvent
from portal.kernel.money import CENT

# Those who control without being one undertaking with what they control: see ControlLink.controller_kind.
APART = frozenset({"person", "public_body"})
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Share:
    """What of one award this undertaking carries; `certain` is False when nobody knows how a split shared it."""

    amount_eur: Decimal
    certain: bool = True


@dataclass(frozen=True)
class Undertaking:
    """All enterprises that are one with the member on the day, world-wide.

    links, events  what joins them; moves  mergers and splits up to the day; moved  those whose aid these passed on
    """

    members: frozenset[str]
    links: tuple[ControlLink, ...]
    events: tuple[GroupEvent, ...]
    moves: tuple[GroupEvent, ...]
    moved: frozenset[str]

    def share_of(self, aid: Aid) -> Share | None:
        """What this undertaking carries of the award, None when it is another's."""
        if aid.member not in self.moved:
            return Share(aid.amount_eur) if aid.member in self.members else None
        held, certain = _followed(aid, self.moves)
        ours = [amount for key, amount in held.items() if key in self.members]
        return Share(min(sum(ours, NOTHING), aid.amount_eur), certain) if ours else None


def undertaking_of(
    links: Iterable[ControlLink],
    events: Iterable[GroupEvent],
    member: str,
    on: date,
    apart: frozenset[str] = APART,
) -> Undertaking:
    """Follows control both ways, over any number of steps and any border, with what happened up to that day."""
    links = tuple(links)
    past = tuple(sorted((event for event in events if event.on <= on), key=lambda event: event.on))
    standing = tuple(link for link in links if _stands(link, on) and link.controller_kind not in apart)
    neighbours: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in (*((link.controller, link.controlled) for link in standing), *_joined(past, links, on)):
        neighbours[one].add(other)
        neighbours[other].add(one)
    members, waiting = {member}, [member]
    while waiting:
        for key in neighbours[waiting.pop()] - members:
            members.add(key)
            waiting.append(key)
    moves = tuple(event for event in past if event.kind is not Change.ACQUISITION)
    return Undertaking(
        members=frozenset(members),
        links=tuple(link for link in standing if link.controller in members),
        events=tuple(event for event in past if not members.isdisjoint((*event.before, *event.after))),
        moves=moves,
        moved=frozenset(key for event in moves for key in event.before),
    )


def members(
    links: Iterable[ControlLink], events: Iterable[GroupEvent], member: str, on: date, apart: frozenset[str] = APART
) -> frozenset[str]:
    """The keys of everybody who is one undertaking with the member that day, itself included."""
    return undertaking_of(links, events, member, on, apart).members


def shared_out(amount: Decimal, equity: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """The amount in proportion to equity; cents, which add up to the amount exactly.

    Rounded down; cents left over go to the largest remainders, the first on a tie, and so does a broken cent.
    """
    total = sum(equity, NOTHING)
    exact = [amount * one / total for one in equity]
    parts = [one.quantize(CENT, rounding=ROUND_FLOOR) for one in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: parts[i] - exact[i])
    left = amount - sum(parts, NOTHING)
    for i in by_remainder:
        step = min(left, CENT)
        parts[i] += step
        left -= step
    return tuple(parts)


def _stands(link: ControlLink, on: date) -> bool:
    return link.valid_from <= on and (link.valid_to is None or on < link.valid_to)


def _joined(past: Iterable[GroupEvent], links: tuple[ControlLink, ...], on: date) -> Iterable[tuple[str, str]]:
    for event in past:
        if event.kind is Change.MERGER:
            yield from ((key, event.after[0]) for key in event.before if event.after)
        elif event.kind is Change.ACQUISITION and event.before:
            first, *others = event.before
            for other in others:
                ends = [
                    link.valid_to
                    for link in links
                    if {link.controller, link.controlled} == {first, other}
                    and link.valid_to is not None
                    and link.valid_to > event.on
                ]
                if not ends or on < min(ends):
                    yield first, other


def _followed(aid: Aid, moves: Iterable[GroupEvent]) -> tuple[dict[str, Decimal], bool]:
    """Who carries the award after all mergers and splits, and whether that is known."""
    held, certain = {aid.member: aid.amount_eur}, True
    for event in moves:
        if not event.after:
            continue
        if event.kind is Change.MERGER:
            for key in event.before:
                if key in held and key != event.after[0]:
                    amount = held.pop(key)
                    held[event.after[0]] = held.get(event.after[0], NOTHING) + amount
            continue
        origin = event.before[0] if event.before else ""
        if origin in held and (aid.granted_on < event.on or origin not in event.after):
            parts, known = _split(held.pop(origin), aid, event)
            certain = certain and known
            for key, amount in parts.items():
                held[key] = held.get(key, NOTHING) + amount
    return held, certain


def _split(amount: Decimal, aid: Aid, event: GroupEvent) -> tuple[dict[str, Decimal], bool]:
    user = event.used_by.get(aid.reference) if aid.reference else None
    if user in event.after:
        return {str(user): amount}, True
    equity = [event.equity.get(key) for key in event.after]
    known = [one for one in equity if one is not None and one >= 0]
    if len(known) < len(equity) or not any(known):
        return dict.fromkeys(event.after, amount), False
    return dict(zip(event.after, shared_out(amount, known), strict=True)), True
