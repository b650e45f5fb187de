"""All scenarios. A new one is a function and a line here; tests hold every case against an agent that breaks it."""

from jobs.conformance.case import Scenario
from jobs.conformance.scenarios.commitment import COMMITMENT
from jobs.conformance.scenarios.data import DAMAGE, EXPIRED, STREAMS, UPLOAD
from jobs.conformance.scenarios.ends import CANCEL, CLOSED, FAILURES, GONE, REFUSED
from jobs.conformance.scenarios.kills import KILLS, ORDERLY
from jobs.conformance.scenarios.plain import PLAIN
from jobs.conformance.scenarios.refusals import DAMAGED, DISALLOWED, FORGED
from jobs.conformance.scenarios.site import (
    BOOK,
    CLOCK,
    IDLE,
    NEWER,
    PORTAL_KEYS,
    ROTATION,
    STRANGERS,
)
from jobs.conformance.scenarios.trouble import AWAY, FENCED, LOST, REVOKED, TWICE

# The longest first, so that they do not stand alone at the end.
SCENARIOS: tuple[Scenario, ...] = (
    DAMAGED, DAMAGE, AWAY, LOST, DISALLOWED, CLOSED, GONE, CANCEL, IDLE, UPLOAD, *KILLS, ORDERLY, STREAMS, TWICE,
    PLAIN, COMMITMENT, REFUSED, FORGED, FAILURES, BOOK, EXPIRED, PORTAL_KEYS, ROTATION, STRANGERS, FENCED, REVOKED,
    NEWER, CLOCK,
)  # fmt: skip
