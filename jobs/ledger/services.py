"""Booking GPU time. The allocation row is the scarce thing: every booking locks it first, then looks, then writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.models import User
from jobs.models import Allocation, Job, LedgerEntry
from portal.kernel.errors import DomainError
from portal.kernel.money import seconds_to_hours

Kind = LedgerEntry.Kind


@dataclass(frozen=True)
class Balance:
    """Where an allocation stands, in whole GPU-seconds. granted = used + reserved + available, always."""

    granted: int = 0
    reserved: int = 0
    used: int = 0

    @property
    def available(self) -> int:
        return self.granted - self.reserved - self.used

    @property
    def used_percent(self) -> int:
        return min(100, round(100 * self.used / self.granted)) if self.granted > 0 else 0

    @property
    def reserved_percent(self) -> int:
        return min(100 - self.used_percent, round(100 * self.reserved / self.granted)) if self.granted > 0 else 0


def balances(allocations: Iterable[Allocation]) -> dict[UUID, Balance]:
    """The balance of each allocation, in one query. A reversal counts against the kind it reverses."""
    keys = [allocation.pk for allocation in allocations]
    effective = Case(When(kind=Kind.REVERSE, then=F("reverses__kind")), default=F("kind"))
    rows = (
        LedgerEntry.objects.filter(allocation__in=keys)
        .annotate(effective=effective)
        .values("allocation")
        .annotate(
            granted=Coalesce(Sum("gpu_seconds", filter=Q(effective__in=[Kind.GRANT, Kind.ADJUST])), Value(0)),
            held=Coalesce(Sum("gpu_seconds", filter=Q(effective__in=[Kind.RESERVE, Kind.RELEASE])), Value(0)),
            charged=Coalesce(Sum("gpu_seconds", filter=Q(effective=Kind.CHARGE)), Value(0)),
        )
        .order_by()
    )
    found = {
        row["allocation"]: Balance(granted=row["granted"], reserved=-row["held"], used=-row["charged"]) for row in rows
    }
    return {key: found.get(key, Balance()) for key in keys}


def balance(allocation: Allocation) -> Balance:
    """The balance of one allocation."""
    return balances([allocation])[allocation.pk]


def lock(allocation: Allocation) -> Allocation:
    """The allocation's row, locked until the surrounding transaction ends. Lock it once, before any check."""
    return Allocation.objects.select_for_update(of=("self",)).select_related("site", "partition").get(pk=allocation.pk)


@transaction.atomic
def reserve(*, allocation: Allocation, job: Job, gpu_seconds: int) -> LedgerEntry:
    """Sets GPU time aside for a job before anything is sent to a site.

    Raises DomainError("not_enough_hours") naming what is left; then nothing is booked.
    """
    if gpu_seconds <= 0:
        raise DomainError("nothing_to_reserve", _("This job would use no GPU time. Choose at least one GPU."))
    lock(allocation)
    available = balance(allocation).available
    if gpu_seconds > available:
        raise DomainError(
            "not_enough_hours",
            _(
                "This run sets aside %(needed)s GPU-hours, but %(available)s are left in %(allocation)s. "
                "Choose a shorter run, wait for a running job to give hours back, or ask for more."
            )
            % {
                "needed": seconds_to_hours(gpu_seconds),
                "available": seconds_to_hours(max(0, available)),
                "allocation": allocation.reference,
            },
        )
    return LedgerEntry.objects.create(allocation=allocation, job=job, kind=Kind.RESERVE, gpu_seconds=-gpu_seconds)


