"""Computing stored verdicts again and comparing every bit."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import AidAssessment
from accounts.state_aid import rules
from accounts.state_aid.serial import Unreadable

NOTHING = "–"


@dataclass(frozen=True)
class Difference:
    """One place of the verdict that came out otherwise: its path, what was stored and what came out now."""

    path: str
    stored: str
    now: str


@dataclass(frozen=True)
class Replay:
    """A verdict computed again. `problem` says why it could not be."""

    stored: AidAssessment
    differences: tuple[Difference, ...] = ()
    problem: str = ""

    @property
    def same(self) -> bool:
        return not self.differences and not self.problem


def replay(stored: AidAssessment) -> Replay:
    """The stored case under the rules of its version, beside the stored verdict."""
    try:
        again = rules.replay(stored.case)
    except (Unreadable, rules.UnknownRuleVersion, KeyError, TypeError, ValueError) as error:
        return Replay(stored, problem=str(error) or type(error).__name__)
    if again == stored.verdict:
        return Replay(stored)
    before, now = dict(_leaves(stored.verdict)), dict(_leaves(again))
    paths = [*before, *(path for path in now if path not in before)]
    found = tuple(
        Difference(path, before.get(path, NOTHING), now.get(path, NOTHING))
        for path in paths
        if before.get(path) != now.get(path)
    )
    # Lists of another length or keys of another order have the same leaves only if nothing else differs.
    return Replay(stored, found or (Difference("", str(stored.verdict), str(again)),))


def replay_all(assessments: Iterable[AidAssessment]) -> Iterator[Replay]:
    """One after the other, so that nothing is held in memory."""
    for stored in assessments:
        yield replay(stored)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value inside a JSON value with its path: rooms[0].items[2].falls_out_on."""
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _leaves(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for at, one in enumerate(value):
            yield from _leaves(one, f"{path}[{at}]")
    else:
        yield path, NOTHING if value is None else f"{value}"
