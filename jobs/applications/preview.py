"""What a request would cost and change, shown before anything is sent: value, public support, who decides, when."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.calendars import add_working_days
from accounts.state_aid.services import headroom
from catalog.models import AccessMode, Site
from jobs.applications.checks import rate_for, value_of_request
from jobs.applications.need import estimated_need
from jobs.models import Application


@dataclass(frozen=True)
class Preview:
    gpu_hours: int | None
    rate: Decimal | None
    value: Decimal | None
    counts_as_aid: bool
    ceiling: Decimal | None
    free_before: Decimal | None
    free_after: Decimal | None
    decided_by: str
    decide_by: date | None
    need_low: float | None = None
    need_high: float | None = None

    @property
    def used_percent(self) -> int:
        if not self.ceiling or self.free_before is None:
            return 0
        return int(100 * (self.ceiling - self.free_before) / self.ceiling)

    @property
    def this_percent(self) -> int:
        if not self.ceiling or self.value is None or not self.counts_as_aid:
            return 0
        return min(100 - self.used_percent, max(1, int(100 * self.value / self.ceiling)))

    @property
    def passes_ceiling(self) -> bool:
        return self.free_after is not None and self.free_after < 0


def preview(application: Application, *, on: date) -> Preview:
    """The figures beside the form, from whatever is filled in so far."""
    site, mode = application.site, application.mode
    value = value_of_request(application, on=on)
    rate = rate_for(application, on=on)
    counts = bool(site and site.resource_origin == Site.Origin.NATIONAL_SHARE)
    judged = _as_judged(application)
    room = headroom(organisation=application.organisation, granting_state=site.granting_state, on=on) if site else None
    low, high = estimated_need(application)
    return Preview(
        gpu_hours=application.gpu_hours,
        rate=rate.eur_per_gpu_hour if rate else None,
        value=value,
        counts_as_aid=counts,
        ceiling=room.ceiling if room else None,
        free_before=judged[0] if judged else room.left if room else None,
        free_after=judged[1] if judged else room.left - (value if counts and value else Decimal(0)) if room else None,
        decided_by=mode.get_decided_by_display(),
        decide_by=application.decide_by
        or (
            on
            if mode.decided_by == AccessMode.DecidedBy.POLICY
            else add_working_days(on, mode.decision_working_days, site.country if site else "LU")
        ),
        need_low=low,
        need_high=high,
    )


def _as_judged(application: Application) -> tuple[Decimal, Decimal] | None:
    """What was free before and after a granted request, as the stored verdict says; None while nothing is granted."""
    decision = getattr(application, "decision", None)
    if decision is None or decision.aid_assessment is None:
        return None
    verdict = decision.aid_assessment.verdict
    return Decimal(verdict["room_before_eur"]), Decimal(verdict["room_after_eur"])
