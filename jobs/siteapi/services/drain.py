"""Whether a site takes new work, as its operator wishes at the portal. The site's own command drains as well."""

from catalog.models import Site
from jobs.models import SiteAgent

FEATURE = "drain"


def drain_wish(agent: SiteAgent, status: str) -> bool | None:
    """What the agent is told: drain, take work again, or nothing at all if it does not know the word."""
    return status == Site.Status.DRAINING if agent.knows(FEATURE) else None
