"""The size class of an autonomous enterprise, with every step of the derivation.

Articles are those of the Annex to Recommendation 2003/361/EC. Amounts are EUR, staff is annual work units (AWU);
nothing is rounded before it is compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from accounts.sme.ceilings import Ceiling, CeilingSet, ceilings_on

RULE_VERSION = "sme-autonomous/1"
# Closings further apart than this are not "consecutive": a year is missing between them.
CONSECUTIVE_DAYS = 550
# Figures whose period ended longer ago cannot be the latest approved ones any more.
LATEST_FIGURES_DAYS = 760


class Size(StrEnum):
    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    REVIEW = "review"


class Basis(StrEnum):
    APPROVED = "approved"
    ESTIMATE = "estimate"


@dataclass(frozen=True)
class Figures:
    """One accounting period on an annual basis (Art 4(1)); turnover net of VAT and other indirect taxes."""

    period_end: date
    awu: Decimal
    turnover_eur: Decimal
    balance_sheet_eur: Decimal
    basis: Basis = Basis.APPROVED

    def __post_init__(self) -> None:
        if min(self.awu, self.turnover_eur, self.balance_sheet_eur) < 0:
            raise ValueError("figures of an accounting period cannot be negative")


@dataclass(frozen=True)
class Step:
    """One step of the derivation: a code for machines, its article, and the values it looked at."""

    code: str
    article: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Classification:
    size: Size
    basis: Basis | None
    rule_version: str
    steps: tuple[Step, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(step.code for step in self.steps)


def classify(periods: Sequence[Figures], *, autonomous: bool, on: date) -> Classification:
    """The size class on a day from what the company stated.

    REVIEW, never a guess, when the company is not autonomous, gave no figures, gave old ones, or left out a year that
    would change the answer.
    """
    if not autonomous:
        return _review(Step("not_autonomous", "Art 3(2), 3(3), 6(2)", {}))
    if not periods:
        return _review(Step("no_figures", "Art 4(1)", {}))
    known, basis, steps = _usable(periods)
    latest = known[-1]
    if basis is Basis.APPROVED and (on - latest.period_end).days > LATEST_FIGURES_DAYS:
        return _review(*steps, Step("figures_old", "Art 4(1)", {"period_end": latest.period_end.isoformat()}))
    size, history = _two_periods(known, ceilings_on(on))
    since_gap = _after_last_gap(known)
    if since_gap != known and _two_periods(since_gap, ceilings_on(on))[0] is not size:
        missing_after = known[len(known) - len(since_gap) - 1].period_end
        return _review(*steps, *history, Step("missing_year", "Art 4(2)", {"after": missing_after.isoformat()}))
    return Classification(size, basis, RULE_VERSION, (*steps, *history))


def size_of_one_period(figures: Figures, ceilings: CeilingSet) -> Size:
    """What the figures of one period alone would make of the enterprise (Art 2)."""
    for ceiling in ceilings.ceilings:
        if is_within(figures, ceiling):
            return Size(ceiling.size)
    return Size.LARGE


def is_within(figures: Figures, ceiling: Ceiling) -> bool:
    """Staff must be below; of turnover and balance sheet total one may be above."""
    return figures.awu < ceiling.awu and (
        figures.turnover_eur <= ceiling.turnover_eur or figures.balance_sheet_eur <= ceiling.balance_sheet_eur
    )


def classification_to_json(classification: Classification) -> dict[str, Any]:
    return {
        "size": classification.size.value,
        "basis": classification.basis.value if classification.basis else None,
        "rule_version": classification.rule_version,
        "steps": [
            {"code": step.code, "article": step.article, "values": dict(step.values)} for step in classification.steps
        ],
    }


def inputs_to_json(periods: Sequence[Figures], *, autonomous: bool, on: date) -> dict[str, Any]:
    """Everything `classify` was given, to be stored beside its answer."""
    return {
        "on": on.isoformat(),
        "autonomous": autonomous,
        "periods": [
            {
                "period_end": one.period_end.isoformat(),
                "awu": str(one.awu),
                "turnover_eur": str(one.turnover_eur),
                "balance_sheet_eur": str(one.balance_sheet_eur),
                "basis": one.basis.value,
            }
            for one in periods
        ],
    }


def replay(inputs: Mapping[str, Any]) -> Classification:
    """Derives a stored classification again."""
    periods = [
        Figures(
            period_end=date.fromisoformat(one["period_end"]),
            awu=Decimal(one["awu"]),
            turnover_eur=Decimal(one["turnover_eur"]),
            balance_sheet_eur=Decimal(one["balance_sheet_eur"]),
            basis=Basis(one["basis"]),
        )
        for one in inputs["periods"]
    ]
    return classify(periods, autonomous=inputs["autonomous"], on=date.fromisoformat(inputs["on"]))


def _usable(periods: Sequence[Figures]) -> tuple[list[Figures], Basis, list[Step]]:
    """Approved periods in order; the latest estimate only when there are none (Art 4(3))."""
    ordered = sorted(periods, key=lambda one: one.period_end)
    approved = [one for one in ordered if one.basis is Basis.APPROVED]
    if not approved:
        return ordered[-1:], Basis.ESTIMATE, [Step("estimate_used", "Art 4(3)", {})]
    if len(approved) < len(ordered):
        return approved, Basis.APPROVED, [Step("estimates_left_out", "Art 4(3)", {})]
    return approved, Basis.APPROVED, []


def _two_periods(periods: Sequence[Figures], ceilings: CeilingSet) -> tuple[Size, list[Step]]:
    """Art 4(2): a ceiling is crossed only when two consecutive periods lie on its other side.

    One flag for each ceiling. The first period sets them; later each turns only when the last two periods agree
    against it. The class is the smallest ceiling whose flag stands.
    """
    steps: list[Step] = []
    flags: dict[str, bool] = {}
    before: Figures | None = None
    size = Size.LARGE
    for one in periods:
        for ceiling in ceilings.ceilings:
            now = is_within(one, ceiling)
            if before is None or (is_within(before, ceiling) == now and flags[ceiling.size] != now):
                flags[ceiling.size] = now
        alone = size_of_one_period(one, ceilings)
        size = next((Size(ceiling.size) for ceiling in ceilings.ceilings if flags[ceiling.size]), Size.LARGE)
        steps.append(_period_step(one, alone, size))
        before = one
    return size, steps


def _period_step(figures: Figures, alone: Size, size: Size) -> Step:
    values = {
        "period_end": figures.period_end.isoformat(),
        "awu": str(figures.awu),
        "turnover_eur": str(figures.turnover_eur),
        "balance_sheet_eur": str(figures.balance_sheet_eur),
        "alone": alone.value,
        "size": size.value,
    }
    return Step("period", "Art 2", values) if alone is size else Step("one_year_is_not_enough", "Art 4(2)", values)


def _after_last_gap(periods: list[Figures]) -> list[Figures]:
    """The longest run of consecutive periods at the end."""
    for at in range(len(periods) - 1, 0, -1):
        if (periods[at].period_end - periods[at - 1].period_end).days > CONSECUTIVE_DAYS:
            return periods[at:]
    return periods


def _review(*steps: Step) -> Classification:
    return Classification(Size.REVIEW, None, RULE_VERSION, steps)
