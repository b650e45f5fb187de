"""What counts how much when places are ranked. Published on every page that shows a ranking; administrators change it.

The numbers here are those that hold until an administrator sets others (`jobs.models.MatchingWeights`). Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models_hub.wording import Text, gettext_noop


@dataclass(frozen=True, slots=True)
class Criterion:
    """One score. `usual` is its weight out of all weights together; 0 leaves it out."""

    code: str
    title: Text
    why: Text
    usual: int


CRITERIA: tuple[Criterion, ...] = (
    Criterion(
        "start",
        Text(gettext_noop("Expected start")),
        Text(
            gettext_noop(
                "100 points for a start at once, 50 for an hour of waiting. A place that reports no time counts as "
                "four hours."
            )
        ),
        35,
    ),
    Criterion(
        "carbon",
        Text(gettext_noop("Energy and greenhouse gas")),
        Text(
            gettext_noop(
                "100 points for the place where the run emits least; twice as much gas is half the points. Counted "
                "from the hardware, the building and the country's grid."
            )
        ),
        20,
    ),
    Criterion(
        "price",
        Text(gettext_noop("Value used up")),
        Text(
            gettext_noop(
                "100 points for the place where the run is worth least; twice the value is half the points. You pay "
                "nothing, but the value may count as public support."
            )
        ),
        20,
    ),
    Criterion(
        "language",
        Text(gettext_noop("Language of the helpdesk")),
        Text(gettext_noop("100 points for your language, 50 for English, none for neither.")),
        15,
    ),
    Criterion(
        "sector",
        Text(gettext_noop("Sector focus")),
        Text(gettext_noop("100 points where the site works for your sector, 50 where it works for all.")),
        10,
    ),
)

USUAL: Mapping[str, int] = {criterion.code: criterion.usual for criterion in CRITERIA}
