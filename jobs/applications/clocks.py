"""What happens because time passed: officers are reminded the day before a promise breaks, allocations end."""

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Notification, RoleGrant, User
from accounts.roles import Role
from accounts.services import notify
from jobs.models import Allocation, Application
from jobs.states import AllocationState, ApplicationState
from portal.kernel.errors import DomainError


def sweep_applications(*, at: datetime) -> None:
    """Reminds helpdesks of requests due tomorrow or overdue, once a day each, and ends allocations that are over."""
    due = Application.objects.filter(
        state=ApplicationState.SUBMITTED, decide_by__lte=at.date() + timedelta(days=1)
    ).select_related("site", "organisation")
    for application in due:
        _remind(application, at=at)
    for allocation in Allocation.objects.filter(state=AllocationState.ACTIVE, ends_on__lt=at.date()):
        end_allocation(allocation)


def _remind(application: Application, *, at: datetime) -> None:
    path = reverse("jobs:review", args=[application.pk])
    officers = User.objects.filter(
        role_grants__in=RoleGrant.objects.filter(
            role=Role.HELPDESK, site_slug=application.site.slug if application.site else ""
        )
    ).distinct()
    for officer in officers:
        seen = Notification.objects.filter(user=officer, kind="due", path=path, created_at__date=at.date()).exists()
        if not seen:
            title = _("%(reference)s is due on %(day)s") % {
                "reference": application.reference,
                "day": application.decide_by.isoformat() if application.decide_by else "",
            }
            notify(user=officer, kind="due", title=title, body=str(application.organisation), path=path)


def end_allocation(allocation: Allocation) -> None:
    """Ends one allocation. Jobs that run are left to finish; nothing new starts."""
    with transaction.atomic():
        try:
            allocation.move_to(AllocationState.ENDED)
        except DomainError:
            return
        audit.record(actor=None, action="allocation.ended", target=allocation, organisation=allocation.organisation)
