"""What the operators' pages show, put together in a fixed number of queries.

Of a job an operator sees what the site itself knows: reference, state, GPUs and times. What a company trains, and which
company it is, stays out of these pages.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.permissions import may
from accounts.roles import Action
from catalog.models import Site
from jobs.matching.health import Health, health_of
from jobs.metering.discrepancies import visible_to as discrepancies_visible_to
from jobs.models import (
    AgentKey,
    Attempt,
    EnrolmentCode,
    Job,
    MaintenanceWindow,
    SiteAgent,
    SiteMessage,
    SiteOutage,
    UsageDiscrepancy,
)
from jobs.siteapi.services.removal import FEATURE as REMOVAL
from jobs.sites.capacity import Busy, busy
from jobs.states import JOB_FINAL, JobState

OUTAGES_SHOWN = timedelta(days=30)
# The columns of a job that its site's operators may see.
JOB_COLUMNS = ("reference", "state", "gpus", "nodes", "created_at", "started_at", "ended_at", "site_id")


def sites_of(user: User) -> QuerySet[Site]:
    """The sites this person looks after: their own, or every one for an administrator."""
    return Site.objects.all() if may(user, Action.OPERATE_SITE) else Site.objects.operated_by(user)


@dataclass(frozen=True)
class SiteRow:
    """One site in the list."""

    site: Site
    health: Health | None
    silent_seconds: int | None
    agents: int
    running: int
    waiting: int
    busy: Sequence[Busy]
    discrepancies: int
    overdue: int

    @property
    def draining(self) -> bool:
        return self.site.status == Site.Status.DRAINING

    @property
    def gpus_free(self) -> int:
        return sum(one.gpus_free for one in self.busy)

    @property
    def gpus_total(self) -> int:
        return sum(one.gpus_total for one in self.busy)

    @property
    def stale(self) -> bool:
        return any(one.stale for one in self.busy)


def site_rows(user: User, *, at: datetime) -> tuple[list[SiteRow], list[Site]]:
    """The sites with an agent, or that could have one by now; and those of the catalogue that have none yet."""
    sites = list(sites_of(user).order_by("name").only("slug", "name", "status", "country", "kind"))
    seen: dict[int, list[datetime | None]] = defaultdict(list)
    for site_id, last in SiteAgent.objects.filter(site__in=sites, revoked_at__isnull=True).values_list(
        "site_id", "last_seen_at"
    ):
        seen[site_id].append(last)
    joined = [site for site in sites if site.pk in seen or site.status != Site.Status.KNOWN]
    counts = _job_counts(joined)
    doubts = _counted(open_discrepancies(user).filter(site__in=joined))
    late = _counted(overdue_removals(at=at).filter(site__in=joined))
    reports = busy(joined, at=at)
    rows = []
    for site in joined:
        moments = [one for one in seen.get(site.pk, []) if one is not None]
        last = max(moments, default=None)
        rows.append(
            SiteRow(
                site=site,
                health=health_of(last, at=at) if site.pk in seen else None,
                silent_seconds=silence(last, at=at),
                agents=len(seen.get(site.pk, [])),
                running=counts[site.pk, True],
                waiting=counts[site.pk, False],
                busy=reports.get(site.pk, ()),
                discrepancies=doubts.get(site.pk, 0),
                overdue=late.get(site.pk, 0),
            )
        )
    known = [site for site in sites if site not in joined]
    return rows, known


def silence(last: datetime | None, *, at: datetime) -> int | None:
    """Seconds since the last word; None for never."""
    return max(0, round((at - last).total_seconds())) if last is not None else None


def _job_counts(sites: Iterable[Site]) -> dict[tuple[int, bool], int]:
    counts: dict[tuple[int, bool], int] = defaultdict(int)
    open_jobs = Job.objects.filter(site__in=sites).exclude(state__in=JOB_FINAL)
    for site_id, state, count in open_jobs.order_by().values_list("site_id", "state").annotate(count=Count("pk")):
        counts[site_id, state in (JobState.RUNNING, JobState.COLLECTING)] += count
    return counts


def _counted(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("site_id").annotate(count=Count("pk")))


# ---- one site -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AgentRow:
    """An agent with its keys, as its operators see it."""

    agent: SiteAgent
    health: Health
    keys: Sequence[AgentKey] = field(default=())

    @property
    def draining(self) -> bool:
        """Whether the agent itself says that it takes no new work."""
        return bool(self.agent.capacity.get("draining"))

    @property
    def trouble(self) -> str:
        """What its scheduler suffers from, in the agent's own sentence."""
        said = self.agent.capacity.get("trouble")
        return str(said.get("sentence") or said.get("code") or "") if isinstance(said, dict) else ""


