"""The site's book against ours, day by day. What is missing here is sent again; what cannot be repaired asks a person.

An agent says a digest of each day. Where it differs from ours, the agent sends every row of that day again: rows that
we lacked are then in our book. Whatever still differs when the agent has said all it has is a question: a row of ours
that the site does not know, or one of its rows that we could not believe.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import may
from accounts.roles import Action
from catalog.models import Site
from jobs.metering.digests import Digest, Line, digest_of
from jobs.metering.discrepancies import Kind, close_by_itself, open_discrepancy
from jobs.models import Attempt, Reconciliation, SiteAgent, UsageDiscrepancy, UsageRecord

# Days an agent may still be asked for; older attempts it has forgotten.
REACH = timedelta(days=28)
# So often a day is asked for while the site's book stays the same; then a person looks.
MOST_ASKED = 5
# Days asked for in one answer.
_AT_ONCE = 5
_MOST_LISTED = 20_000


@dataclass(frozen=True)
class Heard:
    """One usage row the agent has just said, and what became of it."""

    attempt: Attempt
    day: date
    cluster: str
    native_id: str
    gpu_seconds: int
    record: UsageRecord | None = None
    fresh: bool = False
    refused: str = ""


@dataclass
class Comparison:
    """What a message said of whole days."""

    heard: list[Heard] = field(default_factory=list)
    digests: list[Digest] = field(default_factory=list)


def take_comparison(*, agent: SiteAgent, said: Comparison, at: datetime) -> list[str]:
    """Notes rows that came again, compares the digests, and returns the days whose rows the agent is asked for."""
    if said.heard:
        _note_rows(agent, said.heard)
    if not said.digests:
        return []
    today = at.astimezone(UTC).date()
    wanted = {
        digest.day
        for digest in said.digests
        if today - REACH <= digest.day <= today + timedelta(days=1) and _differs(agent, digest, at)
    }
    rest = _never_compared(agent, today) - {digest.day for digest in said.digests}
    return [day.isoformat() for day in [*sorted(wanted), *sorted(rest, reverse=True)][:_AT_ONCE]]


def own_rows(agent: SiteAgent, day: date) -> QuerySet[UsageRecord]:
    """What we hold of that agent's usage of that UTC day. Corrections are ours alone and are not compared."""
    begin, end = _start(day), _start(day + timedelta(days=1))
    return UsageRecord.objects.filter(
        attempt__agent=agent, corrects__isnull=True, ended_at__gte=begin, ended_at__lt=end
    ).exclude(method=UsageRecord.Method.CORRECTION)


def own_digest(agent: SiteAgent, day: date) -> Digest:
    fields = (
        "attempt__key", "cluster", "native_id", "started_at", "ended_at", "method", "gpus", "gpu_seconds",
    )  # fmt: skip
    return digest_of(day, (Line(*values) for values in own_rows(agent, day).values_list(*fields)))


@transaction.atomic
def _note_rows(agent: SiteAgent, heard: Sequence[Heard]) -> None:
    """Rows of days that are being compared: which of ours the agent knows, and which of its rows we refused."""
    days = {one.day for one in heard}
    for row in _locked(agent).filter(day__in=days, equal=False):
        mine = [one for one in heard if one.day == row.day]
        seen = set(row.detail.get("seen", ()))
        refused = {_name(one): one for one in row.detail.get("refused", ())}
        row.repaired += sum(one.fresh for one in mine)
        seen |= {one.record.pk for one in mine if one.record is not None and not one.refused}
        for one in mine:
            if one.refused:
                about = {
                    "key": one.attempt.key, "cluster": one.cluster, "native_id": one.native_id,
                    "gpu_seconds": one.gpu_seconds, "code": one.refused,
                    "record": one.record.pk if one.record else None,
                }  # fmt: skip
                refused[_name(about)] = about
        row.detail = {
            **row.detail,
            "seen": sorted(seen)[:_MOST_LISTED],
            "refused": [refused[name] for name in sorted(refused)][:_MOST_LISTED],
        }
        row.save(update_fields=["repaired", "detail"])


def _name(row: dict[str, Any]) -> tuple[str, ...]:
    return str(row["key"]), str(row["cluster"]), str(row["native_id"]), str(row["gpu_seconds"])


@transaction.atomic
def _differs(agent: SiteAgent, theirs: Digest, at: datetime) -> bool:
    """Compares one day. True while the agent has not yet said every row of a day that differs."""
    ours = own_digest(agent, theirs.day)
    row, _made = Reconciliation.objects.get_or_create(
        agent=agent,
        day=theirs.day,
        defaults={**_figures(theirs, ours), "site_id": agent.site_id, "equal": ours == theirs, "checked_at": at},
    )
    row = _locked(agent).get(pk=row.pk)
    ours = own_digest(agent, theirs.day)
    before = row.agent_digest
    for name, value in _figures(theirs, ours).items():
        setattr(row, name, value)
    row.equal, row.checked_at = ours == theirs, at
    if row.equal:
        row.detail = {}
        _close(agent, theirs.day, at)
    else:
        asked = row.detail.get("asked", 0) if before == theirs.digest else 0
        complete = _said_all(row.detail, theirs)
        if not complete:
            asked += 1
        row.detail = {**row.detail, "asked": asked, "complete": complete}
        if complete or asked > MOST_ASKED:
            _ask_a_person(agent, row, at)
    row.save()
    return not row.equal and not row.detail["complete"] and row.detail["asked"] <= MOST_ASKED


