"""The size class of an enterprise from what it stated, with every step of the derivation.

Articles are those of the Annex to Recommendation 2003/361/EC. Amounts are EUR (the caller converts), staff is annual
work units (AWU); nothing is rounded before it is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, localcontext
from itertools import combinations

from accounts.sme.ceilings import Ceiling, ceilings_on
from accounts.sme.codes import REVIEW_CODES, Code, node
from accounts.sme.graph import (
    Basis,
    ChangeMode,
    Figures,
    Market,
    MarketRelation,
    Node,
    Ownership,
    Party,
    figures_to_json,
)
from accounts.sme.periods import (
    Judged,
    Size,
    is_within,
    missing_between,
    possible_sizes,
    size_of_one_period,
    two_periods,
    usable,
)
from accounts.sme.relations import Relation, Standing, stand
from accounts.sme.thresholds import Thresholds, thresholds_on
from accounts.sme.totals import Closing, Containment, Total, total_of

__all__ = [
    "RULE_VERSION",
    "Basis",
    "ChangeMode",
    "Classification",
    "Figures",
    "Size",
    "classify",
    "is_within",
    "of_one_firm",
    "size_of_one_period",
]

RULE_VERSION = "sme/2"
# The caller's settings must not change a single digit of what was once derived.
ARITHMETIC = Context(prec=34, rounding=ROUND_HALF_EVEN)
REVIEWED = frozenset(code.value for code in REVIEW_CODES)


@dataclass(frozen=True)
class Classification:
    """The answer and how it was found.

    figures    what counted for the latest closing, all parties together; None when figures were missing
    closings   the same for every closing that could be used, oldest first
    relations  how each party stands to the enterprise
    reasons    what decided, the points that a person must look at last
    tree       the whole derivation for a page
    """

    size: Size
    basis: Basis | None
    rule_version: str
    tree: Node
    reasons: tuple[Node, ...]
    figures: Figures | None
    closings: tuple[Figures, ...]
    relations: tuple[Relation, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.reasons)

    @property
    def open_points(self) -> tuple[Node, ...]:
        """What a person must decide; empty unless the size is REVIEW."""
        return tuple(one for one in self.reasons if one.code in REVIEWED) if self.size is Size.REVIEW else ()

    @property
    def is_sme(self) -> bool:
        return self.size in (Size.MICRO, Size.SMALL, Size.MEDIUM)


def classify(ownership: Ownership, on: date, mode: ChangeMode = ChangeMode.REVIEW) -> Classification:
    """The size class on a day. REVIEW, never a guess, where the law is open or something is missing."""
    with localcontext(ARITHMETIC):
        return _Derivation(ownership, on, mode).result()


def of_one_firm(periods: Sequence[Figures], ident: str = "self", name: str = "") -> Ownership:
    """An autonomous firm: nobody owns 25 % of it and it owns 25 % of nobody."""
    return Ownership(subject=ident, parties=(Party(ident, name=name, periods=tuple(periods)),))


@dataclass(frozen=True)
class _Row:
    closing: Closing
    total: Total


class _Derivation:
    """One classification being derived: relations, the figures of each closing, the two-period rule."""

    def __init__(self, ownership: Ownership, on: date, mode: ChangeMode) -> None:
        self.ownership, self.on, self.mode = ownership, on, mode
        self.numbers: Thresholds = thresholds_on(on)
        self.ceilings: tuple[Ceiling, ...] = ceilings_on(on).ceilings
        self.parties = {party.id: party for party in ownership.parties}
        self.containment = Containment(self.parties)
        self.standing: Standing = stand(ownership, on, self.numbers)
        self.reasons: list[Node] = list(self.standing.findings)
        self.basis: Basis | None = None

    def result(self) -> Classification:
        if self.ownership.incomplete:
            return self._answer(Size.REVIEW, (), (), node(Code.INCOMPLETE))
        closings = self._closings()
        if not closings:
            return self._public_or_review((), (), node(Code.NO_FIGURES, self._named(self.ownership.subject)))
        latest = closings[-1]
        self.basis = latest.basis
        if (self.on - latest.day).days > self.numbers.latest_figures_days:
            return self._public_or_review((), (), node(Code.FIGURES_OLD, {"period_end": latest.day.isoformat()}))
        now = self._total(latest, self.standing)
        self._note_estimates(now)
        rows, missing = self._rows(closings)
        for ident in dict.fromkeys((*now.missing, *missing)):
            self.reasons.append(
                node(Code.FIGURES_MISSING, {**self._named(ident), "period_end": latest.day.isoformat()})
            )
        history = two_periods([row.total.figures for row in rows if row.total.figures], self.ceilings)
        if now.missing or missing:
            return self._public_or_review(rows, history)
        return self._decide(rows, history, now)

    def _decide(self, rows: Sequence[_Row], history: Sequence[Judged], now: Total) -> Classification:
        size = history[-1].size
        assert now.figures is not None
        changed = self._has_changed([row.closing.day for row in rows])
        if not (changed and self.mode is ChangeMode.IMMEDIATE):
            self._look_for_gaps(rows, size)
        if changed:
            size = self._changed(size, size_of_one_period(now.figures, self.ceilings))
        if self.standing.is_public:
            size = Size.LARGE
        self._ask_about_the_past(rows, size)
        return self._answer(size, rows, history, total=now)

    def _ask_about_the_past(self, rows: Sequence[_Row], size: Size) -> None:
        """A market nobody stated, between enterprises tied only earlier, matters where it would change the class."""
        past = [one for row in rows for one in self._standing_at(row.closing.day).findings]
        open_then = [one for one in past if one.code == Code.MARKET_UNKNOWN.value and one not in self.reasons]
        if not open_then:
            return
        readings = (self._with_markets(relation) for relation in (Market.SAME, Market.UNRELATED))
        if {classify(one, self.on, self.mode).size for one in readings} != {size}:
            self.reasons += [one for at, one in enumerate(open_then) if one not in open_then[:at]]

    def _with_markets(self, relation: Market) -> Ownership:
        """The same ownership with every market known: what is open is read as `relation`."""
        known = [one for one in self.ownership.markets if one.relation is not Market.UNKNOWN]
        stated = {frozenset((one.first, one.second)) for one in known}
        pairs = combinations(sorted(self.parties), 2)
        read = [MarketRelation(first, second, relation) for first, second in pairs if {first, second} not in stated]
        return replace(self.ownership, markets=(*known, *read))

    def _look_for_gaps(self, rows: Sequence[_Row], size: Size) -> None:
        """A closing that is missing matters where what it may have been would change the class."""
        history: list[Figures | None] = []
        gaps: list[date] = []
        for before, row in zip([rows[0], *rows], rows, strict=False):
            unknown = missing_between(before.closing.day, row.closing.day, self.numbers)
            if unknown:
                history += [None] * unknown
                gaps.append(before.closing.day)
            history.append(row.total.figures)
        if gaps and possible_sizes(history, self.ceilings) != {size}:
            self.reasons.append(node(Code.MISSING_YEAR, {"after": gaps[-1].isoformat()}))

    def _closings(self) -> list[Closing]:
        """The closings of the enterprise, or of the accounts that contain it where it has none of its own."""
        subject = self.ownership.subject
        periods = own = self.parties[subject].periods
        if not own:
            container = self.containment.by(subject, self.standing.linked)
            periods = self.parties[container].periods if container is not None else ()
        known, basis = usable(periods, self.on) if periods else ([], Basis.APPROVED)
        if len(known) < len(periods):
            self.reasons.append(node(Code.ESTIMATES_LEFT_OUT))
        return [
            Closing(one.period_end, basis, one if own else None, at == len(known) - 1) for at, one in enumerate(known)
        ]

    def _rows(self, closings: Sequence[Closing]) -> tuple[list[_Row], tuple[str, ...]]:
        """Each closing with its figures as the enterprise stood then; older ones that lack figures are left out."""
        rows = []
        missing: tuple[str, ...] = ()
        for closing in closings:
            total = self._total(closing, self._standing_at(closing.day))
            if total.figures is not None:
                rows.append(_Row(closing, total))
            elif closing.is_latest:
                missing = total.missing
            else:
                values = {"period_end": closing.day.isoformat(), "names": [self._name(one) for one in total.missing]}
                self.reasons.append(node(Code.CLOSING_DROPPED, values))
        return rows, missing

    def _total(self, closing: Closing, standing: Standing) -> Total:
        return total_of(closing, standing, self.containment, self.numbers, subject=self.ownership.subject, on=self.on)

    def _standing_at(self, day: date) -> Standing:
        dated = [one for one in self.ownership.holdings if one.since or one.until]
        if all(one.stands_on(day) == one.stands_on(self.on) for one in dated):
            return self.standing
        return stand(self.ownership, day, self.numbers)

    def _note_estimates(self, total: Total) -> None:
        if total.estimated:
            self.basis = Basis.ESTIMATE
            names = [self._name(ident) for ident in total.estimated]
            own = self.ownership.subject in total.estimated
            self.reasons.append(node(Code.ESTIMATE_USED, {"names": names, "own": own}))

    def _has_changed(self, days: Sequence[date]) -> bool:
        """Whether ownership changed since the closing before the latest one in use, so that readings may differ."""
        changed_on = self.ownership.ownership_changed_on
        before = days[-2] if len(days) > 1 else days[-1]
        if changed_on is not None and before < changed_on <= self.on:
            return True
        return self._dates_matter(days)

    def _dates_matter(self, days: Sequence[date]) -> bool:
        return any(self._standing_at(day).counted != self.standing.counted for day in days[-2:])

    def _changed(self, by_two_periods: Size, at_once: Size) -> Size:
        values = {
            "two_periods": by_two_periods.value,
            "at_once": at_once.value,
            "changed_on": self._changed_on(),
        }
        if self.mode is ChangeMode.IMMEDIATE:
            self.reasons.append(node(Code.CHANGE_AT_ONCE, values))
            return at_once
        if self.mode is ChangeMode.TWO_PERIOD:
            self.reasons.append(node(Code.CHANGE_TWO_PERIODS, values))
            return by_two_periods
        is_dated = any(one.since or one.until for one in self.ownership.holdings)
        if is_dated and by_two_periods is at_once:
            self.reasons.append(node(Code.CHANGE_SAME_EITHER_WAY, values))
            return at_once
        self.reasons.append(node(Code.OWNERSHIP_CHANGED, values))
        return Size.REVIEW

    def _changed_on(self) -> str | None:
        stated = self.ownership.ownership_changed_on
        days = [day for one in self.ownership.holdings for day in (one.since, one.until) if day and day <= self.on]
        day = stated or max(days, default=None)
        return day.isoformat() if day else None

    def _public_or_review(self, rows: Sequence[_Row], history: Sequence[Judged], *reasons: Node) -> Classification:
        """Without figures only Art 3(4) can answer: such an enterprise is no SME whatever its figures."""
        size = Size.LARGE if self.standing.is_public else Size.REVIEW
        return self._answer(size, rows, history, *reasons)

    def _answer(
        self,
        size: Size,
        rows: Sequence[_Row],
        history: Sequence[Judged],
        *reasons: Node,
        total: Total | None = None,
    ) -> Classification:
        found = [*self.reasons, *reasons]
        if size is Size.LARGE:
            # Whether a linked university is a public body makes no difference to an enterprise that is large.
            found = [one for one in found if one.code != Code.MAY_BE_PUBLIC.value]
        if not self.standing.is_public and any(one.code in REVIEWED for one in found):
            size = Size.REVIEW
        ordered = tuple(sorted(found, key=lambda one: one.code in REVIEWED))
        figures = total.figures if total else None
        tree = node(
            Code.CLASSIFIED,
            {"size": size.value, "on": self.on.isoformat(), "mode": self.mode.value},
            *ordered,
            node(Code.RELATIONS, {}, *(self._relation_node(one) for one in self.standing.relations)),
            node(Code.HISTORY, {}, *self._history_nodes(rows, history)),
        )
        return Classification(
            size=size,
            basis=self.basis if size is not Size.REVIEW else None,
            rule_version=RULE_VERSION,
            tree=tree,
            reasons=ordered,
            figures=figures,
            closings=tuple(one.figures for one in history),
            relations=self.standing.relations,
        )

    def _relation_node(self, relation: Relation) -> Node:
        share = None if relation.share is None else str(relation.share)
        values = {**self._named(relation.party), "relation": relation.kind.value, "held": share}
        return replace(relation.why, values={**relation.why.values, **values})

    def _history_nodes(self, rows: Sequence[_Row], history: Sequence[Judged]) -> list[Node]:
        nodes = []
        for row, judged in zip(rows, history, strict=True):
            code = Code.PERIOD if judged.alone is judged.size else Code.ONE_YEAR_IS_NOT_ENOUGH
            values = {
                **figures_to_json(judged.figures),
                "alone": judged.alone.value,
                "size": judged.size.value,
            }
            ceilings = (
                node(
                    Code.CEILING,
                    {
                        "size": ceiling.size,
                        "awu": str(ceiling.awu),
                        "turnover_eur": str(ceiling.turnover_eur),
                        "balance_sheet_eur": str(ceiling.balance_sheet_eur),
                        "within": within,
                        "standing": stands,
                    },
                )
                for ceiling, within, stands in zip(self.ceilings, judged.within, judged.standing, strict=True)
            )
            nodes.append(node(code, values, *row.total.parts, *ceilings))
        return nodes

    def _named(self, ident: str) -> dict[str, str]:
        return {"party": ident, "name": self._name(ident)}

    def _name(self, ident: str) -> str:
        return self.parties[ident].name or ident
