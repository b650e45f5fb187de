"""How long a site may be silent before it counts as late, and as unreachable. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

# An agent speaks at least every 25 seconds. A site that missed two turns gets nothing new by nature, since it does not
# ask; after ten minutes what waits for it may go elsewhere (design: federation.md 8.4).
LATE_AFTER = timedelta(seconds=60)
UNREACHABLE_AFTER = timedelta(minutes=10)


class Health(StrEnum):
    HEALTHY = "healthy"
    LATE = "late"
    UNREACHABLE = "unreachable"


def health_of(last_seen: datetime | None, *, at: datetime) -> Health:
    """A site that was never heard is unreachable."""
    if last_seen is None or at - last_seen > UNREACHABLE_AFTER:
        return Health.UNREACHABLE
    return Health.LATE if at - last_seen > LATE_AFTER else Health.HEALTHY
