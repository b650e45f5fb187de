"""Ranking places: who cannot is left out with every reason, who can is ordered by published weights. Pure.

The same need, offers and weights always give the same order; places of equal points stand in the order of their names.
"""

from collections.abc import Iterable, Mapping

from jobs.matching.constraints import objections
from jobs.matching.facts import Excluded, Need, Offer, Outlook, Ranked, Ranking, Score, outlook
from jobs.matching.scores import SCORES, Field, field_of
from jobs.matching.weights import CRITERIA, USUAL


def rank(need: Need, offers: Iterable[Offer], weights: Mapping[str, int] = USUAL) -> Ranking:
    """Every offer, either ranked or excluded. Criteria without weight are shown nowhere."""
    possible: list[tuple[Offer, Outlook | None]] = []
    excluded: list[Excluded] = []
    for offer in offers:
        expected = outlook(need, offer)
        against = objections(need, offer, expected)
        if against:
            excluded.append(Excluded(offer, against))
        else:
            possible.append((offer, expected))
    field = field_of(possible)
    ranked = [_scored(need, offer, expected, field, weights) for offer, expected in possible]
    ranked.sort(key=lambda one: (-one.total, one.offer.site, one.offer.place, one.offer.key))
    excluded.sort(key=lambda one: (len(one.reasons), one.offer.site, one.offer.place, one.offer.key))
    return Ranking(tuple(ranked), tuple(excluded))


def _scored(need: Need, offer: Offer, expected: Outlook | None, field: Field, weights: Mapping[str, int]) -> Ranked:
    scores = []
    for criterion in CRITERIA:
        weight = max(0, weights.get(criterion.code, 0))
        if weight:
            points = SCORES[criterion.code](need, offer, expected, field)
            scores.append(Score(criterion.code, round(points.value, 1), weight, points.words))
    whole = sum(score.weight for score in scores)
    total = sum(score.points * score.weight for score in scores) / whole if whole else 0.0
    return Ranked(offer, expected, tuple(scores), round(total, 1))
