"""The append-only record of decisions and administrative acts. A database trigger refuses UPDATE and DELETE."""

from django.db import models


class AuditEvent(models.Model):
    """One act, written in the transaction of the change it describes. Ids only; personal data stays where it lives."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    # No constraint and no cascade: erasing a person leaves the record as it was written.
    actor = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    actor_label = models.CharField(max_length=80)
    action = models.CharField(max_length=60, db_index=True)
    organisation_id = models.UUIDField(null=True, db_index=True)
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=64, db_index=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.target_type} {self.target_id}"

    @property
    def facts(self) -> list[tuple[str, object]]:
        """`data` as pairs: a template would take a key called "items" for the method."""
        return list(self.data.items())
