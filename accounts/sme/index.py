"""An ownership graph as it stands on one day, ready to be asked."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from accounts.sme.graph import EXEMPT_KINDS, Holding, Market, Ownership, Party, PartyKind

NOT_ENTERPRISES = frozenset({PartyKind.PERSON, PartyKind.PUBLIC_BODY, PartyKind.LOCAL_AUTHORITY})


class Index:
    """Parties and holdings by identifier. Lists keep the order of what was stated, so that every answer does too."""

    def __init__(self, ownership: Ownership, day: date) -> None:
        self.subject = ownership.subject
        self.parties: dict[str, Party] = {party.id: party for party in ownership.parties}
        self.order = {ident: at for at, ident in enumerate(self.parties)}
        self.enterprises = {
            ident for ident, party in self.parties.items() if party.kind not in NOT_ENTERPRISES or ident == self.subject
        }
        self.holdings = [one for one in ownership.holdings if one.stands_on(day)]
        self.into: dict[str, list[Holding]] = {ident: [] for ident in self.parties}
        self.out_of: dict[str, list[Holding]] = {ident: [] for ident in self.parties}
        for one in self.holdings:
            self.into[one.owned].append(one)
            self.out_of[one.owner].append(one)
        self.acting_together = ownership.acting_together
        self.markets: dict[tuple[str, str], Market] = {}
        for relation in ownership.markets:
            self.markets[relation.first, relation.second] = relation.relation
            self.markets[relation.second, relation.first] = relation.relation

    def kind(self, ident: str) -> PartyKind:
        return self.parties[ident].kind

    def is_exempt_kind(self, ident: str) -> bool:
        return self.kind(ident) in EXEMPT_KINDS and ident != self.subject

    def name(self, ident: str) -> str:
        return self.parties[ident].name or ident

    def names(self, idents: Iterable[str]) -> list[str]:
        return [self.name(ident) for ident in self.sorted(idents)]

    def sorted(self, idents: Iterable[str]) -> list[str]:
        return sorted(idents, key=self.order.__getitem__)

    def market(self, first: str, second: str) -> Market:
        return self.markets.get((first, second), Market.UNKNOWN)


def total(holdings: Iterable[Holding]) -> tuple[Decimal, Decimal]:
    """Capital and votes, summed apart."""
    capital, votes = Decimal(0), Decimal(0)
    for one in holdings:
        capital += one.capital
        votes += one.votes
    return capital, votes


def joint_share(holdings: Iterable[Holding]) -> Decimal:
    """The greater of the capital and the votes that several holdings make together."""
    return max(total(holdings))
