"""A fine-tuning job: its draft in the wizard, its attempts at a site, and everything the site reported."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from catalog.models import FoundationModel, Partition, Site
from jobs.models.allocation import Allocation
from jobs.states import DRAFT_MACHINE, JOB_FINAL, JOB_MACHINE, DraftState, JobState
from models_hub.models import Dataset
from portal.kernel.models import StatefulModel, TimeStamped, UUIDModel, state_constraint

if TYPE_CHECKING:
    from accounts.models import User

# What goes on is a handful among all that ever was, and it is asked for several times a second.
_GOING_ON = ~Q(state__in=sorted(state.value for state in JOB_FINAL))


class OwnedQuerySet(models.QuerySet):
    def visible_to(self, user: "User") -> Self:
        """Rows of the person's organisations. Officers and administrators do not see what a company trains."""
        return self.filter(organisation__role_grants__user=user).distinct()


class JobQuerySet(OwnedQuerySet):
    def unfinished(self) -> Self:
        return self.exclude(state__in=JOB_FINAL)

    def running(self) -> Self:
        return self.filter(state=JobState.RUNNING)


class JobDraft(UUIDModel, TimeStamped, StatefulModel):
    """The wizard's answers so far. `answers` holds each finished step's cleaned data under the step's code."""

    machine = DRAFT_MACHINE

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="job_drafts")
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=120, blank=True)
    recipe = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.OPEN)
    answers = models.JSONField(default=dict, blank=True)
    step_reached = models.PositiveSmallIntegerField(default=1)
    saved_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField()

    objects: ClassVar = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-saved_at",)
        constraints = (state_constraint(DRAFT_MACHINE, "job_draft_state_is_known"),)

    def __str__(self) -> str:
        return self.name or str(_("Unnamed draft"))


class Job(UUIDModel, TimeStamped, StatefulModel):
    """What runs, under a frozen spec. A retry after the site's fault is a new attempt of the same job."""

    machine = JOB_MACHINE

    reference = models.CharField(max_length=20, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="jobs")
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    # One draft starts at most one job: the second of two clicks meets this constraint.
    draft = models.OneToOneField(JobDraft, null=True, on_delete=models.PROTECT, related_name="job")
    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="jobs")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="jobs")
    partition = models.ForeignKey(Partition, on_delete=models.PROTECT, related_name="jobs")
    base_model = models.ForeignKey(FoundationModel, on_delete=models.PROTECT, related_name="jobs")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="jobs")
    name = models.CharField(max_length=120)
    recipe = models.CharField(max_length=40)
    method = models.CharField(max_length=20)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    estimate = models.JSONField(default=dict)
    gpus = models.PositiveSmallIntegerField(default=1)
    nodes = models.PositiveSmallIntegerField(default=1)
    # The owner's standing consent: while nobody has committed to it, it may go to another place of its allocation.
    may_move = models.BooleanField(default=False)
    max_seconds = models.PositiveIntegerField()
    reserved_gpu_seconds = models.BigIntegerField()
    state_since = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)
    eta_seconds = models.PositiveIntegerField(null=True, blank=True)
    hint_code = models.CharField(max_length=40, blank=True)
    sentence = models.TextField(blank=True)
    # The answers of the draft, kept so that "use these settings again" works after the draft is gone.
    answers = models.JSONField(default=dict)

    objects: ClassVar = JobQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (state_constraint(JOB_MACHINE, "job_state_is_known"),)
        indexes = (
            models.Index(fields=["site", "state", "created_at"], name="job_queue_of_site"),
            models.Index(fields=["state"], condition=_GOING_ON, name="jobs_going_on"),
        )

    def __str__(self) -> str:
        return f"{self.reference} {self.name}"

    @property
    def is_final(self) -> bool:
        return self.state in JOB_FINAL


