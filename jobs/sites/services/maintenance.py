"""Maintenance that a person announces. What the scheduler announces comes with the agent's capacity."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from catalog.models import Site
from jobs.models import MaintenanceWindow
from portal.kernel.errors import DomainError

LONGEST = timedelta(days=90)


@transaction.atomic
def enter_maintenance(
    *, site: Site, starts_at: datetime, ends_at: datetime, reason: str, partition: str = "", actor: User, at: datetime
) -> MaintenanceWindow:
    """Announces a time in which the site, or one partition, runs nothing. Raises DomainError: ends_at, starts_at."""
    require(actor, Action.OPERATE_SITE, site_slug=site.slug)
    if ends_at <= starts_at:
        raise DomainError("ends_before_start", _("The end lies after the start. Correct one of them."), field="ends_at")
    if ends_at <= at:
        raise DomainError(
            "in_the_past", _("This time is over already. Enter one that is still to come."), field="ends_at"
        )
    if ends_at - starts_at > LONGEST:
        raise DomainError(
            "too_long",
            _("A maintenance window lasts at most 90 days. For longer, drain the site instead."),
            field="ends_at",
        )
    row = MaintenanceWindow.objects.create(
        site=site, starts_at=starts_at, ends_at=ends_at, reason=reason, partition_name=partition, entered_by=actor
    )
    audit.record(
        actor=actor,
        action="site.maintenance_entered",
        target=row,
        site=site.slug,
        partition=partition,
        starts_at=starts_at.isoformat(),
        ends_at=ends_at.isoformat(),
    )
    return row


@transaction.atomic
def call_off_maintenance(*, window: MaintenanceWindow, actor: User, at: datetime) -> None:
    """Takes an announced window back; one under way ends now. What the agent reported is called off at the site."""
    require(actor, Action.OPERATE_SITE, site_slug=window.site.slug)
    if window.agent_id is not None:
        raise DomainError(
            "reported_by_agent", _("The site's scheduler announces this one. Remove its reservation there.")
        )
    row = MaintenanceWindow.objects.select_for_update(of=("self",)).filter(pk=window.pk, ends_at__gt=at).first()
    if row is None:
        return
    audit.record(actor=actor, action="site.maintenance_called_off", target=row, site=window.site.slug)
    if row.starts_at < at:
        row.ends_at = at
        row.save(update_fields=["ends_at"])
    else:
        row.delete()
