"""What the administrator's pages show beside the rows themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from catalog.models import RateCard
from catalog.states import RateState


@dataclass(frozen=True)
class RateRow:
    """A decided rate with the day it really ends: its own last day, or the day before its successor."""

    card: RateCard
    until: date | None
    in_force: bool


def history(cards: Iterable[RateCard], *, on: date) -> list[RateRow]:
    """Decided rates, the newest first. `cards` in the order of their beginning, the newest first."""
    rows, follows = [], None
    for card in cards:
        if card.state == RateState.PROPOSED:
            continue
        until = card.valid_to
        if card.state == RateState.APPROVED:
            if follows is not None and (until is None or until >= follows):
                until = follows - timedelta(days=1)
            follows = card.valid_from
        in_force = card.state == RateState.APPROVED and card.valid_from <= on and (until is None or until >= on)
        rows.append(RateRow(card, until, in_force))
    return rows
