"""How much each criterion counts when places are ranked, as administrators set it."""

from django.db import models

from portal.kernel.models import TimeStamped


class MatchingWeights(TimeStamped):
    """The weights from this moment on; the newest row holds, and none means `jobs.matching.weights.USUAL`."""

    # {"start": 35, "carbon": 20, ...} by the codes of `jobs.matching.weights.CRITERIA`; 0 leaves a criterion out.
    weights = models.JSONField()
    reason = models.CharField(max_length=300)
    set_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d}: {self.reason}"
