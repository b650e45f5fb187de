"""A second, deliberately naive reading of Articles 2 to 6 of the Annex to Recommendation 2003/361/EC.

Written from the text and the data classes alone, apart from the rules it is held against: it merges companies into
linked groups by scanning every holding until nothing changes, passes what public bodies hold on from owner to owner
round after round, and goes through the closings in their order with one flag per class. Shares are exact fractions.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import combinations, pairwise

from accounts.sme.graph import EXEMPT_KINDS, Basis, ChangeMode, Control, Figures, Market, Ownership, PartyKind

ANGEL_EUR = 1_250_000
AUTHORITY_EUR = 10_000_000
AUTHORITY_PEOPLE = 5_000
QUARTER = Fraction(25)
HALF = Fraction(50)
# staff below; turnover or balance sheet up to, in EUR (Art 2)
CLASSES = (
    ("micro", 10, 2_000_000, 2_000_000),
    ("small", 50, 10_000_000, 10_000_000),
    ("medium", 250, 50_000_000, 43_000_000),
)
Triple = tuple[Fraction, Fraction, Fraction]


@dataclass(frozen=True)
class Sized:
    """`size` is "review" where the answer hangs on a fact that nobody stated."""

    size: str
    figures: Triple | None
    relations: dict[str, tuple[str, Fraction]]
    public: Fraction
    basis: Basis


def size_of(ownership: Ownership, on: date, mode: ChangeMode = ChangeMode.REVIEW) -> Sized:
    """Every open question of markets answered both ways; where that changes who counts, a person must look."""
    yes, no = (_size(ownership, on, unknown_is, mode) for unknown_is in (Market.SAME, Market.UNRELATED))
    if yes.relations != no.relations or yes.size != no.size:
        # large for its public owners either way, but nobody knows by which figures
        return replace(yes, size=yes.size if yes.public >= QUARTER else "review", figures=None)
    return yes


def _size(ownership: Ownership, on: date, unknown_is: Market, mode: ChangeMode) -> Sized:
    now = _standing(ownership, on)
    own, partners, exempt = _around(now, unknown_is)
    closings = _closings(now, on)
    years = []
    for day in closings:
        # each closing with the holdings of its own day
        then = _standing(ownership, day)
        years.append(_aggregate(then, *_around(then, unknown_is)[:2], day))
    while years and years[0] is None:
        years.pop(0)  # closings that lack figures are no loss at the old end
    today = _aggregate(now, own, partners, closings[-1])
    by_two = _by_two_periods(years)
    size = by_two
    used = [day for day, year in zip(closings[::-1], years[::-1], strict=False) if year is not None][::-1]
    if used and mode is not ChangeMode.TWO_PERIOD and _changed_lately(ownership, used, on, unknown_is):
        at_once = _two_periods([today]) if today else "review"
        dated = any(one.since or one.until for one in ownership.holdings)
        size = at_once if mode is ChangeMode.IMMEDIATE or (dated and at_once == by_two) else "review"
    public, steered, wide = public_share(now, own)
    if (
        today is None
        or steered
        or wide
        or _rebutted(now, own, unknown_is)
        or (size != "large" and _maybe_public(now, own))
    ):
        size = "review"
    if public >= QUARTER:
        size = "large"
    basis = next(one.basis for one in now.party(now.subject).periods if one.period_end == closings[-1])
    return Sized(size, today, _relations(now, own, partners, exempt), public, basis)


def _standing(ownership: Ownership, day: date) -> Ownership:
    holdings = [
        one
        for one in ownership.holdings
        if (one.since is None or one.since <= day) and (one.until is None or one.until >= day)
    ]
    return replace(ownership, holdings=tuple(holdings))


def _who_counts(ownership: Ownership, unknown_is: Market):
    own, partners, _exempt = _around(ownership, unknown_is)
    return own, partners, public_share(ownership, own)[0] >= QUARTER


def _around(ownership: Ownership, unknown_is: Market):
    groups = linked_groups(ownership, unknown_is)
    own = next(group for group in groups if ownership.subject in group)
    return own, *_partners(ownership, own, groups)


def _by_two_periods(years: list[Triple | None]) -> str:
    if not years or years[-1] is None:
        return "review"
    found = {_two_periods(guess) for guess in _filled(years)}
    return found.pop() if len(found) == 1 else "review"


def _changed_lately(ownership: Ownership, closings: list[date], on: date, unknown_is: Market) -> bool:
    """A change stated, or shown by dated holdings: whoever counts now did not at the closing before the latest."""
    before = closings[-2] if len(closings) > 1 else closings[-1]
    stated = ownership.ownership_changed_on
    then = [_who_counts(_standing(ownership, day), unknown_is) for day in (before, closings[-1], on)]
    return then.count(then[0]) < len(then) or (stated is not None and stated > before)


def _rebutted(ownership: Ownership, own: frozenset[str], unknown_is: Market) -> bool:
    """An exempt investor of weight that takes part in management: Art 3(2) presumes no more."""
    towns = [frozenset({one.id}) for one in ownership.parties if one.kind is PartyKind.LOCAL_AUTHORITY]
    return any(
        one.in_management
        and one.owned in own
        and one.owner in group
        and _only_exempt(ownership, group, one.owned)
        and _joint(ownership, group, one.owned) >= QUARTER
        for one in ownership.holdings
        for group in [*linked_groups(ownership, unknown_is), *towns]
        if group != own
    )


def _maybe_public(ownership: Ownership, own: frozenset[str]) -> bool:
    """C-516/19: would it be large if universities and public investment corporations of the group were public?"""
    kinds = (PartyKind.UNIVERSITY, PartyKind.PUBLIC_INVESTMENT_CORPORATION)
    parties = tuple(
        replace(one, kind=PartyKind.PUBLIC_BODY) if one.id in own and one.kind in kinds else one
        for one in ownership.parties
    )
    share, steered, _wide = public_share(replace(ownership, parties=parties), own)
    return steered or share >= QUARTER


# Art 3(3): who is linked


def linked_groups(ownership: Ownership, unknown_is: Market = Market.SAME) -> list[frozenset[str]]:
    kinds = {party.id: party.kind for party in ownership.parties}
    firms = [one for one, kind in kinds.items() if kind is PartyKind.ENTERPRISE or kind in EXEMPT_KINDS]
    firms = [one for one in firms if kinds[one] is not PartyKind.LOCAL_AUTHORITY]
    groups = {one: frozenset({one}) for one in firms}
    changed = True
    while changed:
        changed = False
        for joint in _who_may_control(ownership, groups, kinds):
            for target in firms:
                if not joint & {target} and _controls(ownership, joint, target):
                    members = {one for one in joint if joint == groups.get(one) or _holds(ownership, one, target)}
                    members.add(target)
                    changed |= _merge(groups, members)
        for one, two in _tied_by_persons(ownership, kinds, firms, unknown_is):
            changed |= _merge(groups, {one, two})
    return list(set(groups.values()))


def _who_may_control(ownership, groups, kinds) -> Iterator[frozenset[str]]:
    yield from set(groups.values())
    for acting in ownership.acting_together:
        if all(one in groups for one in acting):
            yield frozenset(acting)


def _holds(ownership: Ownership, owner: str, owned: str) -> bool:
    return any((one.owner, one.owned) == (owner, owned) and one.share > 0 for one in ownership.holdings)


def _controls(ownership: Ownership, joint: Iterable[str], target: str) -> bool:
    held = [one for one in ownership.holdings if one.owned == target and one.owner in joint]
    return _outvotes(ownership, joint, target) or any(one.control for one in held)


def _outvotes(ownership: Ownership, joint: Iterable[str], target: str) -> bool:
    held = [one for one in ownership.holdings if one.owned == target and one.owner in joint]
    return sum((Fraction(one.votes) for one in held), Fraction(0)) > HALF


def _merge(groups: dict[str, frozenset[str]], members: Iterable[str]) -> bool:
    whole = frozenset().union(*(groups[one] for one in members))
    if all(groups[one] == whole for one in members):
        return False
    for one in whole:
        groups[one] = whole
    return True


def _tied_by_persons(ownership, kinds, firms, unknown_is) -> Iterator[tuple[str, str]]:
    """Pairs that one person, or persons acting together, control directly or through companies, in near markets."""
    persons = {one for one, kind in kinds.items() if kind is PartyKind.PERSON}
    for hands in [frozenset({one}) for one in persons] + [g for g in ownership.acting_together if g <= persons]:
        controlled: set[str] = set()
        while True:
            more = {one for one in firms if one not in controlled and _controls(ownership, hands | controlled, one)}
            if not more:
                break
            controlled |= more
        for one, two in combinations(sorted(controlled), 2):
            if _market(ownership, one, two, unknown_is) in (Market.SAME, Market.ADJACENT):
                yield one, two


def _market(ownership: Ownership, one: str, two: str, unknown_is: Market) -> Market:
    for stated in ownership.markets:
        if {stated.first, stated.second} == {one, two}:
            return unknown_is if stated.relation is Market.UNKNOWN else stated.relation
    return unknown_is


# Art 3(2): partners, and the investors that are none


def _partners(ownership: Ownership, own: frozenset[str], groups):
    """Linked groups next to the own one that hold, or are held by, a quarter: each once, at the greatest share."""
    partners: dict[frozenset[str], Fraction] = {}
    exempt: dict[frozenset[str], Fraction] = {}
    for group in groups:
        if group == own:
            continue
        below = max(_joint(ownership, own, one) for one in group)
        above = {one: _joint(ownership, group, one) for one in own}
        ordinary = [share for one, share in above.items() if not _only_exempt(ownership, group, one)]
        if max([below, *ordinary]) >= QUARTER:
            partners[group] = max([below, *above.values()])
        elif max(above.values()) >= QUARTER:
            exempt[group] = max(above.values())
    return partners, exempt


def _only_exempt(ownership: Ownership, group: Iterable[str], owned: str) -> bool:
    holders = [one.owner for one in ownership.holdings if one.owner in group and one.owned == owned]
    return all(_is_exempt(ownership, one, owned) for one in holders)


def _joint(ownership: Ownership, owners: Iterable[str], owned: str) -> Fraction:
    held = [one for one in ownership.holdings if one.owner in owners and one.owned == owned]
    capital = sum((Fraction(one.capital) for one in held), Fraction(0))
    votes = sum((Fraction(one.votes) for one in held), Fraction(0))
    return max(capital, votes)


def _is_exempt(ownership: Ownership, investor: str, owned: str) -> bool:
    party = ownership.party(investor)
    if party.kind is PartyKind.BUSINESS_ANGEL:
        # all business angels of the same enterprise together
        spent = [
            one.invested_eur
            for one in ownership.holdings
            if one.owned == owned and ownership.party(one.owner).kind is PartyKind.BUSINESS_ANGEL
        ]
        return all(eur is not None for eur in spent) and sum(spent) < ANGEL_EUR
    if party.kind is PartyKind.LOCAL_AUTHORITY:
        return (
            party.budget_eur is not None
            and party.budget_eur < AUTHORITY_EUR
            and party.inhabitants is not None
            and party.inhabitants < AUTHORITY_PEOPLE
        )
    return party.kind in EXEMPT_KINDS


def _relations(ownership, own, partners, exempt) -> dict[str, tuple[str, Fraction]]:
    found = {one: ("linked", Fraction(100)) for one in own if one != ownership.subject}
    for word, groups in (("partner", partners), ("exempt", exempt)):
        for group, share in groups.items():
            direct = {one.owner for one in ownership.holdings if one.owned in own}
            found |= dict.fromkeys(group & direct if word == "exempt" else group, (word, share))
    return found


# Art 3(4): public bodies


def public_share(ownership: Ownership, own: frozenset[str]) -> tuple[Fraction, bool, bool]:
    """What public bodies hold of the subject, whether they steer it otherwise, whether a wider reading sees a quarter.

    What they control counts as theirs in full; through others pro rata, summed for capital and for votes apart.
    """
    hands = {party.id for party in ownership.parties if _is_public(ownership, party.id, own)}
    while True:
        more = {
            party.id
            for party in ownership.parties
            if party.id not in hands and _bears(ownership, party.id, own)
            # what the subject itself controls leads nowhere
            if _controls(ownership, hands - {ownership.subject}, party.id)
        }
        if not more:
            break
        hands |= more
    if _has_votes(ownership, hands - {ownership.subject}, ownership.subject):
        return Fraction(100), False, False
    hands.discard(ownership.subject)
    total = _part(ownership, own, hands, Fraction(101))
    # by other grounds than a quarter of anything; or whom they hold a quarter of holds for them too (C-516/19)
    steered = _controls(ownership, hands, ownership.subject)
    wide = _part(ownership, own, hands, QUARTER)
    return total, steered and total < QUARTER, wide >= QUARTER > total


def _part(ownership: Ownership, own: frozenset[str], hands: set[str], full_from: Fraction) -> Fraction:
    """How much of the subject is held from the public hand, in per cent, through any number of owners, round and round.

    An owner of which they hold `full_from` or more counts in full.
    """
    public = {party.id: Fraction(100 if party.id in hands else 0) for party in ownership.parties}
    for _round in range(8 if hands else 0):
        full = {ident for ident, part in public.items() if part >= min(full_from, 100)} - {ownership.subject}
        for ident in set(public) - hands:
            if _bears(ownership, ident, own):
                held = [one for one in ownership.holdings if one.owned == ident and one.owner != ownership.subject]
                weight = {one: Fraction(1) if one.owner in full else public[one.owner] / 100 for one in held}
                capital = sum((Fraction(one.capital) * weight[one] for one in held), Fraction(0))
                votes = sum((Fraction(one.votes) * weight[one] for one in held), Fraction(0))
                agreed = Fraction(100 if _has_votes(ownership, full, ident) else 0)
                public[ident] = max(capital, votes, agreed)
    return public[ownership.subject]


def _has_votes(ownership: Ownership, hands: Iterable[str], ident: str) -> bool:
    """More than half of the voting rights, by what is held or by agreement: that is a quarter too."""
    grounds = {Control.MAJORITY_OF_VOTES, Control.VOTING_AGREEMENT}
    held = [one for one in ownership.holdings if one.owned == ident and one.owner in hands]
    return _outvotes(ownership, hands, ident) or any(one.control & grounds for one in held)


def _is_public(ownership: Ownership, ident: str, own: frozenset[str]) -> bool:
    kind = ownership.party(ident).kind
    if kind is PartyKind.LOCAL_AUTHORITY:
        # linked to the enterprise in question it is no mere investor any more
        controls = any(_controls(ownership, {ident}, one) for one in own)
        return controls or not _is_exempt(ownership, ident, ownership.subject)
    return kind is PartyKind.PUBLIC_BODY


def _bears(ownership: Ownership, ident: str, own: frozenset[str]) -> bool:
    """Whether public holdings are followed through it: companies, and exempt investors only once they are linked."""
    return ownership.party(ident).kind is PartyKind.ENTERPRISE or ident in own


# Art 6: whose figures, and Art 4: which years


def _closings(ownership: Ownership, on: date) -> list[date]:
    periods = [one for one in ownership.party(ownership.subject).periods if one.period_end <= on]
    approved = [one for one in periods if one.basis is Basis.APPROVED]
    return sorted(one.period_end for one in (approved or periods or ownership.party(ownership.subject).periods))


def _aggregate(ownership, own, partners, day) -> Triple | None:
    """All figures of one closing; None where somebody's are missing."""
    total = _data(ownership, own, day)
    contained = {one for member in own for one in ownership.party(member).consolidates}
    for group, share in partners.items():
        theirs = _data(ownership, group - contained, day)
        if total is None or theirs is None:
            return None
        total = tuple(mine + other * share / 100 for mine, other in zip(total, theirs, strict=True))
    return total


