"""What public bodies hold, directly or indirectly, individually or jointly: Article 3(4) and CJEU C-516/19.

Through an owner that public bodies control its whole holding counts, through another owner their part of it. Exempt
investors that are not linked to the enterprise do not count, nor does what public bodies hold in them. A majority of
the votes by agreement is half of the votes at least; other control without a quarter goes to a person.
"""

from dataclasses import dataclass
from decimal import Decimal

from accounts.sme.codes import Code, node
from accounts.sme.graph import Control, Holding, Node, Party, PartyKind
from accounts.sme.index import Index, total
from accounts.sme.links import Groups, control
from accounts.sme.thresholds import Thresholds

ALL = Decimal(100)
NONE = Decimal(0)
BY_VOTES = frozenset({Control.MAJORITY_OF_VOTES, Control.VOTING_AGREEMENT})
# A ring of holdings approaches its sum from below; what is left out by then shows in no figure.
ROUNDS = 100
CLOSE = Decimal("1e-15")


@dataclass(frozen=True)
class PublicShare:
    """share: of the capital or the votes, whichever is greater. holders: the owners through which it is held."""

    share: Decimal
    holders: tuple[Node, ...]
    findings: tuple[Node, ...]


def public_share(index: Index, groups: Groups, numbers: Thresholds) -> PublicShare:
    certain = _Weights(index, groups, numbers)
    if not certain.sources:
        return PublicShare(NONE, (), ())
    share = certain.share()
    findings = [node(Code.AUTHORITY_ABOVE_LIMIT, values) for values in certain.above_limits()]
    if share >= numbers.public_share:
        return PublicShare(share, certain.holders(), tuple(findings))
    unknown = certain.unknown()
    if unknown and _Weights(index, groups, numbers, unknown_counts=True).share() >= numbers.public_share:
        findings += [node(Code.AUTHORITY_UNKNOWN, values) for values in unknown]
    by_quarters = _Weights(index, groups, numbers, full_at=numbers.public_share).share()
    if by_quarters >= numbers.public_share:
        findings.append(node(Code.PUBLIC_UNCLEAR, {"pro_rata": str(share), "through": str(by_quarters)}))
    findings += [node(Code.PUBLIC_INFLUENCE, values) for values in certain.influences()]
    return PublicShare(share, certain.holders(), tuple(findings))


def would_be_public(index: Index, groups: Groups, numbers: Thresholds, idents: frozenset[str]) -> bool:
    """Whether Art 3(4) would hold, or would have to be asked, if these parties were public bodies."""
    weights = _Weights(index, groups, numbers, as_public=idents)
    return weights.share() >= numbers.public_share or bool(weights.influences())


def authority_state(party: Party, numbers: Thresholds) -> str:
    """Of a local authority: "within" both limits of Art 3(2)(d), "above" one of them, or "unknown"."""
    limits = ((party.budget_eur, numbers.authority_budget_eur), (party.inhabitants, numbers.authority_inhabitants))
    if any(value is not None and value >= limit for value, limit in limits):
        return "above"
    return "unknown" if any(value is None for value, _limit in limits) else "within"


Weighed = tuple[Holding, Decimal]


def _part(held: list[Weighed]) -> tuple[Decimal, Decimal]:
    """What several holdings make together, each as far as it is public: capital and votes, in per cent."""
    capital, votes = NONE, NONE
    for one, weight in held:
        if weight == ALL:
            capital += one.capital
            votes += one.votes
        elif weight != NONE:
            capital += one.capital * weight / 100
            votes += one.votes * weight / 100
    return min(capital, ALL), min(votes, ALL)


