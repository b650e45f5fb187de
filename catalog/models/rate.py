"""What an hour is worth, since when, and how anybody knows."""

import uuid
from datetime import date
from typing import ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from catalog.models.site import Partition
from catalog.states import RATE_MACHINE, RateState
from portal.kernel.models import StatefulModel, TimeStamped, state_constraint


class RateCardQuerySet(models.QuerySet["RateCard"]):
    def approved(self) -> Self:
        return self.filter(state=RateState.APPROVED)

    def proposed(self) -> Self:
        return self.filter(state=RateState.PROPOSED)

    def valid_on(self, day: date) -> Self:
        """The one rate that holds for each hardware that day: of the approved ones, the last to begin."""
        begun = RateCard.objects.approved().filter(valid_from__lte=day)
        later = begun.filter(partition=OuterRef("partition"), valid_from__gt=OuterRef("valid_from"))
        found = self.approved().filter(valid_from__lte=day).filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day))
        return found.filter(~Exists(later))


def evidence_path(card: "RateCard", _filename: str) -> str:
    """Named by id, never by what somebody called the file."""
    return f"rates/{card.partition_id}/{uuid.uuid4()}"


class RateCard(TimeStamped, StatefulModel):
    """What one GPU-hour is worth, EUR without VAT, from a day on, and how that was found.

    One administrator proposes it with its evidence, another approves it; from then on the database refuses any change.
    A new price is a new row, and ends the one before by beginning; what was granted keeps the rate it was frozen at.

    valid_to          last day, for a rate that ends without a successor
    evidence_sha256   of the uploaded paper, else of the evidence text as UTF-8
    proposed_by, decided_by  empty for curated records; no name is copied, so that a person can leave
    """

    class Method(models.TextChoices):
        HOST_TARIFF = "host_tariff", _("The host's published commercial tariff")
        MARKET_MEDIAN = "market_median", _("Median of public list prices in the EU")
        FULL_COST = "full_cost", _("Full cost and a reasonable margin")
        DEMONSTRATION = "demonstration", _("Invented for demonstration")

    machine = RATE_MACHINE

    partition = models.ForeignKey(Partition, on_delete=models.CASCADE, related_name="rate_cards")
    state = models.CharField(max_length=10, choices=RateState.choices, default=RateState.PROPOSED)
    eur_per_gpu_hour = models.DecimalField(max_digits=10, decimal_places=4)
    method = models.CharField(max_length=20, choices=Method.choices)
    evidence = models.TextField(blank=True)
    evidence_url = models.URLField(blank=True)
    evidence_file = models.FileField(upload_to=evidence_path, blank=True)
    evidence_filename = models.CharField(max_length=200, blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    proposed_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_on = models.DateField(null=True, blank=True)

    objects: ClassVar = RateCardQuerySet.as_manager()

    class Meta:
        ordering = ("partition", "-valid_from")
        constraints = (
            state_constraint(RATE_MACHINE, "rate_state_is_known"),
            models.CheckConstraint(condition=Q(eur_per_gpu_hour__gte=0), name="rate_is_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=models.F("valid_from")),
                name="rate_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["partition", "valid_from"],
                condition=Q(state=RateState.APPROVED),
                name="one_approved_rate_per_day",
            ),
            models.UniqueConstraint(
                fields=["partition"], condition=Q(state=RateState.PROPOSED), name="one_proposed_rate_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state=RateState.APPROVED)
                | Q(proposed_by__isnull=True)
                | ~Q(proposed_by=models.F("decided_by")),
                name="nobody_approves_their_own_rate",
            ),
        )

    def __str__(self) -> str:
        return f"{self.partition} {self.eur_per_gpu_hour} EUR from {self.valid_from}"
