"""A second, deliberately naive reading of Articles 2 to 6 of the Annex to Recommendation 2003/361/EC.

Written from the text and the data classes alone, apart from the rules it is held against: it merges companies into
linked groups by scanning every holding until nothing changes, follows every path of ownership one by one to find public
bodies, and goes through the closings in their order with one flag per class. Shares are exact fractions.
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
    yes, no = (_size(ownership, on, unknown_is) for unknown_is in (Market.SAME, Market.UNRELATED))
    unsure = yes.relations != no.relations or (
        mode is ChangeMode.REVIEW and _changed_lately(ownership, _closings(ownership, on))
    )
    if yes.public >= QUARTER:
        return yes
    return replace(yes, size="review") if unsure else yes


def _size(ownership: Ownership, on: date, unknown_is: Market) -> Sized:
    groups = linked_groups(ownership, unknown_is)
    own = next(group for group in groups if ownership.subject in group)
    closings = _closings(ownership, on)
    partners, exempt = _partners(ownership, own, groups)
    years = [_aggregate(ownership, own, partners, day) for day in closings]
    public, chain = public_share(ownership, own)
    relations = _relations(ownership, own, partners, exempt)
    while years and years[0] is None:
        years.pop(0)  # closings that lack figures are no loss at the old end
    guesses = {_two_periods(guess) for guess in _filled(years)} if years and years[-1] else {"review"}
    size = guesses.pop() if len(guesses) == 1 else "review"
    if chain or _rebutted(ownership, own) or (size != "large" and _maybe_public(ownership, own)):
        size = "review"
    if public >= QUARTER:
        size = "large"
    basis = next(one.basis for one in ownership.party(ownership.subject).periods if one.period_end == closings[-1])
    return Sized(size, years[-1] if years else None, relations, public, basis)


def _changed_lately(ownership: Ownership, closings: list[date]) -> bool:
    changed = ownership.ownership_changed_on
    return changed is not None and changed > (closings[-2] if len(closings) > 1 else closings[-1])


def _rebutted(ownership: Ownership, own: frozenset[str]) -> bool:
    """An exempt investor of weight that takes part in management: the presumption of Art 3(2) is gone."""
    return any(
        one.in_management
        and one.owned in own
        and one.owner not in own
        and one.share >= QUARTER
        and _is_exempt(ownership, one.owner, one.owned)
        for one in ownership.holdings
    )


def _maybe_public(ownership: Ownership, own: frozenset[str]) -> bool:
    """C-516/19: would it be large if universities and public investment corporations of the group were public?"""
    kinds = (PartyKind.UNIVERSITY, PartyKind.PUBLIC_INVESTMENT_CORPORATION)
    parties = tuple(
        replace(one, kind=PartyKind.PUBLIC_BODY) if one.id in own and one.kind in kinds else one
        for one in ownership.parties
    )
    share, doubtful = public_share(replace(ownership, parties=parties), own)
    return doubtful or share >= QUARTER


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
        above = max(_joint(ownership, group, one) for one in own)
        below = max(_joint(ownership, own, one) for one in group)
        holders = [(one.owner, one.owned) for one in ownership.holdings if one.owner in group and one.owned in own]
        if max(above, below) < QUARTER:
            continue
        if below < QUARTER and all(_is_exempt(ownership, *pair) for pair in holders):
            exempt[group] = above
        else:
            partners[group] = max(above, below)
    return partners, exempt


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
    for party in ownership.parties:
        if party.kind is PartyKind.LOCAL_AUTHORITY and not _is_public(ownership, party.id, own):
            share = max(_joint(ownership, {party.id}, one) for one in own)
            if share >= QUARTER:
                found[party.id] = ("exempt", share)
    return found


# Art 3(4): public bodies, along every path


def public_share(ownership: Ownership, own: frozenset[str]) -> tuple[Fraction, bool]:
    """What public bodies hold of the subject, and whether a chain of quarters makes that doubtful.

    What they control counts as theirs in full; through others every path counts with its percentages multiplied.
    """
    hands = {party.id for party in ownership.parties if _is_public(ownership, party.id, own)}
    bodies = set(hands)
    while True:
        more = {
            party.id
            for party in ownership.parties
            if party.id not in hands and _bears(ownership, party.id, own) and _controls(ownership, hands, party.id)
        }
        if not more:
            break
        hands |= more
    if _has_votes(ownership, hands - {ownership.subject}):
        return Fraction(100), False
    hands.discard(ownership.subject)
    totals = []
    for what in ("capital", "votes"):
        total = Fraction(0)
        for source in hands:
            for path in _paths(ownership, source, own, hands):
                part = Fraction(100)
                for holding in path:
                    part *= Fraction(getattr(holding, what)) / 100
                total += part
        totals.append(total)
    while True:
        # the careful reading of C-516/19: whom they hold a quarter of holds for them too
        more = {
            party.id
            for party in ownership.parties
            if party.id not in bodies
            and _bears(ownership, party.id, own)
            and _joint(ownership, bodies, party.id) >= QUARTER
        }
        if not more:
            break
        bodies |= more
    steered = _controls(ownership, hands, ownership.subject)  # by other grounds, without a quarter of anything
    return max(totals), (steered or ownership.subject in bodies) and max(totals) < QUARTER


def _has_votes(ownership: Ownership, hands: Iterable[str]) -> bool:
    """More than half of the subject's voting rights, by what is held or by agreement: that is a quarter too."""
    grounds = {Control.MAJORITY_OF_VOTES, Control.VOTING_AGREEMENT}
    held = [one for one in ownership.holdings if one.owned == ownership.subject and one.owner in hands]
    return _outvotes(ownership, hands, ownership.subject) or any(one.control & grounds for one in held)


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


def _paths(ownership: Ownership, start: str, own: frozenset[str], seen: Iterable[str]):
    """Every way from one party to the subject through companies that are not in `seen`."""
    for holding in ownership.holdings:
        if holding.owner != start or holding.owned in seen:
            continue
        if holding.owned == ownership.subject:
            yield [holding]
        elif _bears(ownership, holding.owned, own):
            for rest in _paths(ownership, holding.owned, own, {*seen, holding.owned}):
                yield [holding, *rest]


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