def agents_of(site: Site, *, at: datetime, revoked: bool = False) -> list[AgentRow]:
    """The agents in force, or also those that were revoked. Two queries."""
    agents = site.agents.order_by("revoked_at", "created_at").prefetch_related("keys")
    if not revoked:
        agents = agents.filter(revoked_at__isnull=True)
    return [
        AgentRow(agent, health_of(agent.last_seen_at, at=at), sorted(agent.keys.all(), key=lambda key: -key.pk))
        for agent in agents
    ]


def site_health(agents: Iterable[AgentRow]) -> Health | None:
    """The best of its agents: one that answers is enough. None without any."""
    order = (Health.HEALTHY, Health.LATE, Health.UNREACHABLE)
    found = {row.health for row in agents if row.agent.revoked_at is None}
    return next((health for health in order if health in found), None)


def jobs_at(site: Site, *, unfinished: bool | None = None) -> QuerySet[Attempt]:
    """The newest word about each try at this site, newest first, with no more of the job than operators may see."""
    rows = Attempt.objects.filter(site=site).select_related("job")
    rows = rows.only(
        "key", "native_id", "state", "started_at", "ended_at", "created_at", "site_id",
        *(f"job__{name}" for name in JOB_COLUMNS),
    )  # fmt: skip
    if unfinished is not None:
        rows = rows.exclude(state__in=JOB_FINAL) if unfinished else rows.filter(state__in=JOB_FINAL)
    return rows.order_by("-created_at")


def waiting_at(site: Site) -> int:
    """How many jobs wait for this site to take them."""
    return Job.objects.filter(site=site, state=JobState.QUEUED).count()


def open_discrepancies(user: User) -> QuerySet[UsageDiscrepancy]:
    return discrepancies_visible_to(user).filter(outcome="")


def overdue_removals(*, at: datetime) -> QuerySet[Attempt]:
    """Ended tries whose data should be gone by now, and whose site has not said so.

    A try that the site never spoke of was never taken: its data did not leave the portal.
    """
    return Attempt.objects.filter(removed_at__isnull=True, remove_by__lt=at, state_seq__gt=0)


def removals_at(site: Site) -> QuerySet[Attempt]:
    """Every promise to remove a job's data: open ones first by their day, then what was removed."""
    rows = Attempt.objects.filter(site=site, remove_by__isnull=False, state_seq__gt=0).select_related("job", "agent")
    return rows.only(
        "key", "state", "ended_at", "remove_by", "removed_at", "site_id", "agent__name", "agent__description",
        "job__reference",
    ).order_by("-remove_by")  # fmt: skip


def reports_removal(agents: Iterable[AgentRow]) -> bool:
    """Whether every agent says when data are gone; one of an older version does not."""
    return all(row.agent.knows(REMOVAL) for row in agents)


def messages_at(site: Site) -> QuerySet[SiteMessage]:
    return site.messages.select_related("agent").order_by("-at", "-pk")


def codes_of(site: Site, *, at: datetime) -> QuerySet[EnrolmentCode]:
    """Codes that somebody could still use."""
    return site.enrolment_codes.filter(used_at__isnull=True, expires_at__gt=at).order_by("expires_at")


def windows_of(site: Site, *, at: datetime, over: bool = False) -> QuerySet[MaintenanceWindow]:
    """Maintenance to come and under way, or what is over."""
    rows = site.maintenance_windows.select_related("agent")
    return rows.filter(ends_at__lte=at).order_by("-ends_at") if over else rows.filter(ends_at__gt=at)


def outages_of(site: Site, *, at: datetime) -> QuerySet[SiteOutage]:
    return site.outages.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at - OUTAGES_SHOWN))


def silent_sites(*, at: datetime, since: datetime) -> QuerySet[Site]:
    """Sites that were heard once and of which no agent was heard since that moment, without an outage noted yet."""
    agents = SiteAgent.objects.filter(site=OuterRef("pk"), revoked_at__isnull=True, last_seen_at__isnull=False)
    noted = SiteOutage.objects.filter(site=OuterRef("pk"), ended_at__isnull=True)
    return Site.objects.filter(Exists(agents), ~Exists(agents.filter(last_seen_at__gt=since)), ~Exists(noted))
