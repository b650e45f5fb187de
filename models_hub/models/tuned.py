"""A finished model: where it came from, how much better it is, and its files."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models

from accounts.models import Organisation
from catalog.models import FoundationModel
from models_hub.models.dataset import Dataset
from portal.kernel.models import TimeStamped, UUIDModel

if TYPE_CHECKING:
    from accounts.models import User


class TunedModelQuerySet(models.QuerySet["TunedModel"]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(organisation__role_grants__user=user).distinct()


class TunedModel(UUIDModel, TimeStamped):
    """`job_id` names the job that made it; jobs stand above this app, so it is an id and not a key."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="tuned_models")
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    job_id = models.UUIDField(unique=True)
    name = models.CharField(max_length=120)
    recipe = models.CharField(max_length=40)
    method = models.CharField(max_length=20)
    base_model = models.ForeignKey(FoundationModel, on_delete=models.PROTECT, related_name="tuned_models")
    base_revision = models.CharField(max_length=128, blank=True)
    dataset = models.ForeignKey(Dataset, null=True, on_delete=models.SET_NULL, related_name="tuned_models")
    dataset_digest = models.CharField(max_length=64)
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    licence_spdx = models.CharField(max_length=80)
    result = models.JSONField()
    manifest = models.JSONField()
    stopped_early = models.BooleanField(default=False)

    objects: ClassVar = TunedModelQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.name


class TunedFile(models.Model):
    """One file of a tuned model, as named in its manifest."""

    tuned_model = models.ForeignKey(TunedModel, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=300)
    file = models.FileField(upload_to="tuned/", max_length=400)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()

    class Meta:
        ordering = ("path",)
        constraints = (models.UniqueConstraint(fields=["tuned_model", "path"], name="one_tuned_file_per_path"),)

    def __str__(self) -> str:
        return self.path