def _figures(theirs: Digest, ours: Digest) -> dict[str, Any]:
    return {
        "agent_rows": theirs.rows,
        "portal_rows": ours.rows,
        "agent_gpu_seconds": theirs.gpu_seconds,
        "portal_gpu_seconds": ours.gpu_seconds,
        "agent_digest": theirs.digest,
        "portal_digest": ours.digest,
    }


def _said_all(detail: dict[str, Any], theirs: Digest) -> bool:
    """Whether every row the agent counts has been heard since the day was asked for."""
    return detail.get("asked", 0) > 0 and len(detail.get("seen", ())) + len(detail.get("refused", ())) >= theirs.rows


def _ask_a_person(agent: SiteAgent, row: Reconciliation, at: datetime) -> None:
    about: dict[str, Any] = {"agent": str(agent.pk), "day": row.day.isoformat()}
    complete, found = row.detail["complete"], 0
    if complete:
        refused = row.detail.get("refused", ())
        known = UsageRecord.objects.in_bulk([one["record"] for one in refused if one["record"]])
        attempts = {one.key: one for one in Attempt.objects.filter(agent=agent, key__in=[x["key"] for x in refused])}
        for one in refused:
            if record := known.get(one["record"]):
                _open(agent.site, record.attempt, record, one["gpu_seconds"], at, why="conflict", **about)
            elif attempt := attempts.get(one["key"]):
                _open(agent.site, attempt, None, one["gpu_seconds"], at, why="refused", code=one["code"], **about)
            found += 1
        for unknown in own_rows(agent, row.day).exclude(pk__in=[*row.detail.get("seen", ()), *known]):
            _open(agent.site, unknown.attempt, unknown, None, at, why="unknown_at_site", **about)
            found += 1
    if not found:
        open_discrepancy(
            site=agent.site,
            kind=Kind.DIGEST,
            accounting=row.portal_gpu_seconds,
            other=row.agent_gpu_seconds,
            why="digest" if complete else "incomplete",
            at=at,
            **about,
        )


def _open(
    site: Site, attempt: Attempt, record: UsageRecord | None, theirs: int | None, at: datetime, **detail: Any
) -> None:
    open_discrepancy(
        site=site,
        kind=Kind.DIGEST,
        attempt=attempt,
        record=record,
        accounting=record.gpu_seconds if record else None,
        other=theirs,
        at=at,
        **detail,
    )


def _close(agent: SiteAgent, day: date, at: datetime) -> None:
    rows = UsageDiscrepancy.objects.filter(
        site_id=agent.site_id, kind=Kind.DIGEST, detail__agent=str(agent.pk), detail__day=day.isoformat()
    )
    close_by_itself(rows, note=_("The site's book and ours agree."), at=at)


def _never_compared(agent: SiteAgent, today: date) -> set[date]:
    """Days with work of this agent that were never compared, or only before they were over, or not to the end."""
    begin = _start(today - REACH)
    days: set[date] = set()
    for rows in (
        UsageRecord.objects.filter(attempt__agent=agent, ended_at__gte=begin, ended_at__lt=_start(today)),
        Attempt.objects.filter(agent=agent, started_at__isnull=False, ended_at__gte=begin, ended_at__lt=_start(today)),
    ):
        of_day = rows.order_by().annotate(on=TruncDate("ended_at", tzinfo=UTC))
        days |= set(of_day.values_list("on", flat=True).distinct())
    if not days:
        return days
    done = Reconciliation.objects.filter(agent=agent, day__in=days)
    return days - {row.day for row in done if row.checked_at >= _start(row.day + timedelta(days=1)) and _settled(row)}


def _settled(row: Reconciliation) -> bool:
    return bool(row.equal or row.detail.get("complete") or row.detail.get("asked", 0) > MOST_ASKED)


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _locked(agent: SiteAgent) -> QuerySet[Reconciliation]:
    return Reconciliation.objects.filter(agent=agent).select_for_update(of=("self",))


def recent(sites: Iterable[Any], *, since: date) -> QuerySet[Reconciliation]:
    """The days compared at these sites, newest first."""
    return Reconciliation.objects.filter(site__in=sites, day__gte=since).select_related("site", "agent")


def compared_for(user: User, *, since: date) -> QuerySet[Reconciliation]:
    """The same for every site this person looks after."""
    sites = Site.objects.all() if may(user, Action.OPERATE_SITE) else Site.objects.operated_by(user)
    return recent(sites, since=since)