class Attempt(UUIDModel, TimeStamped):
    """One try at one site. `key` is the remote name, `lease_token` fences everything the agent says about it."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60, unique=True)
    # The moment of the lease by the caller's clock: usage and receipts are held against it.
    created_at = models.DateTimeField(editable=False, db_index=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="attempts")
    agent = models.ForeignKey("jobs.SiteAgent", null=True, on_delete=models.SET_NULL, related_name="attempts")
    lease_epoch = models.BigIntegerField()
    lease_token = models.CharField(max_length=64)
    lease_expires_at = models.DateTimeField()
    not_after = models.DateTimeField()
    native_id = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.LEASED)
    state_seq = models.BigIntegerField(default=0)
    last_heard_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    signal = models.IntegerField(null=True, blank=True)
    hint_code = models.CharField(max_length=40, blank=True)
    sentence = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    # From heartbeats while it runs: for warnings only, never charged.
    provisional_gpu_seconds = models.BigIntegerField(default=0)
    # Until when those heartbeats count, by the portal's clock.
    provisional_at = models.DateTimeField(null=True, blank=True)
    # The agent's Ed25519 signature over the bytes of manifest.json, in base64, and the key that made it.
    manifest_signature = models.CharField(max_length=100, blank=True)
    manifest_key = models.CharField(max_length=16, blank=True)
    # Until when the site may keep the job's data, and when it said that they are gone.
    remove_by = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("job", "number")
        constraints = (models.UniqueConstraint(fields=["job", "number"], name="one_attempt_per_number"),)
        indexes = (
            models.Index(
                fields=["site", "remove_by"], condition=Q(removed_at__isnull=True), name="data_still_at_a_site"
            ),
            models.Index(fields=["agent", "state"], condition=_GOING_ON, name="attempts_going_on"),
        )

    def __str__(self) -> str:
        return self.key


class JobEvent(models.Model):
    """One event of an attempt's stream. The sequence number is the site's; a repeat meets the constraint."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="events")
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    type = models.CharField(max_length=20)
    data = models.JSONField()

    class Meta:
        ordering = ("attempt", "seq")
        constraints = (models.UniqueConstraint(fields=["attempt", "seq"], name="one_event_per_sequence_number"),)
        indexes = (models.Index(fields=["attempt", "type", "seq"], name="events_of_type"),)

    def __str__(self) -> str:
        return f"{self.attempt} {self.seq} {self.type}"


class LogChunk(models.Model):
    """A piece of an attempt's log, placed by its byte offset."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="log_chunks")
    offset = models.BigIntegerField()
    text = models.TextField()

    class Meta:
        ordering = ("attempt", "offset")
        constraints = (models.UniqueConstraint(fields=["attempt", "offset"], name="one_log_chunk_per_offset"),)

    def __str__(self) -> str:
        return f"{self.attempt} @{self.offset}"


class UsageRecord(models.Model):
    """What an attempt held, from the scheduler. Immutable; a correction is a new row that names the old one."""

    class Method(models.TextChoices):
        ACCOUNTING = "accounting", _("The scheduler's accounting")
        RECEIPT = "receipt", _("The job's own receipt")
        CORRECTION = "correction", _("Correction")

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="usage_records")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="usage_records")
    cluster = models.CharField(max_length=60)
    native_id = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    gpus = models.PositiveSmallIntegerField()
    gpu_seconds = models.BigIntegerField()
    cpu_seconds = models.BigIntegerField(default=0)
    energy_joules = models.BigIntegerField(null=True)
    # What the job's own receipt says of the same start: a second witness, never charged.
    receipt_gpu_seconds = models.BigIntegerField(null=True)
    method = models.CharField(max_length=12, choices=Method.choices)
    corrects = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="corrections")
    reported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("started_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["site", "cluster", "native_id", "started_at", "method"],
                condition=Q(corrects__isnull=True),
                name="usage_is_counted_once",
            ),
            models.UniqueConstraint(fields=["corrects"], name="usage_is_corrected_once"),
            models.CheckConstraint(condition=Q(gpu_seconds__gte=0), name="usage_is_not_negative"),
            models.CheckConstraint(condition=Q(ended_at__gte=models.F("started_at")), name="usage_ends_after_start"),
        )
        indexes = (BrinIndex(fields=["reported_at"], name="usage_by_report_time"),)

    def __str__(self) -> str:
        return f"{self.site} {self.native_id} {self.gpu_seconds} GPU-s"


class Artefact(UUIDModel, TimeStamped):
    """One file an attempt sends back, received in pieces and checked whole."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="artefacts")
    path = models.CharField(max_length=300)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    received = models.BigIntegerField(default=0)
    complete = models.BooleanField(default=False)
    file = models.FileField(upload_to="artefacts/", max_length=400, blank=True)

    class Meta:
        ordering = ("path",)
        constraints = (models.UniqueConstraint(fields=["attempt", "path"], name="one_artefact_per_path"),)

    def __str__(self) -> str:
        return f"{self.attempt} {self.path}"
