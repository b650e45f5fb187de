"""A ranking as the pages show it: sentences in the reader's language, numbers rounded, the best on top."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.matching.facts import Excluded, Ranked, Ranking
from jobs.matching.weights import CRITERIA
from jobs.matching.words import said
from portal.ui import numbers

# So many rows are shown until somebody asks for all.
SHOWN = 15
TITLES = {criterion.code: criterion.title for criterion in CRITERIA}


@dataclass(frozen=True)
class Cell:
    title: str
    points: str
    words: str


@dataclass(frozen=True)
class Row:
    """One place: its rank and points, or the reasons why it cannot."""

    key: str
    site: str
    place: str
    country: str
    rank: int = 0
    total: str = ""
    cells: tuple[Cell, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    rows: list[Row]
    excluded: list[Row]
    possible: int
    impossible: int
    columns: list[str]

    @property
    def cut(self) -> bool:
        return len(self.rows) < self.possible or len(self.excluded) < self.impossible


def table_of(ranking: Ranking, weights: Mapping[str, int], *, everything: bool = False) -> Table:
    most = None if everything else SHOWN
    return Table(
        rows=[_ranked(one, rank) for rank, one in enumerate(ranking.ranked[:most], start=1)],
        excluded=[_excluded(one) for one in ranking.excluded[:most]],
        possible=len(ranking.ranked),
        impossible=len(ranking.excluded),
        columns=[said(criterion.title) for criterion in CRITERIA if weights.get(criterion.code)],
    )


def _ranked(one: Ranked, rank: int) -> Row:
    return Row(
        key=one.offer.key,
        site=one.offer.site,
        place=one.offer.place,
        country=one.offer.country,
        rank=rank,
        total=numbers.number(one.total),
        cells=tuple(
            Cell(said(TITLES[score.code]), numbers.number(score.points), said(score.words)) for score in one.scores
        ),
    )


def _excluded(one: Excluded) -> Row:
    return Row(
        key=one.offer.key,
        site=one.offer.site,
        place=one.offer.place,
        country=one.offer.country,
        reasons=tuple(said(reason.words) for reason in one.reasons),
    )


def published(weights: Mapping[str, int]) -> list[dict[str, Any]]:
    """The weights as every ranking shows them: criterion, share of all weights in per cent, how its points arise."""
    whole = sum(weights.values())
    return [
        {
            "title": said(criterion.title),
            "weight": weights.get(criterion.code, 0),
            "percent": round(100 * weights.get(criterion.code, 0) / whole) if whole else 0,
            "why": said(criterion.why),
        }
        for criterion in CRITERIA
    ]


def facts_of(ranking: Ranking) -> dict[str, dict[str, Any]]:
    """For the cards of a form, by the place's key: its rank, its words in one line, or its reasons."""
    found: dict[str, dict[str, Any]] = {}
    for rank, one in enumerate(ranking.ranked, start=1):
        words = {score.code: said(score.words) for score in one.scores}
        found[one.offer.key] = {"rank": rank, "words": words, "reasons": [], "total": numbers.number(one.total)}
    for out in ranking.excluded:
        found[out.offer.key] = {"rank": 0, "words": {}, "reasons": [said(reason.words) for reason in out.reasons]}
    return found
