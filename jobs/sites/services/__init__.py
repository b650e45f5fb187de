"""What operators do at the portal, and what the portal watches for them."""

from jobs.sites.services.agents import withdraw_code
from jobs.sites.services.drain import set_drain
from jobs.sites.services.maintenance import call_off_maintenance, enter_maintenance
from jobs.sites.services.removal import confirm_removal
from jobs.sites.services.watch import watch_sites

__all__ = [
    "call_off_maintenance",
    "confirm_removal",
    "enter_maintenance",
    "set_drain",
    "watch_sites",
    "withdraw_code",
]