@transaction.atomic
def settle(*, job: Job, charged_gpu_seconds: int, reason: str = "") -> bool:
    """Gives the reservation back and charges what was used, once. Returns False when it was settled before.

    A charge may exceed the reservation (a site may run over by the seconds it takes to stop); it is then booked whole,
    because what was used was used, and the balance shows it.
    """
    if charged_gpu_seconds < 0:
        raise ValueError("a charge is never negative; use reverse() to correct one")
    lock(job.allocation)
    entries = {entry.kind: entry for entry in job.ledger_entries.filter(kind__in=[Kind.RESERVE, Kind.RELEASE])}
    if Kind.RELEASE in entries:
        return False
    if Kind.RESERVE not in entries:
        raise DomainError("nothing_reserved", _("This job has no reservation to settle."))
    LedgerEntry.objects.create(
        allocation=job.allocation,
        job=job,
        kind=Kind.RELEASE,
        gpu_seconds=-entries[Kind.RESERVE].gpu_seconds,
        reason=reason,
    )
    LedgerEntry.objects.create(
        allocation=job.allocation, job=job, kind=Kind.CHARGE, gpu_seconds=-charged_gpu_seconds, reason=reason
    )
    return True


@transaction.atomic
def reverse(*, entry: LedgerEntry, reason: str, actor: User | None) -> LedgerEntry:
    """Corrects a booking by its opposite. One entry is reversed once; a reversal is not reversed."""
    lock(entry.allocation)
    if entry.kind == Kind.REVERSE:
        raise DomainError("reversal_of_reversal", _("A reversal stands. Book the right amount anew instead."))
    if LedgerEntry.objects.filter(reverses=entry).exists():
        raise DomainError("already_reversed", _("This booking has been reversed before."))
    opposite = LedgerEntry.objects.create(
        allocation=entry.allocation,
        job=entry.job,
        kind=Kind.REVERSE,
        gpu_seconds=-entry.gpu_seconds,
        reverses=entry,
        reason=reason,
    )
    audit.record(
        actor=actor,
        action="ledger.reversed",
        target=opposite,
        organisation=entry.allocation.organisation,
        entry=entry.pk,
        gpu_seconds=opposite.gpu_seconds,
    )
    return opposite


def charge_of(job: Job) -> int:
    """GPU-seconds the job is charged now."""
    charge = job.ledger_entries.filter(kind=Kind.CHARGE, reversed_by__isnull=True).first()
    return -charge.gpu_seconds if charge else 0


@transaction.atomic
def recharge(*, job: Job, gpu_seconds: int, reason: str, actor: User | None) -> LedgerEntry | None:
    """Books another charge in place of the one in force: its reversal, and a new charge that names the reversal.

    None when that very amount is charged already; then nothing is booked. Both old rows stay.
    """
    if gpu_seconds < 0:
        raise ValueError("a charge is never negative")
    lock(job.allocation)
    charge = job.ledger_entries.filter(kind=Kind.CHARGE, reversed_by__isnull=True).first()
    if charge is None:
        raise DomainError("not_charged", _("This job has no charge in force that could be booked anew."))
    if charge.gpu_seconds == -gpu_seconds:
        return None
    opposite = reverse(entry=charge, reason=reason, actor=actor)
    return LedgerEntry.objects.create(
        allocation=job.allocation, job=job, kind=Kind.CHARGE, gpu_seconds=-gpu_seconds, after=opposite, reason=reason
    )


@transaction.atomic
def adjust(*, allocation: Allocation, gpu_seconds: int, reason: str, actor: User) -> LedgerEntry:
    """Raises or lowers an allocation. It cannot be lowered below what is used and set aside."""
    lock(allocation)
    available = balance(allocation).available
    if gpu_seconds < 0 and -gpu_seconds > available:
        raise DomainError(
            "below_what_is_used",
            ngettext(
                "Only %(hours)s GPU-hour of this allocation is free to take back.",
                "Only %(hours)s GPU-hours of this allocation are free to take back.",
                int(seconds_to_hours(available)),
            )
            % {"hours": seconds_to_hours(max(0, available))},
        )
    entry = LedgerEntry.objects.create(allocation=allocation, kind=Kind.ADJUST, gpu_seconds=gpu_seconds, reason=reason)
    audit.record(
        actor=actor,
        action="allocation.adjusted",
        target=allocation,
        organisation=allocation.organisation,
        gpu_seconds=gpu_seconds,
        reason=reason,
    )
    return entry
