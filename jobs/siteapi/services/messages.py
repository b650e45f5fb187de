"""What was said lately between a site and the portal, for its operators: numbers and codes, never contents.

A heartbeat that says nothing leaves no row. What is said every second (events and logs) and the same refusal again and
again are counted on in the newest row, and only the newest rows of a site are kept.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Count

from jobs.models import SiteAgent, SiteMessage

logger = logging.getLogger(__name__)

KEPT = 300
# Within this time the same thing said again is counted in the row before.
JOINED = timedelta(minutes=5)
MOST_CODES = 20
_STREAMS = frozenset({"events", "logs", "times"})


def note_message(*, agent: SiteAgent, call: str, said: Mapping[str, Any], at: datetime) -> None:
    """One exchange that said something; empty numbers are left out, and nothing at all is not written down."""
    numbers = {name: value for name, value in said.items() if value}
    if numbers:
        _write(agent.site_id, agent, call, numbers, "", at)


def note_refusal(*, agent: SiteAgent, call: str, problem: str, proven: bool, at: datetime) -> None:
    """A call that was refused. Without a proof that it was that agent, the row names the site alone.

    Never in the way of the answer: a database that is away loses this row and nothing else.
    """
    try:
        with transaction.atomic():
            _write(agent.site_id, agent if proven else None, call, {}, problem, at)
    except DatabaseError:
        logger.warning("A refusal (%s) could not be written down.", problem, exc_info=True)


def _write(site: int, agent: SiteAgent | None, call: str, said: dict[str, Any], problem: str, at: datetime) -> None:
    if problem or not said.keys() - _STREAMS:
        before = (
            SiteMessage.objects.filter(site_id=site, agent=agent, call=call, problem=problem, at__gt=at - JOINED)
            .order_by("-at", "-pk")
            .first()
        )
        if before is not None and (problem or not before.said.keys() - _STREAMS):
            joined = {name: before.said.get(name, 0) + said.get(name, 0) for name in {*before.said, *said}}
            joined["times"] = before.said.get("times", 1) + 1
            SiteMessage.objects.filter(pk=before.pk).update(said=joined, at=max(at, before.at))
            return
    SiteMessage.objects.create(site_id=site, agent=agent, at=at, call=call, said=said, problem=problem[:60])


def prune_messages() -> int:
    """Keeps the newest rows of each site."""
    gone = 0
    full = SiteMessage.objects.order_by().values("site").annotate(count=Count("pk")).filter(count__gt=KEPT)
    for row in full:
        newest = SiteMessage.objects.filter(site_id=row["site"]).order_by("-at", "-pk")
        last = newest.values_list("at", "pk")[KEPT - 1]
        deleted, _rows = SiteMessage.objects.filter(site_id=row["site"], at__lt=last[0]).delete()
        gone += deleted
    return gone
