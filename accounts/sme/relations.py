"""How every party stands to the enterprise: linked, partner, exempt, public or none (Article 3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from accounts.sme.codes import Code, node
from accounts.sme.graph import Holding, Node, Ownership, PartyKind
from accounts.sme.index import Index, joint_share
from accounts.sme.links import Groups, Link, linked_groups
from accounts.sme.public import PublicShare, authority_state, public_share, would_be_public
from accounts.sme.thresholds import Thresholds

MAY_BE_PUBLIC_KINDS = frozenset({PartyKind.UNIVERSITY, PartyKind.PUBLIC_INVESTMENT_CORPORATION})


class RelationKind(StrEnum):
    SELF = "self"
    LINKED = "linked"
    PARTNER = "partner"
    EXEMPT = "exempt"
    PUBLIC = "public"
    NONE = "none"


@dataclass(frozen=True)
class Relation:
    """share: per cent, the one that counts; None where nothing is held directly."""

    party: str
    kind: RelationKind
    share: Decimal | None
    why: Node


@dataclass(frozen=True)
class Partnership:
    """A group of linked enterprises of which one or more are partners; it counts once, at `share` per cent."""

    members: tuple[str, ...]
    share: Decimal
    why: Node


@dataclass(frozen=True)
class Standing:
    """Everything Article 3 says about one enterprise on one day."""

    linked: tuple[str, ...]
    partners: tuple[Partnership, ...]
    relations: tuple[Relation, ...]
    public: PublicShare
    is_public: bool
    findings: tuple[Node, ...]

    @property
    def counted(self) -> tuple[object, ...]:
        """What decides the figures: equal for two days on which ownership makes no difference."""
        return self.linked, tuple((one.members, one.share) for one in self.partners), self.is_public


def stand(ownership: Ownership, day: date, numbers: Thresholds) -> Standing:
    """The relations of all parties on a day, and what was found on the way."""
    index = Index(ownership, day)
    groups = linked_groups(index, numbers)
    circle = _Circle(index, groups, numbers)
    public = public_share(index, groups, numbers)
    is_public = public.share >= numbers.public_share
    findings = [*circle.findings, *public.findings]
    if is_public:
        findings.append(node(Code.PUBLIC_CONTROL, {"share": str(public.share)}, *public.holders))
    elif circle.may_be_public and would_be_public(index, groups, numbers, frozenset(circle.may_be_public)):
        findings += [node(Code.MAY_BE_PUBLIC, values) for values in circle.may_be_public.values()]
    findings += _open_questions(index, groups, circle, numbers)
    if ownership.dispersed:
        findings.append(_dispersed(index, groups, numbers))
    if not (is_public or circle.partners or len(circle.linked) > 1):
        findings.insert(0, node(Code.AUTONOMOUS))
    return Standing(
        linked=circle.linked,
        partners=circle.partners,
        relations=_relations(index, circle, public, numbers),
        public=public,
        is_public=is_public,
        findings=tuple(findings),
    )


class _Circle:
    """The linked group of the subject and the groups that are its partners."""

    def __init__(self, index: Index, groups: Groups, numbers: Thresholds) -> None:
        self.index, self.groups, self.numbers = index, groups, numbers
        self.linked = tuple(index.sorted(groups.members(index.subject)))
        self.home = set(self.linked)
        self.findings: list[Node] = []
        self.exempt: dict[str, tuple[Decimal, Node]] = {}
        self.may_be_public: dict[str, dict[str, str]] = {}
        self.near: dict[str, Decimal] = {}
        self.direct: dict[str, tuple[Decimal, Node]] = {}
        self.partners = tuple(self._partnerships())
        self._fallen()
        self._authorities()
        if len(self.linked) > 1:
            names = index.names(self.home - {index.subject})
            self.findings.append(node(Code.HAS_LINKED, {"count": len(names), "names": names}))
        if self.partners:
            names = index.names(self.direct)
            self.findings.append(node(Code.HAS_PARTNERS, {"count": len(names), "names": names}))

    def _partnerships(self) -> Iterable[Partnership]:
        up: dict[str, dict[str, list[Holding]]] = {}
        down: dict[str, dict[str, list[Holding]]] = {}
        for ident in self.linked:
            for one in self.index.into[ident]:
                if one.owner in self.index.enterprises and one.owner not in self.home:
                    up.setdefault(self.groups.of(one.owner), {}).setdefault(ident, []).append(one)
            for one in self.index.out_of[ident]:
                if one.owned in self.index.enterprises and one.owned not in self.home:
                    down.setdefault(self.groups.of(one.owned), {}).setdefault(one.owned, []).append(one)
        for group in dict.fromkeys([*up, *down]):
            found = [
                *(self._upstream(held) for held in up.get(group, {}).values()),
                *(self._downstream(held) for held in down.get(group, {}).values()),
            ]
            counted = [one for one in found if one is not None]
            if counted:
                share, why = max(counted, key=lambda one: one[0])
                # Of holdings in both directions the greater counts, be it an exempt investor's (Art 6(2) sub 2).
                exempt = [self.exempt[ident][0] for ident in self.groups.members(group) if ident in self.exempt]
                share = max([share, *exempt])
                yield Partnership(tuple(self.index.sorted(self.groups.members(group))), share, why)

    def _upstream(self, held: list[Holding]) -> tuple[Decimal, Node] | None:
        """What one group holds in one enterprise of the subject's group."""
        share = joint_share(held)
        for one in held:
            self._note(one.owner, one.share)
        if share < self.numbers.partner_share:
            return None
        open_questions: list[Node] = []
        exempt = [self._exempt(one, share, open_questions) for one in held if one.share]
        if all(exempt):
            for question in open_questions:
                self._find(question)
            return None
        why = node(Code.PARTNER_UPSTREAM, self._values(held, share))
        for one in held:
            if one.share:
                self._direct(one.owner, share, why)
        return share, why

    def _downstream(self, held: list[Holding]) -> tuple[Decimal, Node] | None:
        """What the subject's group holds in one enterprise outside it."""
        share = joint_share(held)
        self._note(held[0].owned, share)
        if share < self.numbers.partner_share:
            return None
        why = node(Code.PARTNER_DOWNSTREAM, self._values(held, share))
        self._direct(held[0].owned, share, why)
        return share, why

    def _exempt(self, one: Holding, share: Decimal, open_questions: list[Node]) -> bool:
        """Whether Art 3(2) sub 2 lets the enterprise disregard this investor, and what a person must look at."""
        index = self.index
        if not index.is_exempt_kind(one.owner):
            return False
        values = {"party": one.owner, "name": index.name(one.owner), "share": str(share)}
        if index.kind(one.owner) is PartyKind.BUSINESS_ANGEL:
            angels = [other for other in index.into[one.owned] if index.kind(other.owner) is PartyKind.BUSINESS_ANGEL]
            total = sum((other.invested_eur for other in angels if other.invested_eur is not None), Decimal(0))
            if total >= self.numbers.angels_total_eur:
                self._find(node(Code.ANGELS_ABOVE_LIMIT, {**values, "total_eur": str(total)}))
                return False
            if any(other.invested_eur is None for other in angels):
                open_questions.append(node(Code.ANGELS_UNKNOWN, values))
        if any(other.in_management for other in index.into[one.owned] if other.owner == one.owner):
            open_questions.append(node(Code.IN_MANAGEMENT, values))
        if one.owner not in self.exempt or self.exempt[one.owner][0] < share:
            why = node(Code.EXEMPT_INVESTOR, {**values, "kind": index.kind(one.owner).value})
            self.exempt[one.owner] = share, why
        return True

    def _fallen(self) -> None:
        """Exempt investors that are linked: they count in full, and some may be public bodies."""
        for ident in self.linked:
            held = [one for one in self.index.out_of[ident] if one.owned in self.home and one.share]
            if not self.index.is_exempt_kind(ident) or not held:
                continue
            values = {"party": ident, "name": self.index.name(ident), "share": str(joint_share(held[:1]))}
            self._find(node(Code.EXEMPTION_FALLEN, values))
            if self.index.kind(ident) in MAY_BE_PUBLIC_KINDS:
                self.may_be_public[ident] = values

    def _authorities(self) -> None:
        """Small local authorities that take part in management: they have lost the presumption as well."""
        for ident in self.linked:
            for one in self.index.into[ident]:
                party = self.index.parties[one.owner]
                is_small = party.kind is PartyKind.LOCAL_AUTHORITY and authority_state(party, self.numbers) == "within"
                if is_small and one.in_management and one.share >= self.numbers.partner_share:
                    values = {"party": party.id, "name": self.index.name(party.id), "share": str(one.share)}
                    self._find(node(Code.IN_MANAGEMENT, values))

    def _find(self, finding: Node) -> None:
        if finding not in self.findings:
            self.findings.append(finding)

    def _note(self, ident: str, share: Decimal) -> None:
        self.near[ident] = max(share, self.near.get(ident, Decimal(0)))

    def _direct(self, ident: str, share: Decimal, why: Node) -> None:
        if ident not in self.direct or self.direct[ident][0] < share:
            self.direct[ident] = share, why

    def _values(self, held: list[Holding], share: Decimal) -> dict[str, object]:
        return {
            "owners": self.index.names({one.owner for one in held}),
            "owned": self.index.name(held[0].owned),
            "share": str(share),
        }


