"""Granted GPU time and the append-only book of what happened to it, in whole GPU-seconds."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from catalog.models import Partition, RateCard, Site
from jobs.models.application import Application
from jobs.states import ALLOCATION_MACHINE, AllocationState
from portal.kernel.models import StatefulModel, TimeStamped, UUIDModel, state_constraint

if TYPE_CHECKING:
    from datetime import date

    from accounts.models import User


class AllocationQuerySet(models.QuerySet["Allocation"]):
    def visible_to(self, user: "User") -> Self:
        own = Q(organisation__role_grants__user=user)
        helped = Q(site__in=Site.objects.helped_by(user))
        return self.filter(own | helped).distinct()

    def usable_on(self, day: "date") -> Self:
        return self.filter(state=AllocationState.ACTIVE, starts_on__lte=day, ends_on__gte=day)


class Allocation(UUIDModel, TimeStamped, StatefulModel):
    """The right to use GPU time at one site between two days (both included); the rate was frozen at grant."""

    machine = ALLOCATION_MACHINE

    reference = models.CharField(max_length=20, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="allocations")
    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="allocation")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="allocations")
    partition = models.ForeignKey(Partition, on_delete=models.PROTECT, related_name="allocations")
    state = models.CharField(max_length=8, choices=AllocationState.choices, default=AllocationState.ACTIVE)
    granted_gpu_seconds = models.BigIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="+")
    eur_per_gpu_hour = models.DecimalField(max_digits=10, decimal_places=4)
    # The thread of AidAward rows that this grant reserved.
    award = models.UUIDField()

    objects: ClassVar = AllocationQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            state_constraint(ALLOCATION_MACHINE, "allocation_state_is_known"),
            models.CheckConstraint(condition=Q(granted_gpu_seconds__gt=0), name="allocation_grants_something"),
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="allocation_ends_after_start"),
        )

    def __str__(self) -> str:
        return self.reference


class LedgerEntry(models.Model):
    """One booking. `gpu_seconds` is signed: what it adds to, or takes from, what is available. Never edited."""

    class Kind(models.TextChoices):
        GRANT = "grant", _("Granted")
        RESERVE = "reserve", _("Set aside for a job")
        RELEASE = "release", _("Given back")
        CHARGE = "charge", _("Used")
        ADJUST = "adjust", _("Changed by an administrator")
        REVERSE = "reverse", _("Reversed")

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="entries")
    job = models.ForeignKey("jobs.Job", null=True, on_delete=models.PROTECT, related_name="ledger_entries")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    gpu_seconds = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    reason = models.CharField(max_length=300, blank=True)
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    # A charge booked anew names the reversal of the one before it: there is never more than one charge in force.
    after = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="rebooked_by")

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["job", "kind"],
                condition=Q(kind__in=["reserve", "release", "charge"], after__isnull=True),
                name="job_is_booked_once_per_kind",
            ),
            models.UniqueConstraint(
                fields=["allocation"], condition=Q(kind="grant"), name="allocation_is_granted_once"
            ),
            models.CheckConstraint(
                name="only_a_charge_is_booked_anew", condition=Q(after__isnull=True) | Q(kind="charge")
            ),
            models.CheckConstraint(
                name="ledger_sign_fits_kind",
                condition=(
                    Q(kind__in=["grant", "release"], gpu_seconds__gte=0)
                    | Q(kind__in=["reserve", "charge"], gpu_seconds__lte=0)
                    | Q(kind__in=["adjust", "reverse"])
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.allocation} {self.kind} {self.gpu_seconds:+d}"
