"""A case is one thing an agent must do, with a name; a scenario is one life of an agent in which several are seen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.conformance.lab import Lab


class Status(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    # The agent says that it does not know this feature, and need not.
    NOT_OFFERED = "not offered"
    # Something earlier went wrong, so that this could not be looked at. It counts as not kept.
    NOT_REACHED = "not reached"


class Broken(Exception):
    """The agent does not do what the protocol says; the text is what was seen instead."""


@dataclass(frozen=True)
class Case:
    """`section` names the heading of docs/site-protocol.md; a `feature` must have been negotiated."""

    id: str
    title: str
    section: str
    feature: str = ""


@dataclass(frozen=True)
class Scenario:
    """`play` drives one agent through its life and looks at the cases on the way."""

    name: str
    play: "Callable[[Lab], None]"
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Result:
    case: Case
    scenario: str
    status: Status
    detail: str = ""
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        return self.status in (Status.PASS, Status.NOT_OFFERED)


def cases(section: str, feature: str = "", **titles: str) -> tuple[Case, ...]:
    """Cases of one section: `group__name="title"` becomes the case `group.name`."""
    return tuple(
        Case(id=name.replace("__", "."), title=title, section=section, feature=feature)
        for name, title in titles.items()
    )
