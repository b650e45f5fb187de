"""What the federation knows of its sites beyond the agents themselves: keys, capacity, messages, accounts compared."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Partition, Site
from jobs.models.allocation import Allocation
from jobs.models.job import Attempt, Job, UsageRecord
from jobs.models.site_agent import SiteAgent
from portal.kernel.models import TimeStamped, UUIDModel


class AgentKey(TimeStamped):
    """A public key an agent signs with. While a new one is taken into use, two are in force."""

    agent = models.ForeignKey(SiteAgent, on_delete=models.CASCADE, related_name="keys")
    public_key = models.CharField(max_length=100, unique=True)
    fingerprint = models.CharField(max_length=16, db_index=True)
    last_used_at = models.DateTimeField(null=True)
    # After this moment the key is no longer accepted; empty while nothing has replaced it.
    not_after = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("agent", "created_at")

    def __str__(self) -> str:
        return f"{self.agent} {self.fingerprint}"


class PartitionReport(models.Model):
    """How busy one partition is, as an agent last said. Older than `good_for_seconds` it is shown as stale."""

    agent = models.ForeignKey(SiteAgent, on_delete=models.CASCADE, related_name="partition_reports")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="partition_reports")
    name = models.CharField(max_length=60)
    gpus_total = models.PositiveIntegerField(default=0)
    gpus_free = models.PositiveIntegerField(default=0)
    queued = models.PositiveIntegerField(default=0)
    max_seconds = models.PositiveIntegerField(null=True)
    # [{"gpus", "nodes", "seconds", "starts_at"}]: when a job of that shape would start, as the scheduler expects.
    expected_starts = models.JSONField(default=list)
    health = models.CharField(max_length=12, default="ok")
    detail = models.CharField(max_length=300, blank=True)
    measured_at = models.DateTimeField()
    good_for_seconds = models.PositiveIntegerField(default=120)

    class Meta:
        ordering = ("site", "name")
        constraints = (models.UniqueConstraint(fields=["agent", "name"], name="one_report_per_agent_and_partition"),)

    def __str__(self) -> str:
        return f"{self.site} {self.name}"


class MaintenanceWindow(models.Model):
    """A time in which a site, or one of its partitions, runs nothing: reported by its agent or entered by a person."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="maintenance_windows")
    agent = models.ForeignKey(SiteAgent, null=True, on_delete=models.CASCADE, related_name="maintenance_windows")
    partition_name = models.CharField(max_length=60, blank=True)
    # The scheduler's name of the reservation, so that a later report finds it again.
    native_name = models.CharField(max_length=100, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    entered_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("starts_at",)
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="maintenance_ends_after_start"),
        )

    def __str__(self) -> str:
        return f"{self.site} {self.starts_at:%Y-%m-%d %H:%M}"


class SiteMessage(models.Model):
    """One exchange with an agent that said or was refused something; the newest few hundred a site are kept."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="messages")
    agent = models.ForeignKey(SiteAgent, null=True, on_delete=models.SET_NULL, related_name="messages")
    at = models.DateTimeField(db_index=True)
    call = models.CharField(max_length=20)
    # Numbers only, never contents: {"events": 3, "usage": 1, "work": 1, "refused": ["usage_negative"]}.
    said = models.JSONField(default=dict)
    problem = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.site} {self.call} {self.problem}"


class SiteOutage(models.Model):
    """A time in which no agent of a site was heard. Its operators are told once when it begins and once at its end."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="outages")
    # The last sign of life before it, and the first one after it.
    since = models.DateTimeField()
    noticed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-since",)
        constraints = (
            models.UniqueConstraint(
                fields=["site"], condition=Q(ended_at__isnull=True), name="one_outage_of_a_site_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.site} since {self.since:%Y-%m-%d %H:%M}"


class UsageDiscrepancy(UUIDModel, TimeStamped):
    """Two witnesses of one start that differ by more than 60 s or 1 %, for a person to decide. Nothing is averaged."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("Accounting and the job's receipt differ")
        PROVISIONAL = "provisional", _("Accounting and the heartbeats differ")
        MISSING = "missing", _("The job ran, and no usage was reported")
        LATE = "late", _("Usage arrived after the job was settled")
        DIGEST = "digest", _("The site's book and ours differ")

    class Outcome(models.TextChoices):
        KEPT = "kept", _("The accounting stands")
        CORRECTED = "corrected", _("Corrected")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="usage_discrepancies")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="usage_discrepancies")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    record = models.ForeignKey(UsageRecord, null=True, on_delete=models.PROTECT, related_name="discrepancies")
    accounting_gpu_seconds = models.BigIntegerField(null=True)
    other_gpu_seconds = models.BigIntegerField(null=True)
    detail = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    note = models.CharField(max_length=500, blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    correction = models.ForeignKey(UsageRecord, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["attempt", "kind", "record"],
                condition=Q(attempt__isnull=False),
                name="one_discrepancy_per_kind_and_record",
                nulls_distinct=False,
            ),
        )

    def __str__(self) -> str:
        return f"{self.site} {self.kind} {self.attempt or ''}"


class Reconciliation(TimeStamped):
    """One day's usage of an agent, its book against ours: equal, or what was repaired and what is left."""

    agent = models.ForeignKey(SiteAgent, on_delete=models.CASCADE, related_name="reconciliations")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="reconciliations")
    day = models.DateField()
    agent_rows = models.PositiveIntegerField()
    portal_rows = models.PositiveIntegerField()
    agent_gpu_seconds = models.BigIntegerField()
    portal_gpu_seconds = models.BigIntegerField()
    agent_digest = models.CharField(max_length=64)
    portal_digest = models.CharField(max_length=64)
    equal = models.BooleanField()
    repaired = models.PositiveIntegerField(default=0)
    detail = models.JSONField(default=dict)
    checked_at = models.DateTimeField()

    class Meta:
        ordering = ("-day", "site")
        constraints = (models.UniqueConstraint(fields=["agent", "day"], name="one_reconciliation_per_agent_and_day"),)

    def __str__(self) -> str:
        return f"{self.site} {self.day}"


class AllocationPlace(TimeStamped):
    """A further site at which the hours of an allocation may be used, hour for hour, when its own does not answer."""

    allocation = models.ForeignKey(Allocation, on_delete=models.CASCADE, related_name="places")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    partition = models.ForeignKey(Partition, on_delete=models.PROTECT, related_name="+")
    added_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("created_at",)
        constraints = (
            models.UniqueConstraint(fields=["allocation", "partition"], name="one_place_per_allocation_and_partition"),
        )

    def __str__(self) -> str:
        return f"{self.allocation} at {self.partition}"


class JobMove(models.Model):
    """A job that went to another site before any site had committed to it, and why."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="moves")
    from_site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    to_site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ("at",)

    def __str__(self) -> str:
        return f"{self.job.reference}: {self.from_site} to {self.to_site}"
