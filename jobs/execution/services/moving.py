"""Failover: what no site has committed to goes to another place; what a lost site cannot run any more starts anew.

Only with the owner's standing consent (`Job.may_move`), only within the allocation, and each in one transaction that
locks the job's row: two sweeps at once move a job once. The ledger is not touched; what was set aside goes along.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.services import notify
from catalog.models import Partition, Site
from jobs.execution.charging import Hint
from jobs.execution.moves import MAX_MOVES, Why, consequence, sentence_of
from jobs.execution.rules import MAX_LEASES, REMOVE_AFTER
from jobs.execution.services.places import best_place
from jobs.matching.health import Health, health_of
from jobs.models import AllocationPlace, Attempt, Job, JobMove, SiteAgent
from jobs.states import AllocationState, JobState

_BATCH = 500
_RELATED = ("organisation", "allocation__partition", "base_model", "dataset", "site", "created_by")


def move_waiting(*, at: datetime) -> int:
    """Moves queued jobs away from sites that drain, have no agent any more, or have been silent for ten minutes.

    A job that was leased by such a site comes back to the queue by its lease first. Says how many moved.
    """
    # Most allocations have one place only: their jobs are not looked at again and again.
    elsewhere = Exists(AllocationPlace.objects.filter(allocation=OuterRef("allocation")))
    waiting = Job.objects.filter(
        elsewhere,
        state=JobState.QUEUED,
        may_move=True,
        cancel_requested_at__isnull=True,
        allocation__state=AllocationState.ACTIVE,
    )
    troubles = troubles_of(set(waiting.order_by().values_list("site", flat=True).distinct()), at=at)
    jobs = waiting.filter(site__in=troubles).order_by("created_at").values_list("pk", flat=True)[:_BATCH]
    return sum(_move(pk, at=at) for pk in jobs)


def troubles_of(sites: Collection[int], *, at: datetime) -> dict[int, Why]:
    """The sites that will start nothing new, and why. Two queries."""
    if not sites:
        return {}
    agents: dict[int, list[SiteAgent]] = defaultdict(list)
    for agent in SiteAgent.objects.filter(site__in=sites, revoked_at__isnull=True):
        agents[agent.site_id].append(agent)
    found: dict[int, Why] = {}
    for pk, status in Site.objects.filter(pk__in=sites).values_list("pk", "status"):
        if not agents[pk] or status == Site.Status.KNOWN:
            found[pk] = Why.REVOKED
        elif status == Site.Status.DRAINING or all((one.capacity or {}).get("draining") for one in agents[pk]):
            found[pk] = Why.DRAINING
        elif all(health_of(one.last_seen_at or one.created_at, at=at) == Health.UNREACHABLE for one in agents[pk]):
            found[pk] = Why.SILENT
    return found


@transaction.atomic
def _move(pk: UUID, *, at: datetime) -> bool:
    job = (
        Job.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related(*_RELATED)
        .filter(pk=pk, state=JobState.QUEUED, may_move=True, cancel_requested_at__isnull=True)
        .first()
    )
    # Looked at again under the lock: the site may have come back, or another sweep have moved the job.
    why = troubles_of([job.site_id], at=at).get(job.site_id) if job is not None else None
    if job is None or why is None or job.moves.count() >= MAX_MOVES:
        return False
    place = best_place(job, at=at)
    if place is None:
        return False
    old = job.site
    Job.objects.filter(pk=job.pk).update(site=place.site, partition=place, state_since=at)
    job.site, job.partition = place.site, place
    _write_down(job, old=old, why=why, at=at)
    return True


def start_anew(*, job: Job, attempt: Attempt, at: datetime) -> bool:
    """Gives up a lost attempt and queues the job at another place. The caller holds the job's lock, has seen that it is
    UNKNOWN, and that the attempt cannot be running any more. False, and nothing done, where no other place can take it.

    The attempt is closed for good: reports under its token are taken as facts about it and change nothing else. Its
    usage is never charged, because the site was lost; only the attempt that ends the job is.
    """
    if not job.may_move or job.cancel_requested_at is not None or attempt.number >= MAX_LEASES:
        return False
    place = best_place(job, at=at) if job.moves.count() < MAX_MOVES else None
    if place is None:
        return False
    old = job.site
    Attempt.objects.filter(pk=attempt.pk).update(
        state=JobState.FAILED,
        hint_code=Hint.SITE_LOST,
        sentence=_("Given up: the site did not answer until the time of the run was over. Nothing was charged."),
        ended_at=at,
        remove_by=at + REMOVE_AFTER,
    )
    job.move_to(
        JobState.QUEUED,
        state_since=at,
        site=place.site,
        partition=place,
        started_at=None,
        progress=0,
        eta_seconds=None,
    )
    _write_down(job, old=old, why=Why.LOST, at=at, attempt=attempt.key)
    return True


def _write_down(job: Job, *, old: Site, why: Why, at: datetime, **data: str) -> None:
    move = JobMove.objects.create(job=job, from_site=old, to_site=job.site, code=why, at=at)
    audit.record(
        actor=None,
        action="job.moved",
        target=job,
        organisation=job.organisation,
        from_site=old.slug,
        to_site=job.site.slug,
        partition=job.partition.name,
        code=why.value,
        **data,
    )
    if job.created_by is not None:
        with translation.override(job.created_by.language or None):
            notify(
                user=job.created_by,
                kind="job_moved",
                title=_("%(job)s goes to %(site)s now") % {"job": f"{job.reference} {job.name}", "site": job.site.name},
                body=f"{sentence_of(move)} {consequence()}",
                path=reverse("jobs:job", args=[job.pk]),
                organisation=job.organisation,
            )


def allowed_elsewhere(job: Job) -> list[Partition]:
    """The hardware of the allocation at other sites than the job's, for the page that asks for consent."""
    granted = Q(pk=job.allocation.partition_id) | Q(pk__in=job.allocation.places.values("partition"))
    return list(Partition.objects.filter(granted).exclude(site=job.site_id).select_related("site"))
