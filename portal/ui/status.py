"""One word, one tone and one icon for every state a person can see. Never only a colour.

Lower rooms cannot know the states of upper ones, so the words are kept here by machine name and state value; an app
may add or replace its own with `describe_states` from its AppConfig.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TONES = ("", "run", "ok", "warn", "bad")


@dataclass(frozen=True)
class Status:
    label: str | Promise
    tone: str = ""
    icon: str = "circle"


WAITING = Status(_("Waiting"), "", "hourglass-split")
RUNNING = Status(_("Running"), "run", "play-fill")
FINISHED = Status(_("Finished"), "ok", "check-circle-fill")
FAILED = Status(_("Failed"), "bad", "x-circle-fill")
STOPPED = Status(_("Stopped"), "", "stop-circle")
DRAFT = Status(_("Draft"), "", "pencil")
PREPARING = Status(_("Preparing"), "run", "arrow-repeat")

_RUNS = {
    "QUEUED": WAITING,
    "LEASED": PREPARING,
    "STAGING": PREPARING,
    "SUBMITTED": Status(_("In the site's queue"), "", "hourglass-split"),
    "RUNNING": RUNNING,
    "COLLECTING": Status(_("Collecting results"), "run", "download"),
    "DONE": FINISHED,
    "SUCCEEDED": FINISHED,
    "FAILED": FAILED,
    "CANCELLED": STOPPED,
    "STOPPED": STOPPED,
    "CANCELLING": Status(_("Stopping"), "warn", "stop-circle"),
    "UNKNOWN": Status(_("No word from the site"), "warn", "question-circle"),
    "LOST": Status(_("Lost by the site"), "bad", "x-circle-fill"),
    "EXPIRED": Status(_("Not fetched in time"), "warn", "clock-history"),
}

_MACHINES: dict[str, dict[str, Status]] = {
    "job": _RUNS,
    "attempt": _RUNS,
    "draft": {
        "OPEN": DRAFT,
        "DRAFT": DRAFT,
        "SUBMITTED": Status(_("Submitted"), "ok", "check-circle-fill"),
        "EXPIRED": Status(_("Expired"), "", "clock-history"),
    },
    "application": {
        "DRAFT": DRAFT,
        "SUBMITTED": Status(_("Sent"), "run", "send"),
        "IN_REVIEW": Status(_("Being decided"), "run", "eye"),
        "REVIEW": Status(_("Being decided"), "run", "eye"),
        "QUESTION": Status(_("Question for you"), "warn", "chat-left-text"),
        "APPROVED": Status(_("Approved"), "ok", "check-circle-fill"),
        "GRANTED": Status(_("Approved"), "ok", "check-circle-fill"),
        "REDUCED": Status(_("Approved for less"), "ok", "check-circle-fill"),
        "DECLINED": Status(_("Declined"), "bad", "x-circle-fill"),
        "WITHDRAWN": Status(_("Withdrawn"), "", "dash-circle"),
        "EXPIRED": Status(_("Expired"), "", "clock-history"),
    },
    "allocation": {
        "PLANNED": Status(_("Starts later"), "", "calendar3"),
        "ACTIVE": Status(_("Active"), "ok", "check-circle-fill"),
        "PAUSED": Status(_("Paused"), "warn", "pause-circle"),
        "ENDED": Status(_("Ended"), "", "stop-circle"),
        "EXHAUSTED": Status(_("Used up"), "warn", "exclamation-triangle-fill"),
        "REVOKED": Status(_("Withdrawn"), "bad", "x-circle-fill"),
    },
    "dataset": {
        "UPLOADING": Status(_("Uploading"), "run", "upload"),
        "UPLOADED": Status(_("Waiting to be checked"), "", "hourglass-split"),
        "QUEUED": Status(_("Waiting to be checked"), "", "hourglass-split"),
        "CHECKING": Status(_("Being checked"), "run", "arrow-repeat"),
        "VALIDATING": Status(_("Being checked"), "run", "arrow-repeat"),
        "MAPPING": Status(_("Choose the columns"), "warn", "columns-gap"),
        "NEEDS_MAPPING": Status(_("Choose the columns"), "warn", "columns-gap"),
        "READY": Status(_("Ready"), "ok", "check-circle-fill"),
        "REJECTED": Status(_("Cannot be used"), "bad", "x-circle-fill"),
        "FAILED": Status(_("Cannot be used"), "bad", "x-circle-fill"),
        "DELETED": Status(_("Deleted"), "", "trash"),
    },
    "model": {
        "READY": Status(_("Ready"), "ok", "check-circle-fill"),
        "COLLECTING": Status(_("Collecting files"), "run", "download"),
        "DELETED": Status(_("Deleted"), "", "trash"),
    },
    "site": {
        "CONNECTED": Status(_("Connected"), "ok", "check-circle-fill"),
        "QUIET": Status(_("Not heard from"), "warn", "question-circle"),
        "PAUSED": Status(_("Paused"), "warn", "pause-circle"),
        "KNOWN": Status(_("Not connected yet"), "", "plug"),
    },
    "award": {
        "RESERVED": Status(_("Set aside"), "run", "bookmark"),
        "GRANTED": Status(_("Recorded"), "ok", "check-circle-fill"),
        "RELEASED": Status(_("Given back"), "", "arrow-repeat"),
        "CANCELLED": Status(_("Cancelled"), "", "x-circle"),
    },
    "invitation": {
        "PENDING": Status(_("Invited"), "run", "envelope"),
        "ACCEPTED": Status(_("Accepted"), "ok", "check-circle-fill"),
        "REVOKED": Status(_("Withdrawn"), "", "x-circle"),
        "EXPIRED": Status(_("Expired"), "", "clock-history"),
    },
    "check": {
        "PASSED": Status(_("Passed"), "ok", "check-circle-fill"),
        "WARNING": Status(_("Look at this"), "warn", "exclamation-triangle-fill"),
        "FAILED": Status(_("Not passed"), "bad", "x-circle-fill"),
        "UNKNOWN": Status(_("Not checked"), "", "question-circle"),
    },
    "task": {
        "DONE": Status(_("Done"), "ok", "check-lg"),
        "TODO": Status(_("To do"), "run", "circle"),
        "LATER": Status(_("Not yet"), "", "clock"),
    },
}


def describe_states(machine: str, words: Mapping[str, Status]) -> None:
    """Adds or replaces the words of one machine. Called from an app's AppConfig.ready."""
    for status in words.values():
        if status.tone not in TONES:
            raise ValueError(f"{machine}: tone {status.tone!r} is not one of {TONES}")
    _MACHINES.setdefault(machine, {}).update({key.upper(): status for key, status in words.items()})


def status_of(machine: str, state: Any) -> Status:
    """The words for a state; an unknown one is shown by its own label, in the neutral tone."""
    known = _MACHINES.get(machine, {}).get(str(getattr(state, "value", state)).upper())
    if known is not None:
        return known
    label = getattr(state, "label", None) or str(state).replace("_", " ").capitalize()
    return Status(label)


def machines() -> dict[str, dict[str, Status]]:
    """Every machine and its words, for the pattern page and the tests."""
    return {name: dict(words) for name, words in _MACHINES.items()}
