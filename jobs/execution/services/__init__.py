"""Starting, stopping, observing and ending jobs. Each consequence is one transaction."""

from jobs.execution.services.cancel import cancel_job
from jobs.execution.services.consent import set_may_move
from jobs.execution.services.finish import finish
from jobs.execution.services.lease import give_back, lease_jobs
from jobs.execution.services.observe import (
    heartbeat,
    observe_beginnings,
    observe_events,
    observe_log,
    observe_state,
)
from jobs.execution.services.repeat import copy_draft, retry_job
from jobs.execution.services.submit import submit_job
from jobs.execution.services.sweep import clear_leftovers, sweep
from jobs.execution.services.usage import record_usage, take_usage
from jobs.execution.services.usage_together import write_together
from jobs.metering.book import used_gpu_seconds

__all__ = [
    "cancel_job",
    "clear_leftovers",
    "copy_draft",
    "finish",
    "give_back",
    "heartbeat",
    "lease_jobs",
    "observe_beginnings",
    "observe_events",
    "observe_log",
    "observe_state",
    "record_usage",
    "retry_job",
    "set_may_move",
    "submit_job",
    "sweep",
    "take_usage",
    "used_gpu_seconds",
    "write_together",
]
