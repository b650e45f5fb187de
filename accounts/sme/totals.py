"""The figures of one closing: own, linked in full, partners pro rata, nothing twice (Article 6)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.sme.codes import Code, node
from accounts.sme.graph import Basis, Figures, Node, Party
from accounts.sme.periods import period_for
from accounts.sme.relations import Partnership, Standing
from accounts.sme.thresholds import Thresholds

FULL = Decimal(100)


@dataclass(frozen=True)
class Closing:
    """A closing of the enterprise for which figures are put together."""

    day: date
    basis: Basis
    own: Figures | None
    is_latest: bool


@dataclass(frozen=True)
class Total:
    """figures is None when a party lacks its own; `parts` show what every number was made from."""

    figures: Figures | None
    parts: tuple[Node, ...]
    missing: tuple[str, ...]
    estimated: tuple[str, ...]


class Containment:
    """Whose accounts contain whose, through any number of steps."""

    def __init__(self, parties: Mapping[str, Party]) -> None:
        self.parties = parties
        self.order = {ident: at for at, ident in enumerate(parties)}
        self.consolidating = [ident for ident, party in parties.items() if party.consolidates]
        self._known: dict[str, frozenset[str]] = {}

    def within(self, ident: str) -> frozenset[str]:
        """Everything contained in one party's accounts, itself left out."""
        if ident not in self._known:
            found: set[str] = set()
            todo = list(self.parties[ident].consolidates)
            while todo:
                one = todo.pop()
                if one not in found:
                    found.add(one)
                    todo.extend(self.parties[one].consolidates)
            self._known[ident] = frozenset(found - {ident})
        return self._known[ident]

    def by(self, ident: str, group: Collection[str]) -> str | None:
        """The member of the group whose accounts contain this one; of two that contain each other the first counts."""
        for other in self.consolidating:
            if other == ident or other not in group or ident not in self.within(other):
                continue
            if other not in self.within(ident) or self.order[other] < self.order[ident]:
                return other
        return None


def total_of(
    closing: Closing,
    standing: Standing,
    containment: Containment,
    numbers: Thresholds,
    *,
    subject: str,
    on: date,
) -> Total:
    """All figures that count for a closing, summed, with the part of each party."""
    return _Sum(closing, standing, containment, numbers, subject, on).done()


class _Sum:
    def __init__(
        self,
        closing: Closing,
        standing: Standing,
        containment: Containment,
        numbers: Thresholds,
        subject: str,
        on: date,
    ) -> None:
        self.closing, self.standing, self.containment = closing, standing, containment
        self.numbers, self.subject, self.on = numbers, subject, on
        self.awu = self.turnover = self.balance = Decimal(0)
        self.missing: list[str] = []
        self.estimated: list[str] = []

    def done(self) -> Total:
        within = self.containment.within
        linked = sorted(self.standing.linked, key=lambda ident: ident != self.subject)
        group = frozenset(linked)
        containers = {ident: self.containment.by(ident, group) for ident in linked}
        covered = {one for ident, by in containers.items() if by is None for one in within(ident)}
        parts = [self._whole(ident, by) for ident, by in containers.items()]
        parts += [self._partner(one, covered) for one in self.standing.partners]
        figures = None
        if not self.missing:
            day, basis = self.closing.day, self.closing.basis
            figures = Figures(day, self.awu, self.turnover, self.balance, basis)
        return Total(figures, tuple(parts), tuple(self.missing), tuple(self.estimated))

    def _whole(self, ident: str, container: str | None) -> Node:
        if container is not None:
            return self._contained(ident, container)
        code = Code.OWN if ident == self.subject else Code.LINKED
        return node(code, self._add(ident, FULL))

    def _partner(self, one: Partnership, covered: set[str]) -> Node:
        """A partner and what is linked to it, each at the share, as far as no accounts contain it already."""
        parts = []
        before = self.awu, self.turnover, self.balance
        group = frozenset(one.members)
        for ident in one.members:
            container = self.containment.by(ident, group)
            if ident in covered:
                parts.append(self._contained(ident, ""))
            elif container is not None:
                parts.append(self._contained(ident, container))
            else:
                parts.append(node(Code.IN_PARTNER, self._add(ident, one.share)))
        values = {
            "names": [self._name(ident) for ident in one.members],
            "share": str(one.share),
            "awu": str(self.awu - before[0]),
            "turnover_eur": str(self.turnover - before[1]),
            "balance_sheet_eur": str(self.balance - before[2]),
        }
        return node(Code.PARTNER, values, *parts)

    def _add(self, ident: str, share: Decimal) -> dict[str, str]:
        """Adds a party's part and says what it is; without figures it is noted as missing."""
        values = {"party": ident, "name": self._name(ident), "share": str(share)}
        figures = self._figures(ident)
        if figures is None:
            self.missing.append(ident)
            return {**values, "missing": "yes"}
        if figures.basis is Basis.ESTIMATE:
            self.estimated.append(ident)
        awu, turnover, balance = (
            figures.awu * share / FULL,
            figures.turnover_eur * share / FULL,
            figures.balance_sheet_eur * share / FULL,
        )
        self.awu += awu
        self.turnover += turnover
        self.balance += balance
        return {
            **values,
            "period_end": figures.period_end.isoformat(),
            "basis": figures.basis.value,
            "awu": str(awu),
            "turnover_eur": str(turnover),
            "balance_sheet_eur": str(balance),
            "whole_awu": str(figures.awu),
            "whole_turnover_eur": str(figures.turnover_eur),
            "whole_balance_sheet_eur": str(figures.balance_sheet_eur),
        }

    def _figures(self, ident: str) -> Figures | None:
        if ident == self.subject:
            return self.closing.own
        party = self.containment.parties[ident]
        return period_for(
            party,
            self.closing.day,
            self.numbers,
            on=self.on,
            basis=self.closing.basis,
            latest=self.closing.is_latest,
        )

    def _contained(self, ident: str, container: str) -> Node:
        by = self._name(container) if container else ""
        return node(Code.CONTAINED, {"party": ident, "name": self._name(ident), "by": by})

    def _name(self, ident: str) -> str:
        return self.containment.parties[ident].name or ident
