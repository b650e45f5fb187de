"""Everything a rogue agent tries, and the refusal it must meet. Nothing at the portal may change by any of it."""

from jobs.conformance.attacks.base import ANY, Attack
from jobs.conformance.attacks.files import ADDRESSES, FILES
from jobs.conformance.attacks.keys import KEYS
from jobs.conformance.attacks.reports import FOREIGN, REPORTS, USAGE
from jobs.conformance.attacks.requests import ENROLMENT, LIMITS, SIGNATURES

ATTACKS: tuple[Attack, ...] = (
    *SIGNATURES, *LIMITS, *ENROLMENT, *FOREIGN, *USAGE, *REPORTS, *FILES, *KEYS, *ADDRESSES,
)  # fmt: skip

__all__ = ["ANY", "ATTACKS", "Attack"]