def _open_questions(index: Index, groups: Groups, circle: _Circle, numbers: Thresholds) -> list[Node]:
    """What no rule decides, where deciding it would change who is linked or a partner."""
    if not groups.open:
        return []
    wide_groups = linked_groups(index, numbers, wide=True)
    wide = _Circle(index, wide_groups, numbers)
    if (wide.linked, _shares(wide)) == (circle.linked, _shares(circle)):
        return []
    touched = set(wide.linked) | {ident for one in wide.partners for ident in one.members}
    return [one.why for one in groups.open if one.first in touched or one.second in touched]


def _shares(circle: _Circle) -> list[tuple[tuple[str, ...], Decimal]]:
    return [(one.members, one.share) for one in circle.partners]


def _dispersed(index: Index, groups: Groups, numbers: Thresholds) -> Node:
    """Art 3(5): nobody knows a holder of 25 %. Not in good faith beside one that is stated."""
    held: dict[str, list[Holding]] = {}
    for one in index.into[index.subject]:
        if one.owner in index.enterprises and not index.is_exempt_kind(one.owner):
            held.setdefault(groups.of(one.owner), []).append(one)
    for holdings in held.values():
        share = joint_share(holdings)
        if share >= numbers.partner_share:
            names = index.names({one.owner for one in holdings})
            return node(Code.DISPERSED_CONTRADICTED, {"owners": names, "share": str(share)})
    return node(Code.DISPERSED)


