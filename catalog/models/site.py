"""Sites of the federation: who runs them, what hardware they have and whose time it is."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role
from catalog.models.curated import Curated
from portal.kernel.models import TimeStamped

if TYPE_CHECKING:
    from accounts.models import User


class SiteQuerySet(models.QuerySet["Site"]):
    def connected(self) -> Self:
        return self.filter(status=Site.Status.CONNECTED)

    def helped_by(self, user: "User") -> Self:
        """Sites whose requests this person decides."""
        return self.filter(slug__in=user.role_grants.filter(role=Role.HELPDESK).values("site_slug"))

    def operated_by(self, user: "User") -> Self:
        """Sites whose agent and machines this person looks after."""
        return self.filter(slug__in=user.role_grants.filter(role=Role.OPERATOR).values("site_slug"))


class Site(TimeStamped, Curated):
    """An AI Factory, national centre or cloud. *Known* sites are listed; *connected* ones run our agent."""

    class Status(models.TextChoices):
        KNOWN = "known", _("Known, not connected")
        CONNECTED = "connected", _("Connected")
        DRAINING = "draining", _("Takes no new work")

    class Kind(models.TextChoices):
        AI_FACTORY = "ai_factory", _("AI Factory")
        ANTENNA = "antenna", _("AI Factory antenna")
        NATIONAL = "national", _("National centre")
        CLOUD = "cloud", _("EU cloud")
        DEMONSTRATION = "demonstration", _("Demonstration")

    class Origin(models.TextChoices):
        """Whose time is given away; decides the state-aid treatment (facts: legal.md 4.2)."""

        UNION_SHARE = "union_share", _("Union share")
        CEDED_TO_JU = "ceded_to_ju", _("Ceded to the Joint Undertaking")
        NATIONAL_SHARE = "national_share", _("National share")
        COMMERCIAL = "commercial", _("Commercial, at market price")

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=160)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.AI_FACTORY)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.KNOWN)
    country = models.CharField(max_length=2)
    city = models.CharField(max_length=80, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    system_name = models.CharField(max_length=120, blank=True)
    system_status = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    url = models.URLField(blank=True)
    sectors = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    helpdesk_languages = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    granting_state = models.CharField(max_length=2, blank=True)
    granting_authority = models.CharField(max_length=200, blank=True)
    resource_origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.NATIONAL_SHARE)
    # The published measure that free time rests on; without one it is de minimis aid.
    aid_scheme = models.ForeignKey(
        "accounts.AidScheme", null=True, blank=True, on_delete=models.PROTECT, related_name="sites"
    )
    offers_starter = models.BooleanField(default=False)
    pue = models.DecimalField(max_digits=4, decimal_places=2, default=1.3)
    grid_g_per_kwh = models.PositiveIntegerField(default=250)
    grid_source = models.CharField(max_length=120, blank=True)
    # An antenna gives access to the factories it is linked to, by their slugs.
    linked_factories = ArrayField(models.SlugField(), default=list, blank=True)
    source = models.TextField(blank=True)

    objects: ClassVar = SiteQuerySet.as_manager()

    class Meta:
        ordering = ("country", "name")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalog:site", args=[self.slug])

    @property
    def is_connected(self) -> bool:
        return self.status == self.Status.CONNECTED


class Partition(Curated):
    """A kind of GPU a site offers. `share_*`: fraction of peak that fine-tuning reaches, for the estimate's range."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="partitions")
    name = models.CharField(max_length=60)
    gpu_type = models.CharField(max_length=60)
    gpu_memory_gb = models.DecimalField(max_digits=8, decimal_places=1)
    bf16_tflops = models.DecimalField(max_digits=10, decimal_places=3)
    gpus_total = models.PositiveIntegerField()
    gpus_per_node = models.PositiveIntegerField(default=4)
    tdp_watts = models.PositiveIntegerField()
    share_low = models.DecimalField(max_digits=4, decimal_places=3)
    share_high = models.DecimalField(max_digits=4, decimal_places=3)
    fixed_seconds = models.PositiveIntegerField(default=180)
    max_hours = models.PositiveIntegerField(default=24)
    native_unit = models.CharField(max_length=60, default="GPU-hour")
    native_per_gpu_hour = models.DecimalField(max_digits=8, decimal_places=3, default=1)
    confidence = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ("site", "name")
        constraints = (models.UniqueConstraint(fields=["site", "name"], name="one_partition_name_per_site"),)

    def __str__(self) -> str:
        return f"{self.gpu_type} {float(self.gpu_memory_gb):g} GB"
