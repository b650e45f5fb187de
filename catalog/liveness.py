"""When sites were last heard from. Agents live in an app above this one, which registers a reader here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.models import Site

# An agent speaks at least every half minute; after this long its site is shown as quiet.
QUIET_AFTER = timedelta(minutes=3)

Reader = Callable[[Iterable[int]], dict[int, datetime]]
_reader: Reader | None = None


def register_last_heard(reader: Reader) -> None:
    """Called once: the reader gives the last sign of life by the site's id, in one query."""
    global _reader
    _reader = reader


@dataclass(frozen=True)
class Pulse:
    """A site's state as it is shown. `heard_at` None: never, or nobody knows."""

    state: str
    heard_at: datetime | None = None

    @property
    def is_quiet(self) -> bool:
        return self.state == "quiet"


def pulses(sites: Iterable[Site], *, at: datetime) -> dict[int, Pulse]:
    """The shown state of each site by its id; asks for nothing when none is connected."""
    sites = list(sites)
    live = [site.pk for site in sites if site.status != Site.Status.KNOWN]
    heard = _reader(live) if live and _reader else {}
    found = {}
    for site in sites:
        last = heard.get(site.pk)
        quiet = site.is_connected and (last is None or at - last > QUIET_AFTER)
        state = {Site.Status.KNOWN: "known", Site.Status.DRAINING: "paused"}.get(site.status, "connected")  # type: ignore[call-overload]
        found[site.pk] = Pulse("quiet" if quiet else state, last)
    return found
