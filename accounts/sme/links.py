"""Who is linked to whom: Article 3(3), in both directions and in any country.

Groups grow until nothing changes: by control of one enterprise over another, by what a group holds together, and by
persons who control enterprises in the same or adjacent markets.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from accounts.sme.codes import Code, node
from accounts.sme.graph import Control, Holding, Market, Node, PartyKind
from accounts.sme.index import Index, total
from accounts.sme.thresholds import Thresholds

GROUNDS: tuple[tuple[Control, Code], ...] = (
    (Control.MAJORITY_OF_VOTES, Code.MAJORITY_OF_VOTES),
    (Control.APPOINTS_BOARD, Code.APPOINTS_BOARD),
    (Control.DOMINANT_INFLUENCE, Code.DOMINANT_INFLUENCE),
    (Control.VOTING_AGREEMENT, Code.VOTING_AGREEMENT),
)


@dataclass(frozen=True)
class Link:
    """Two enterprises and what links them; of an open question, what would."""

    first: str
    second: str
    why: Node


class Groups:
    """The enterprises as groups of linked ones, with every link that made them."""

    def __init__(self, idents: Iterable[str]) -> None:
        self._above = {ident: ident for ident in idents}
        self._members = {ident: [ident] for ident in self._above}
        self.links: list[Link] = []
        self.open: list[Link] = []

    def of(self, ident: str) -> str:
        """The name of the group: equal for the linked."""
        above = self._above
        while above[ident] != ident:
            above[ident] = above[above[ident]]
            ident = above[ident]
        return ident

    def members(self, ident: str) -> list[str]:
        return self._members[self.of(ident)]

    def join(self, link: Link) -> list[str]:
        """Makes one group of two. Returns the members of the smaller one, none if they were one already."""
        self.links.append(link)
        large, small = self.of(link.first), self.of(link.second)
        if large == small:
            return []
        if len(self._members[large]) < len(self._members[small]):
            large, small = small, large
        moved = self._members.pop(small)
        self._above[small] = large
        self._members[large].extend(moved)
        return moved


def linked_groups(index: Index, numbers: Thresholds, *, wide: bool = False) -> Groups:
    """The groups of linked enterprises. `wide` also links what is open, to see whether it would matter."""
    groups = Groups(ident for ident in index.parties if ident in index.enterprises)
    for one in index.holdings:
        ground = control(one, numbers)
        if ground and one.owner in index.enterprises and one.owned in index.enterprises:
            groups.join(Link(one.owner, one.owned, _holding_node(index, ground, one)))
    _tie_by_persons(index, numbers, groups, wide)
    check = deque(ident for ident in groups._above if len(index.into[ident]) > 1)
    while True:
        _settle(index, numbers, groups, check)
        check = deque(_act_jointly(index, numbers, groups, wide))
        if not check:
            return groups


def control(holding: Holding, numbers: Thresholds) -> Code | None:
    """The first ground of Art 3(3) that one holding meets."""
    if holding.votes > numbers.majority_of_votes:
        return Code.MAJORITY_OF_VOTES
    return next((code for ground, code in GROUNDS if ground in holding.control), None)


def controlled_by(index: Index, holders: frozenset[str], numbers: Thresholds) -> list[str]:
    """The enterprises that persons acting together control, directly or through others that they control."""
    found: dict[str, None] = {}
    votes: dict[str, Decimal] = {}
    todo = index.sorted(holders)
    while todo:
        for one in index.out_of[todo.pop()]:
            if one.owned in found or one.owned not in index.enterprises:
                continue
            votes[one.owned] = votes.get(one.owned, Decimal(0)) + one.votes
            if one.control or votes[one.owned] > numbers.majority_of_votes:
                found[one.owned] = None
                todo.append(one.owned)
    return index.sorted(found)


def person_groups(index: Index) -> list[frozenset[str]]:
    """Every person alone, and the persons who act together."""
    alone = [frozenset({ident}) for ident in index.parties if index.kind(ident) is PartyKind.PERSON]
    together = [
        frozenset(one for one in group if index.kind(one) is PartyKind.PERSON) for group in index.acting_together
    ]
    return alone + [group for group in together if len(group) > 1 and group not in alone]


def market_questions(index: Index, numbers: Thresholds) -> list[tuple[str, str]]:
    """Pairs of enterprises that persons tie together and whose markets are not stated, the subject's group first."""
    groups = linked_groups(index, numbers)
    asked: dict[tuple[str, str], None] = {}
    for persons in person_groups(index):
        tied = controlled_by(index, persons, numbers)
        for first in tied:
            for second in tied:
                is_new = index.order[first] < index.order[second] and groups.of(first) != groups.of(second)
                if is_new and index.market(first, second) is Market.UNKNOWN:
                    asked[first, second] = None
    home = groups.of(index.subject)
    return sorted(asked, key=lambda pair: home not in (groups.of(pair[0]), groups.of(pair[1])))


