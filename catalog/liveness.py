"""When sites were last heard from. Agents live in an app above this one, which registers a reader here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
class Capacity:
    """How busy a site is and when it stands still, as the app above knows it; what each holds the template shows.

    `partitions` have name, gpus_total, gpus_free, queued, health, starts, age_seconds and stale.
    """

    partitions: Sequence[Any] = ()
    windows: Sequence[Any] = ()


CapacityReader = Callable[[Site, datetime], Capacity]
_capacity_reader: CapacityReader | None = None


def register_capacity(reader: CapacityReader) -> None:
    """Called once: the reader gives what a site's agents measured last, and its maintenance to come, in two queries."""
    global _capacity_reader
    _capacity_reader = reader


def capacity_of(site: Site, *, at: datetime) -> Capacity:
    return _capacity_reader(site, at) if _capacity_reader and site.status != Site.Status.KNOWN else Capacity()


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