class _Weights:
    """How much of each owner's holdings counts as public, 0 to 100, worked down from public bodies to the subject."""

    def __init__(
        self,
        index: Index,
        groups: Groups,
        numbers: Thresholds,
        *,
        unknown_counts: bool = False,
        full_at: Decimal | None = None,
        as_public: frozenset[str] = frozenset(),
    ) -> None:
        self.index, self.groups, self.numbers = index, groups, numbers
        self.unknown_counts = unknown_counts
        self.as_public = as_public
        self.home = groups.of(index.subject)
        self.upstream = self._upstream()
        self.sources = [one for ident in self.upstream for one in index.into[ident] if self._may_be_public(one)]
        # How far each enterprise above the subject is public, in per cent: the greater of its capital and its votes.
        self.weight: dict[str, Decimal] = {}
        if self.sources:
            self._work(full_at)

    def share(self) -> Decimal:
        share = max(_part([(one, self.weight_of(one)) for one in self.index.into[self.index.subject]]))
        agreed = any(one.control & BY_VOTES for one in self._held_publicly())
        return max(share, self.numbers.majority_of_votes) if agreed else share

    def influences(self) -> list[dict[str, str]]:
        """Who controls the subject for public bodies otherwise than by votes."""
        return [
            {"party": one.owner, "name": self.index.name(one.owner), "share": str(one.share)}
            for one in self._held_publicly()
            if one.control
        ]

    def _held_publicly(self) -> list[Holding]:
        return [one for one in self.index.into[self.index.subject] if self.weight_of(one) == ALL]

    def holders(self) -> tuple[Node, ...]:
        rows = []
        for one in self.index.into[self.index.subject]:
            weight = self.weight_of(one)
            if weight:
                values = {
                    "party": one.owner,
                    "name": self.index.name(one.owner),
                    "share": str(one.share),
                    "weight": str(weight),
                    "counted": str(one.share * weight / 100),
                }
                rows.append(node(Code.PUBLIC_HOLDER, values))
        return tuple(rows)

    def above_limits(self) -> list[dict[str, str]]:
        return self._authorities("above")

    def unknown(self) -> list[dict[str, str]]:
        return self._authorities("unknown")

    def weight_of(self, one: Holding) -> Decimal:
        """The public part of one holding, in per cent."""
        known = self._static(one)
        return self.weight.get(one.owner, NONE) if known is None else known

    def _static(self, one: Holding) -> Decimal | None:
        """What the owner's own nature says; None of an enterprise, which is as public as those above it make it."""
        if one.owner == self.index.subject:
            return NONE
        if self.index.kind(one.owner) is PartyKind.PUBLIC_BODY or one.owner in self.as_public:
            return ALL
        if self.index.kind(one.owner) is PartyKind.LOCAL_AUTHORITY:
            state = authority_state(self.index.parties[one.owner], self.numbers)
            counts = state == "above" or (state == "unknown" and self.unknown_counts) or self._is_linked(one.owner)
            return ALL if counts else NONE
        if one.owner not in self.index.enterprises or self._is_exempt(one):
            return NONE
        return None

    def _work(self, full_at: Decimal | None) -> None:
        stated = {ident: [(one, self._static(one)) for one in self.index.into[ident]] for ident in self.upstream}
        rows = {ident: [row for row in held if row[1] != NONE] for ident, held in stated.items()}
        for _round in range(ROUNDS):
            moved = NONE
            for ident in reversed(self.upstream):
                before = self.weight.get(ident, NONE)
                if ident == self.index.subject or before == ALL:
                    continue
                held = [
                    (one, self.weight.get(one.owner, NONE) if known is None else known) for one, known in rows[ident]
                ]
                after = max(_part(held))
                if self._is_controlled(held) or (full_at is not None and after >= full_at):
                    after = ALL
                self.weight[ident] = after
                moved = max(moved, after - before)
            if moved < CLOSE:
                return

    def _is_controlled(self, held: list[Weighed]) -> bool:
        theirs = [one for one, weight in held if weight == ALL]
        return total(theirs)[1] > self.numbers.majority_of_votes or any(one.control for one in theirs)

    def _upstream(self) -> list[str]:
        """The subject and the enterprises above it, nearest first; exempt investors end the way."""
        found = {self.index.subject: None}
        todo = [self.index.subject]
        for ident in todo:
            for one in self.index.into[ident]:
                if one.owner in self.index.enterprises and one.owner not in found and not self._is_exempt(one):
                    found[one.owner] = None
                    todo.append(one.owner)
        return list(found)

    def _may_be_public(self, one: Holding) -> bool:
        kinds = (PartyKind.PUBLIC_BODY, PartyKind.LOCAL_AUTHORITY)
        is_public = self.index.kind(one.owner) in kinds or one.owner in self.as_public
        return is_public and one.owner != self.index.subject

    def _is_exempt(self, one: Holding) -> bool:
        return self.index.is_exempt_kind(one.owner) and self.groups.of(one.owner) != self.home

    def _is_linked(self, ident: str) -> bool:
        """A local authority, alone or with those it acts with, controls a company of the subject's group."""
        for one in self.index.out_of[ident]:
            if one.owned not in self.index.enterprises or self.groups.of(one.owned) != self.home:
                continue
            if control(one, self.numbers):
                return True
            for together in self.index.acting_together:
                held = [other for other in self.index.into[one.owned] if other.owner in together]
                if ident in together and total(held)[1] > self.numbers.majority_of_votes:
                    return True
        return False

    def _authorities(self, state: str) -> list[dict[str, str]]:
        return [
            {"party": one.owner, "name": self.index.name(one.owner), "share": str(one.share)}
            for one in self.sources
            if self.index.kind(one.owner) is PartyKind.LOCAL_AUTHORITY
            and authority_state(self.index.parties[one.owner], self.numbers) == state
        ]