def _relations(index: Index, circle: _Circle, public: PublicShare, numbers: Thresholds) -> tuple[Relation, ...]:
    reached = _reached(index, circle)
    partner_of = {ident: one for one in circle.partners for ident in one.members}
    holders = {str(one.values["party"]): one for one in public.holders}
    relations = []
    for ident in index.parties:
        if ident == index.subject:
            relation = Relation(ident, RelationKind.SELF, None, node(Code.SELF))
        elif ident in circle.home:
            share = _held_with(index, ident, {index.subject})
            share = _held_with(index, ident, circle.home) if share is None else share
            relation = Relation(ident, RelationKind.LINKED, share, reached[ident])
        elif ident in circle.direct:
            relation = Relation(ident, RelationKind.PARTNER, partner_of[ident].share, circle.direct[ident][1])
        elif ident in partner_of:
            one = partner_of[ident]
            why = node(Code.LINKED_TO_PARTNER, {"share": str(one.share)}, one.why)
            relation = Relation(ident, RelationKind.PARTNER, one.share, why)
        elif ident in holders:
            why = holders[ident]
            relation = Relation(ident, RelationKind.PUBLIC, Decimal(why.values["share"]), why)
        elif ident in circle.exempt:
            relation = Relation(ident, RelationKind.EXEMPT, *circle.exempt[ident])
        else:
            relation = _other(index, ident, circle, numbers)
        relations.append(relation)
    return tuple(relations)


def _other(index: Index, ident: str, circle: _Circle, numbers: Thresholds) -> Relation:
    """Persons, local authorities, other public bodies, and enterprises that do not count."""
    share = _held_with(index, ident, circle.home)
    if index.kind(ident) is PartyKind.PERSON:
        return Relation(ident, RelationKind.NONE, share, node(Code.NATURAL_PERSON))
    if index.kind(ident) is PartyKind.PUBLIC_BODY:
        return Relation(ident, RelationKind.PUBLIC, share, node(Code.NOT_COUNTED))
    if index.kind(ident) is PartyKind.LOCAL_AUTHORITY and share is not None and share >= numbers.partner_share:
        values = {"party": ident, "name": index.name(ident), "share": str(share), "kind": index.kind(ident).value}
        return Relation(ident, RelationKind.EXEMPT, share, node(Code.EXEMPT_INVESTOR, values))
    if ident in circle.near:
        values = {"share": str(circle.near[ident]), "limit": str(numbers.partner_share)}
        return Relation(ident, RelationKind.NONE, circle.near[ident], node(Code.BELOW_PARTNER_SHARE, values))
    return Relation(ident, RelationKind.NONE, share, node(Code.NOT_COUNTED))


def _held_with(index: Index, ident: str, others: set[str]) -> Decimal | None:
    """The greatest single holding between a party and a group, in either direction."""
    shares = [one.share for one in index.out_of[ident] if one.owned in others]
    shares += [one.share for one in index.into[ident] if one.owner in others]
    return max(shares, default=None)


def _reached(index: Index, circle: _Circle) -> dict[str, Node]:
    """For each linked party the link over which it is reached from the subject, nearest first."""
    links: dict[str, list[Link]] = {}
    for link in circle.groups.links:
        links.setdefault(link.first, []).append(link)
        links.setdefault(link.second, []).append(link)
    reached: dict[str, Node] = {index.subject: node(Code.SELF)}
    todo = [index.subject]
    for ident in todo:
        for link in links.get(ident, ()):
            other = link.second if link.first == ident else link.first
            if other not in reached:
                reached[other] = link.why
                todo.append(other)
    return reached