def _data(ownership: Ownership, group: Iterable[str], day: date) -> Triple | None:
    """The figures of each that no other's accounts contain."""
    within = {one for member in group for one in ownership.party(member).consolidates}
    found = []
    for member in set(group) - within:
        figures = _figures_for(ownership, member, day)
        if figures is None:
            return None
        found.append((Fraction(figures.awu), Fraction(figures.turnover_eur), Fraction(figures.balance_sheet_eur)))
    return _sum(found)


def _figures_for(ownership: Ownership, member: str, day: date) -> Figures | None:
    """Those of about the same year; beside the estimate of a new firm the latest approved ones."""
    own = next(one for one in ownership.party(ownership.subject).periods if one.period_end == day)
    if member == ownership.subject:
        return own
    near = [
        one
        for one in ownership.party(member).periods
        if own.basis is Basis.ESTIMATE or -350 <= (one.period_end - day).days <= 31
    ]
    return max(near, key=lambda one: one.period_end, default=None)


def _sum(triples) -> Triple:
    return tuple(sum((triple[i] for triple in triples), Fraction(0)) for i in range(3))  # type: ignore[return-value]


def _filled(years: list[Triple | None]) -> Iterator[list[Triple]]:
    """Every history that a closing without figures leaves possible: it may have been of any class."""
    if None not in years:
        yield years
        return
    index = years.index(None)
    for staff in (1, 20, 100, 1000):
        guess = (Fraction(staff), Fraction(0), Fraction(0))
        yield from _filled([*years[:index], guess, *years[index + 1 :]])


def _two_periods(years: list[Triple]) -> str:
    """Art 4(2): each class is lost or won only after two closings in a row say so; the first one sets the start."""
    for name, staff, turnover, balance in CLASSES:
        inside = [awu < staff and (sold <= turnover or total <= balance) for awu, sold, total in years]
        flag = inside[0]
        for before, now in pairwise(inside):
            if before == now:
                flag = now
        if flag:
            return name
    return "large"