def _tie_by_persons(index: Index, numbers: Thresholds, groups: Groups, wide: bool) -> None:
    unrelated: dict[str, set[str]] = {}
    for (first, second), market in index.markets.items():
        if market is Market.UNRELATED:
            unrelated.setdefault(first, set()).add(second)
    tied_by = [(persons, controlled_by(index, persons, numbers)) for persons in person_groups(index)]
    tied_by = [(persons, tied) for persons, tied in tied_by if len(tied) > 1]
    ties: dict[str, list[int]] = {}
    for at, (_persons, tied) in enumerate(tied_by):
        for ident in tied:
            ties.setdefault(ident, []).append(at)
    for (first, second), market in index.markets.items():
        if market in (Market.SAME, Market.ADJACENT) and index.order[first] < index.order[second]:
            common = sorted(set(ties.get(first, ())) & set(ties.get(second, ())))
            if common:
                groups.join(Link(first, second, _persons_node(index, tied_by[common[0]][0], first, second, market)))
    for persons, tied in tied_by:
        for first, second in _not_excluded(index, tied, unrelated):
            if groups.of(first) != groups.of(second):
                why = node(
                    Code.MARKET_UNKNOWN,
                    {
                        "first": index.name(first),
                        "second": index.name(second),
                        "parties": [first, second],
                        "persons": index.names(persons),
                    },
                )
                groups.open.append(Link(first, second, why))
    if wide:
        for link in groups.open:
            groups.join(link)


def _not_excluded(index: Index, tied: list[str], unrelated: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Enough pairs, of those not known to be unrelated, to connect all that they connect; the subject's come first."""
    left = dict.fromkeys(sorted(tied, key=lambda ident: ident != index.subject))
    pairs = []
    while left:
        todo = [next(iter(left))]
        del left[todo[0]]
        while todo:
            first = todo.pop(0)
            apart = unrelated.get(first, set())
            for second in [ident for ident in left if ident not in apart]:
                del left[second]
                todo.append(second)
                pairs.append((first, second))
    return pairs


def _settle(index: Index, numbers: Thresholds, groups: Groups, check: deque[str]) -> None:
    """Links what a group holds more than half of the votes in, until no group grows."""
    while check:
        owned = check.popleft()
        votes: dict[str, Decimal] = {}
        for one in index.into[owned]:
            if one.owner in index.enterprises:
                group = groups.of(one.owner)
                votes[group] = votes.get(group, Decimal(0)) + one.votes
        home = groups.of(owned)
        for group, sum_of_votes in votes.items():
            if group == home or sum_of_votes <= numbers.majority_of_votes:
                continue
            holders = [
                one.owner
                for one in index.into[owned]
                if one.votes and one.owner in index.enterprises and groups.of(one.owner) == group
            ]
            values = {"owners": index.names(holders), "owned": index.name(owned), "votes": str(sum_of_votes)}
            for holder in holders:
                for ident in groups.join(Link(holder, owned, node(Code.JOINT_MAJORITY, values))):
                    check.extend(one.owned for one in index.out_of[ident] if one.owned in index.enterprises)


def _act_jointly(index: Index, numbers: Thresholds, groups: Groups, wide: bool) -> list[str]:
    """Investors that act jointly (Art 3(2) sub 2: "individually or jointly"). Returns what to look at again."""
    again: list[str] = []
    for together in index.acting_together:
        members = [ident for ident in index.sorted(together) if ident in index.enterprises]
        for owned in dict.fromkeys(one.owned for ident in members for one in index.out_of[ident]):
            if owned not in index.enterprises or owned in together:
                continue
            held = [one for one in index.into[owned] if one.owner in together and (one.share or one.control)]
            joint = _joint_control(index, groups, numbers, owned, held)
            if joint is None:
                continue
            links = [Link(one.owner, owned, joint) for one in held if one.owner in index.enterprises]
            if joint.code == Code.ACTING_TOGETHER_UNCLEAR and not wide:
                groups.open.extend(link for link in links if link not in groups.open)
                continue
            for link in links:
                if groups.of(link.first) != groups.of(link.second):
                    again.extend(one.owned for ident in groups.join(link) for one in index.out_of[ident])
    return [ident for ident in again if ident in index.enterprises]


def _joint_control(index: Index, groups: Groups, numbers: Thresholds, owned: str, held: list[Holding]) -> Node | None:
    """What those who act jointly make of it together; decided only where all are exempt investors."""
    owners = {one.owner for one in held}
    votes = total(held)[1]
    if len(owners) < 2 or not (votes > numbers.majority_of_votes or any(one.control for one in held)):
        return None
    values = {"owners": index.names(owners), "owned": index.name(owned), "votes": str(votes)}
    if all(index.is_exempt_kind(ident) for ident in owners):
        return node(Code.ACTING_JOINTLY, values)
    home = groups.of(owned)
    if any(ident in index.enterprises and groups.of(ident) == home for ident in owners):
        # One of them controls it already; the others then hold beside it, as partners do.
        return None
    return node(Code.ACTING_TOGETHER_UNCLEAR, values)


def _holding_node(index: Index, ground: Code, one: Holding) -> Node:
    return node(
        ground,
        {
            "owner": index.name(one.owner),
            "owned": index.name(one.owned),
            "votes": str(one.votes),
            "capital": str(one.capital),
        },
    )


def _persons_node(index: Index, persons: frozenset[str], first: str, second: str, market: Market) -> Node:
    return node(
        Code.THROUGH_PERSONS,
        {
            "first": index.name(first),
            "second": index.name(second),
            "persons": index.names(persons),
            "market": market.value,
        },
    )
