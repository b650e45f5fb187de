"""Ways to get compute, as dated data: limits, durations, who decides and by when."""

from datetime import date
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.curated import Curated
from catalog.models.site import Site


class AccessModeQuerySet(models.QuerySet["AccessMode"]):
    def open_on(self, day: date) -> Self:
        return self.filter(is_open=True, valid_from__lte=day).filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day))


class AccessMode(Curated):
    """One published way to a grant, valid between two days. `code` repeats when the terms change."""

    class DecidedBy(models.TextChoices):
        POLICY = "policy", _("At once, by published rules")
        HELPDESK = "helpdesk", _("A helpdesk officer of the site")
        PEER_REVIEW = "peer_review", _("Technical check and peer review")

    code = models.SlugField()
    name = models.CharField(max_length=80)
    summary = models.TextField()
    audience = models.TextField(blank=True)
    decided_by = models.CharField(max_length=12, choices=DecidedBy.choices)
    min_gpu_hours = models.PositiveIntegerField(default=1)
    max_gpu_hours = models.PositiveIntegerField(null=True, blank=True)
    months = ArrayField(models.PositiveSmallIntegerField(), default=list)
    decision_working_days = models.PositiveSmallIntegerField(default=0)
    cut_offs = ArrayField(models.DateTimeField(), default=list, blank=True)
    # Parameters of the published rules, e.g. {"once_per_months": 12}; read by jobs.applications.
    rules = models.JSONField(default=dict, blank=True)
    is_open = models.BooleanField(default=True)
    sites = models.ManyToManyField(Site, blank=True, related_name="access_modes")
    position = models.PositiveSmallIntegerField(default=0)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.TextField(blank=True)

    objects: ClassVar = AccessModeQuerySet.as_manager()

    class Meta:
        ordering = ("position", "code", "-valid_from")
        constraints = (models.UniqueConstraint(fields=["code", "valid_from"], name="one_access_mode_version_per_day"),)

    def __str__(self) -> str:
        return self.name
