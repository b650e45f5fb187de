"""Awards, declarations and verdicts. Rows are appended, never changed; money is EUR gross grant equivalent."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import Organisation
from portal.kernel.models import TimeStamped, UUIDModel


class AidLock(models.Model):
    """The row a decision locks before it looks: one for each granting State and undertaking."""

    granting_state = models.CharField(max_length=2)
    undertaking = models.UUIDField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["granting_state", "undertaking"], name="one_lock_per_state_undertaking"),
        )

    def __str__(self) -> str:
        return f"{self.granting_state} {self.undertaking}"


class AidAssessment(UUIDModel, TimeStamped):
    """One verdict with every input and the rule version, so that an auditor can compute it again."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aid_assessments")
    on = models.DateField()
    regime = models.CharField(max_length=40)
    rule_version = models.CharField(max_length=40)
    outcome = models.CharField(max_length=20)
    case = models.JSONField()
    verdict = models.JSONField()

    def __str__(self) -> str:
        return f"{self.organisation} {self.on} {self.regime}: {self.outcome}"


class AidAward(UUIDModel, TimeStamped):
    """One event in the life of an award. `award` is the thread; the sum of `amount_eur` over it is what counts."""

    class Event(models.TextChoices):
        RESERVED = "reserved", _("Reserved")
        GRANTED = "granted", _("Granted")
        ADJUSTED = "adjusted", _("Adjusted")
        LAPSED = "lapsed", _("Lapsed")
        REVERSED = "reversed", _("Reversed")

    class Origin(models.TextChoices):
        UNION_SHARE = "union_share", _("Union share")
        CEDED_TO_JU = "ceded_to_ju", _("Ceded to the Joint Undertaking")
        NATIONAL_SHARE = "national_share", _("National share")
        COMMERCIAL = "commercial", _("Commercial, at market price")

    award = models.UUIDField(default=uuid.uuid4, db_index=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aid_awards")
    event = models.CharField(max_length=10, choices=Event.choices)
    granting_state = models.CharField(max_length=2)
    granting_authority = models.CharField(max_length=200)
    origin = models.CharField(max_length=20, choices=Origin.choices)
    regime = models.CharField(max_length=40)
    amount_eur = models.DecimalField(max_digits=14, decimal_places=2)
    granted_on = models.DateField()
    reference = models.CharField(max_length=60)
    assessment = models.ForeignKey(AidAssessment, null=True, on_delete=models.PROTECT, related_name="awards")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("created_at",)
        indexes = (models.Index(fields=["organisation", "granting_state", "granted_on"], name="aid_by_undertaking"),)

    def __str__(self) -> str:
        return f"{self.reference} {self.event} {self.amount_eur}"


class AidDeclaration(UUIDModel, TimeStamped):
    """A signed statement of all other de minimis aid of the last three years.

    `items`: [{state, amount_eur, granted_on, regulation}], amounts as strings, days as ISO dates.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aid_declarations")
    items = models.JSONField(default=list)
    signed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    signed_on = models.DateField()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.organisation} {self.signed_on}"
