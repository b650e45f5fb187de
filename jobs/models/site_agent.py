"""The agents that speak for sites: their public keys, epochs and last signs of life."""

from django.db import models

from catalog.models import Site
from portal.kernel.models import TimeStamped, UUIDModel


class EnrolmentCode(TimeStamped):
    """A one-time code an administrator hands to a site operator. Only its hash is kept."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="enrolment_codes")
    code_sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.site} until {self.expires_at:%Y-%m-%d %H:%M}"


class SiteAgent(UUIDModel, TimeStamped):
    """One enrolled agent. Its private key never leaves the site; a new session raises `epoch` and fences older ones."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="agents")
    name = models.CharField(max_length=80)
    public_key = models.CharField(max_length=100, unique=True)
    version = models.CharField(max_length=40, blank=True)
    epoch = models.BigIntegerField(default=0)
    description = models.JSONField(default=dict)
    capacity = models.JSONField(default=dict)
    last_seen_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("site", "created_at")

    def __str__(self) -> str:
        return f"{self.name} at {self.site}"

    def knows(self, feature: str) -> bool:
        """Whether both sides named that feature when the session began. What was not agreed is never relied on."""
        return feature in (self.description.get("features") or ())


class RequestNonce(models.Model):
    """A signed request that was seen. A second one with the same nonce is a replay; old rows are swept away."""

    agent = models.ForeignKey(SiteAgent, on_delete=models.CASCADE, related_name="nonces")
    nonce = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["agent", "nonce"], name="a_signed_request_counts_once"),)

    def __str__(self) -> str:
        return f"{self.agent} {self.nonce}"
