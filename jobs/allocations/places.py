"""Further places of an allocation: sites that may run its jobs, hour for hour, when its own site fails.

A further place never gives more than was granted: an hour there is worth the same or less, its time does not count as
aid where the granted time did not, and where it is another State's, somebody wrote down who agreed.
"""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, countries
from accounts.models import User
from accounts.permissions import may, require
from accounts.roles import Action
from catalog import worth
from catalog.models import Partition, Site
from jobs.allocations.grants import rate_on
from jobs.allocations.services import has_ended
from jobs.ledger.services import lock
from jobs.models import Allocation, AllocationPlace
from portal.kernel.errors import DomainError
from portal.ui.numbers import money

# A note shorter than this names nobody who agreed.
SHORTEST_NOTE = 10


def may_change_places(actor: User, allocation: Allocation, site: Site | None = None) -> bool:
    """Administrators; and officers of the allocation's site who are officers of the other site as well: nobody gives
    away another site's time."""
    if may(actor, Action.MANAGE_QUOTAS):
        return True
    slugs = {allocation.site.slug, *([site.slug] if site is not None else [])}
    return all(may(actor, Action.REVIEW_APPLICATION, site_slug=slug) for slug in slugs)


def objection(allocation: Allocation, partition: Partition, *, on: date) -> DomainError | None:
    """What forbids this place whatever anybody notes; asked when it is added, and again before a job moves there."""
    rate = rate_on(partition, on)
    if rate is None:
        return DomainError(
            "no_rate",
            _("%(site)s has no valid rate for this hardware, so nobody knows what an hour there is worth.")
            % {"site": partition.site},
        )
    if rate.eur_per_gpu_hour > allocation.eur_per_gpu_hour:
        return DomainError(
            "place_worth_more",
            _(
                "A GPU-hour at %(site)s is worth %(there)s, and this allocation was judged at %(here)s. "
                "Choose hardware worth no more, or grant hours there by a request of their own."
            )
            % {
                "site": partition.site,
                "there": money(rate.eur_per_gpu_hour),
                "here": money(allocation.eur_per_gpu_hour),
            },
            field="partition",
        )
    if worth.counts(partition.site, on=on) and not worth.counts(allocation.site, on=on):
        return DomainError(
            "place_is_aid",
            _(
                "Time of %(site)s counts as aid of a State, and the granted time does not, so it was never judged. "
                "Grant hours there by a request of their own."
            )
            % {"site": partition.site},
            field="partition",
        )
    return None


@transaction.atomic
def add_place(
    *, allocation: Allocation, partition: Partition, reason: str, note: str = "", actor: User, at: datetime
) -> AllocationPlace:
    """Lets the allocation's jobs run at this place too. Adding it twice is adding it once.

    `note` says who agreed, when and where that is written; it is needed where the place is another granting State's.
    """
    row = Allocation.objects.select_related("site", "organisation", "partition").get(pk=allocation.pk)
    if not may_change_places(actor, row, partition.site):
        require(actor, Action.MANAGE_QUOTAS)
    row.state = lock(row).state
    if has_ended(row, on=at.date()):
        raise DomainError(
            "not_active", _("%(allocation)s has ended; grant new hours by a new request.") % {"allocation": row}
        )
    if partition.site_id == row.site_id:
        raise DomainError("same_site", _("That is the allocation's own site. Choose another one."), field="partition")
    if partition.site.status == Site.Status.KNOWN:
        raise DomainError(
            "site_not_connected",
            _("%(site)s is not connected yet, so nothing could run there.") % {"site": partition.site},
            field="partition",
        )
    refused = objection(row, partition, on=at.date())
    if refused is not None:
        raise refused
    other_state = partition.site.granting_state != row.site.granting_state
    if other_state and len(note.strip()) < SHORTEST_NOTE:
        raise DomainError(
            "other_state",
            _(
                "%(site)s is time of %(there)s, and these hours were granted by %(here)s. "
                "Write down who of both agreed, when, and where that is kept."
            )
            % {
                "site": partition.site,
                "there": countries.name(partition.site.granting_state),
                "here": countries.name(row.site.granting_state),
            },
            field="note",
        )
    words = f"{reason.strip()} ({note.strip()})" if note.strip() else reason.strip()
    place, made = AllocationPlace.objects.get_or_create(
        allocation=row,
        partition=partition,
        defaults={"site": partition.site, "added_by": actor, "reason": words[:300]},
    )
    if made:
        rate = rate_on(partition, at.date())
        audit.record(
            actor=actor,
            action="allocation.place_added",
            target=row,
            organisation=row.organisation,
            site=partition.site.slug,
            partition=partition.name,
            eur_per_gpu_hour=str(rate.eur_per_gpu_hour) if rate else None,
            judged_at=str(row.eur_per_gpu_hour),
            other_state=other_state,
            reason=words[:300],
        )
    return place


@transaction.atomic
def remove_place(*, place: AllocationPlace, actor: User) -> None:
    """No job goes there any more. Those that are there already stay: their site holds them."""
    row = place.allocation
    if not may_change_places(actor, row):
        require(actor, Action.MANAGE_QUOTAS)
    audit.record(
        actor=actor,
        action="allocation.place_removed",
        target=row,
        organisation=row.organisation,
        site=place.site.slug,
        partition=place.partition.name,
    )
    place.delete()
