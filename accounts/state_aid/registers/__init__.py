"""Files for registers: a profile says which columns, a format which file. A new profile is one file and one line."""

from accounts.state_aid.registers.base import Profile
from accounts.state_aid.registers.eair import EAIR
from accounts.state_aid.registers.national import NATIONAL
from accounts.state_aid.registers.publication import PUBLICATION
from portal.kernel.registry import Registry

PROFILES: Registry[Profile] = Registry("register profiles", (EAIR, NATIONAL, PUBLICATION))

__all__ = ["PROFILES", "Profile"]
