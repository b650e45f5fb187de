"""What a request would cost and change, shown before anything is sent: value, public support, who decides, when."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.calendars import add_working_days
from catalog.models import AccessMode
from jobs.applications.checks import judge_request, rate_for, value_of_request
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
    """The figures beside the form, from whatever is filled in so far. `ceiling` and what is free speak of the tightest
    limit that the grant would meet."""
    site, mode = application.site, application.mode
    value = value_of_request(application, on=on)
    rate = rate_for(application, on=on)
    found = _as_judged(application) or _as_it_stands(application, value, on)
    low, high = estimated_need(application)
    return Preview(
        gpu_hours=application.gpu_hours,
        rate=rate.eur_per_gpu_hour if rate else None,
        value=value,
        counts_as_aid=found.counts,
        ceiling=found.ceiling,
        free_before=found.before,
        free_after=found.after,
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


@dataclass(frozen=True)
class _Limit:
    """The tightest limit: its ceiling, and what is free before and after; None while no site is chosen."""

    counts: bool = False
    ceiling: Decimal | None = None
    before: Decimal | None = None
    after: Decimal | None = None


def _as_it_stands(application: Application, value: Decimal | None, on: date) -> _Limit:
    judged = judge_request(application, on=on, value=value or Decimal(0))
    if judged is None:
        return _Limit()
    _case, verdict = judged
    if not verdict.rooms:
        return _Limit(verdict.counts_as_aid, Decimal(0), Decimal(0), Decimal(0))
    room = verdict.rooms[0]
    # Below zero when it does not fit, so that the page can say so.
    return _Limit(verdict.counts_as_aid, room.ceiling_eur, room.before_eur, room.before_eur - verdict.amount_eur)


def _as_judged(application: Application) -> _Limit | None:
    """What was free before and after a granted request, as the stored verdict says; None while nothing is granted."""
    decision = getattr(application, "decision", None)
    if decision is None or decision.aid_assessment is None:
        return None
    verdict = decision.aid_assessment.verdict
    if "rooms" not in verdict:
        before, after = Decimal(verdict["room_before_eur"]), Decimal(verdict["room_after_eur"])
        return _Limit(verdict["counts_as_aid"], Decimal(verdict["ceiling_eur"]), before, after)
    room = verdict["rooms"][0] if verdict["rooms"] else {"ceiling_eur": 0, "before_eur": 0, "after_eur": 0}
    ceiling, before, after = (Decimal(room[name]) for name in ("ceiling_eur", "before_eur", "after_eur"))
    return _Limit(verdict["counts_as_aid"], ceiling, before, after)
