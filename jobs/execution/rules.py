"""The numbers of execution: how long a lease lasts, when silence means trouble, how large things may be."""

from datetime import timedelta

from jobs.states import JobState

# A site that leased work says so again in every message. Only work it has not committed to goes back to the queue.
LEASE = timedelta(minutes=2)
# No word for this long and nobody knows how the work stands.
SILENCE = timedelta(minutes=10)
# Work may wait this long in a site's own queue; after `not_after` the site's wrapper refuses to start it.
QUEUE_PATIENCE = timedelta(hours=24)
# Work nobody takes is given back to its owner after this long.
LEASE_PATIENCE = timedelta(days=7)
# What a site may need beyond a job's own time: staging, the last checkpoint, collecting results.
AFTERMATH = timedelta(hours=2)
# Files of an attempt that left no result are kept this long, for a look at what went wrong.
LEFTOVERS_KEPT = timedelta(days=1)
# A site may keep a job's data this long after the portal has closed the attempt; it says when they are gone.
REMOVE_AFTER = timedelta(hours=24)
CLOCK_SKEW = timedelta(minutes=5)
MAX_LEASES = 5

MAX_EVENT_SEQ = 1_000_000
MAX_LOG_BYTES = 16 * 1024 * 1024
MAX_ARTEFACTS = 2_000

# In this order a job walks; a report that skips a step walks through the ones between.
WALK = (
    JobState.LEASED,
    JobState.STAGING,
    JobState.SUBMITTED,
    JobState.RUNNING,
    JobState.COLLECTING,
)
# Not yet committed to by the site: these, and only these, may be sent elsewhere.
RETURNABLE = frozenset({JobState.LEASED, JobState.STAGING})
COMMITTED = frozenset({JobState.SUBMITTED, JobState.RUNNING, JobState.COLLECTING})
