"""Words for how sites are, and for what an exchange said: numbers become words, codes stay as they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later
from django.utils.translation import ngettext

from jobs.models import SiteMessage
from portal.ui.status import Status, describe_states

CALLS = {
    "sync": lambda: _("Report and work"),
    "session": lambda: _("Start of the agent"),
    "enrol": lambda: _("Enrolment"),
    "artefact": lambda: _("Result file"),
    "artefacts": lambda: _("Result files"),
    "input": lambda: _("Training data"),
    "signed_input": lambda: _("Training data"),
    "tokenizer": lambda: _("Tokenizer"),
    "new_key": lambda: _("New key"),
    "own_key": lambda: _("Key revoked"),
}


def describe_health() -> None:
    """The words for how a site and its partitions are."""
    describe_states(
        "site_health",
        {
            "healthy": Status(_later("Healthy"), "ok", "check-circle-fill"),
            "late": Status(_later("Late"), "warn", "clock-history"),
            "unreachable": Status(_later("Unreachable"), "bad", "x-circle-fill"),
            "none": Status(_later("No agent"), "", "plug"),
        },
    )
    describe_states(
        "partition",
        {
            "ok": Status(_later("In order"), "ok", "check-circle-fill"),
            "degraded": Status(_later("Impaired"), "warn", "exclamation-triangle-fill"),
            "down": Status(_later("Down"), "bad", "x-circle-fill"),
        },
    )


@dataclass(frozen=True)
class Line:
    """One exchange as the page shows it."""

    message: SiteMessage
    call: str
    said: str
    refused: tuple[str, ...]


def message_lines(rows: Iterable[SiteMessage]) -> list[Line]:
    return [_line(row) for row in rows]


def _line(row: SiteMessage) -> Line:
    said = row.said
    codes = [row.problem] if row.problem else [str(code) for code in said.get("refused", ())]
    call = CALLS.get(row.call)
    return Line(row, call() if call else row.call, ", ".join(_words(said)), tuple(codes))


def _words(said: Mapping[str, Any]) -> list[str]:
    words = []
    for name, write in _NUMBERS.items():
        count = said.get(name)
        if isinstance(count, int) and count:
            words.append(write(count) % {"n": count})
    return words


_NUMBERS = {
    "epoch": lambda n: _("session %(n)d"),
    "states": lambda n: ngettext("%(n)d change of state", "%(n)d changes of state", n),
    "work": lambda n: ngettext("%(n)d job handed out", "%(n)d jobs handed out", n),
    "cancel": lambda n: ngettext("%(n)d stop asked for", "%(n)d stops asked for", n),
    "events": lambda n: ngettext("%(n)d event", "%(n)d events", n),
    "logs": lambda n: ngettext("%(n)d piece of log", "%(n)d pieces of log", n),
    "usage": lambda n: ngettext("%(n)d usage row", "%(n)d usage rows", n),
    "digests": lambda n: ngettext("%(n)d day compared", "%(n)d days compared", n),
    "removed": lambda n: ngettext("data of %(n)d job removed", "data of %(n)d jobs removed", n),
    "models": lambda n: ngettext("%(n)d model", "%(n)d models", n),
    "times": lambda n: ngettext("in %(n)d message", "in %(n)d messages", n),
}
