"""Questions for a person: opened once, closed by a decision, or by themselves when the witnesses agree again."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import may
from accounts.roles import Action, Role
from accounts.services import notify
from catalog.models import Site
from jobs.models import Attempt, UsageDiscrepancy, UsageRecord

Kind = UsageDiscrepancy.Kind
# People are told of the first question at a site, and then not again for so long: the page holds them all.
TOLD_EVERY = timedelta(hours=24)
_BY_ITSELF = "by_itself"


def visible_to(user: User) -> QuerySet[UsageDiscrepancy]:
    """Administrators see every site's, operators those of their own."""
    rows = UsageDiscrepancy.objects.select_related("site", "attempt__job__allocation", "record", "correction")
    return rows if may(user, Action.OPERATE_SITE) else rows.filter(site__in=Site.objects.operated_by(user))


def open_discrepancy(
    *,
    site: Site,
    kind: str,
    at: datetime,
    attempt: Attempt | None = None,
    record: UsageRecord | None = None,
    accounting: int | None = None,
    other: int | None = None,
    **detail: Any,
) -> UsageDiscrepancy:
    """The question about this attempt, kind and row, opened unless it is known. What a person decided stays decided.

    The caller holds the lock of the attempt's job, or of the day that is compared.
    """
    said = {"accounting_gpu_seconds": accounting, "other_gpu_seconds": other}
    known = _known(site, kind, attempt, record, detail)
    if known is None:
        _tell(site, at)
        known = UsageDiscrepancy.objects.create(
            site=site, kind=kind, attempt=attempt, record=record, detail=detail, **said
        )
        _write_down("usage.discrepancy_opened", known)
    elif known.resolved_at is None or known.detail.get(_BY_ITSELF):
        again = known.resolved_at is not None
        changed = (known.accounting_gpu_seconds, known.other_gpu_seconds) != (accounting, other)
        if again or changed or known.detail != detail:
            known.resolved_at, known.outcome, known.note, known.detail = None, "", "", detail
            known.accounting_gpu_seconds, known.other_gpu_seconds = accounting, other
            known.save()
        if again:
            _write_down("usage.discrepancy_opened", known)
    return known


def close_by_itself(rows: QuerySet[UsageDiscrepancy], *, note: str, at: datetime) -> int:
    """The witnesses agree again: nobody has to decide any more."""
    closed = 0
    for row in rows.filter(resolved_at__isnull=True).select_for_update(of=("self",)):
        row.detail = {**row.detail, _BY_ITSELF: True}
        row.outcome, row.note, row.resolved_at = UsageDiscrepancy.Outcome.KEPT, note, at
        row.save()
        _write_down("usage.discrepancy_closed", row)
        closed += 1
    return closed


def _known(
    site: Site, kind: str, attempt: Attempt | None, record: UsageRecord | None, detail: dict[str, Any]
) -> UsageDiscrepancy | None:
    rows = UsageDiscrepancy.objects.filter(site=site, kind=kind, attempt=attempt, record=record)
    if attempt is None:
        rows = rows.filter(detail__agent=detail.get("agent"), detail__day=detail.get("day"))
    return rows.select_for_update(of=("self",)).first()


def _write_down(action: str, row: UsageDiscrepancy) -> None:
    job = row.attempt.job if row.attempt is not None else None
    audit.record(
        actor=None,
        action=action,
        target=row,
        organisation=job.organisation if job else None,
        site=row.site.slug,
        kind=row.kind,
        job=job.reference if job else None,
        accounting_gpu_seconds=row.accounting_gpu_seconds,
        other_gpu_seconds=row.other_gpu_seconds,
    )


def _tell(site: Site, at: datetime) -> None:
    """Operators of the site and administrators, at the first open question in a while."""
    if UsageDiscrepancy.objects.filter(site=site, resolved_at__isnull=True, created_at__gt=at - TOLD_EVERY).exists():
        return
    of_site = Q(role_grants__role=Role.OPERATOR, role_grants__site_slug=site.slug)
    people = User.objects.filter(of_site | Q(role_grants__role=Role.ADMINISTRATOR), is_active=True)
    for person in people.distinct():
        with translation.override(person.language or None):
            notify(
                user=person,
                kind="usage_discrepancy",
                title=_("%(site)s: accounts of GPU time differ") % {"site": site.name},
                body=_("Two witnesses of the same run do not agree. Look at both, then decide what counts."),
                path=reverse("jobs:discrepancies"),
            )
