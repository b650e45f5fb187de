"""What the portal tells people: notices in the portal and, in the embedded mode, e-mails one can read on a page."""

from django.db import models

from accounts.models.organisation import Organisation
from portal.kernel.models import TimeStamped, UUIDModel


class Notification(UUIDModel, TimeStamped):
    """A notice to one person: what happened, and where to go next (a path inside the portal)."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="notifications")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    path = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # Also sent as an e-mail, by a worker; empty until it was handed over.
    by_email = models.BooleanField(default=False)
    emailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=["user", "read_at"], name="notification_unread"),)

    def __str__(self) -> str:
        return self.title


class OutboxMessage(TimeStamped):
    """An e-mail the portal would have sent; only the embedded mode keeps these."""

    to = models.TextField()
    subject = models.CharField(max_length=300)
    body = models.TextField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"
