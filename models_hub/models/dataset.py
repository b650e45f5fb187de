"""A data set as uploaded, what the check found, and the three parts it was split into."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from models_hub.states import DATASET_MACHINE, DatasetState
from portal.kernel.models import StatefulModel, TimeStamped, UUIDModel, state_constraint

if TYPE_CHECKING:
    from accounts.models import User


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: "User") -> Self:
        """Data of the person's organisations; nobody else sees it, officers and administrators included."""
        return self.filter(organisation__role_grants__user=user).exclude(state=DatasetState.DELETED).distinct()

    def ready(self) -> Self:
        return self.filter(state=DatasetState.READY)


class Dataset(UUIDModel, TimeStamped, StatefulModel):
    machine = DATASET_MACHINE

    class Kind(models.TextChoices):
        CHAT = "chat", _("Conversations or question and answer")
        CLASSIFICATION = "classification", _("Texts with labels")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="datasets")
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("what is in it"), max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=16, choices=DatasetState.choices, default=DatasetState.UPLOADED)
    sample_code = models.CharField(max_length=60, blank=True)
    original_name = models.CharField(max_length=255)
    upload = models.FileField(upload_to="uploads/", max_length=300)
    upload_sha256 = models.CharField(max_length=64)
    upload_bytes = models.BigIntegerField()
    mapping = models.JSONField(default=dict, blank=True)
    report = models.JSONField(default=dict, blank=True)
    rejected_rows = models.FileField(upload_to="rejected/", max_length=300, blank=True)
    rows = models.BigIntegerField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    labels = models.JSONField(default=list, blank=True)
    contains_personal_data = models.BooleanField(_("contains personal data"), null=True)
    # Countries (ISO 3166-1) whose sites may receive the data; empty: every site of the federation.
    residency = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    keep_until = models.DateField(_("keep until"), null=True, blank=True)
    check_started_at = models.DateTimeField(null=True, blank=True)
    sentence = models.TextField(blank=True)

    objects: ClassVar = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (state_constraint(DATASET_MACHINE, "dataset_state_is_known"),)

    def __str__(self) -> str:
        return self.name


class DatasetPart(models.Model):
    """One of the three parts: normalised JSON lines, what a job's spec refers to by digest."""

    class Name(models.TextChoices):
        TRAIN = "train", _("Training")
        VALIDATION = "validation", _("Validation")
        TEST = "test", _("Test")

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=12, choices=Name.choices)
    file = models.FileField(upload_to="parts/", max_length=300)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    rows = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["dataset", "name"], name="one_part_of_each_name"),)

    def __str__(self) -> str:
        return f"{self.dataset} {self.name}"
