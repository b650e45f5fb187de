"""How much of a site's hardware is promised."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from jobs.models import Allocation, Application
from jobs.states import AllocationState

HOURS_A_MONTH = 730


@dataclass(frozen=True)
class Commitment:
    """Percent of a month of the partition's GPU-hours: promised before, and by this request."""

    before: int
    this: int

    @property
    def after(self) -> int:
        return self.before + self.this


def committed_share(application: Application, *, on: date) -> Commitment | None:
    """What share of one month of the partition is promised, spreading each grant evenly over its months."""
    partition = application.partition
    if partition is None or not partition.gpus_total:
        return None
    month = partition.gpus_total * HOURS_A_MONTH * 3600
    promised = (
        Allocation.objects.filter(partition=partition, state=AllocationState.ACTIVE, ends_on__gte=on).aggregate(
            total=Sum("granted_gpu_seconds")
        )["total"]
        or 0
    )
    asked = (application.gpu_hours or 0) * 3600 / max(1, application.months or 1)
    return Commitment(before=round(100 * promised / month), this=round(100 * asked / month))
