"""Who pays for a run: one table, read by the settlement and shown word for word on the job's page.

The rule in one sentence: a run that ends by our fault or the site's costs nothing; a run that ends well, that somebody
stopped, or that failed because of the data or settings chosen, costs the GPU time it really held, and never more than
was set aside for it. Whatever the table does not know costs nothing.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.states import JobState
from models_hub.specs import Failure


class Hint(StrEnum):
    """Reasons the portal itself gives, beside those of the training runtime (`models_hub.specs.Failure`)."""

    STOPPED = "stopped"
    SITE_LOST = "site_lost"
    NEVER_STARTED = "never_started"
    NOT_STARTED_IN_TIME = "not_started_in_time"
    REFUSED_BY_SITE = "refused_by_site"
    RESULTS_DAMAGED = "results_damaged"
    DATASET_GONE = "dataset_gone"
    ALLOCATION_CLOSED = "allocation_closed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Rule:
    """One row. `charged` is whether the GPU time held is charged; `why` is the reason people read."""

    code: str
    title: str | Promise
    charged: bool
    why: str | Promise


RULES: tuple[Rule, ...] = (
    Rule("done", _("Finished"), True, _("The run did what was asked; the GPU time it held is charged.")),
    Rule(
        Hint.STOPPED,
        _("Stopped by you"),
        True,
        _("The GPU time until the stop is charged; a run stopped before it started costs nothing."),
    ),
    Rule(
        Failure.TIME_LIMIT,
        _("Time limit reached"),
        True,
        _("The run used the time it was given, and what was trained until then is kept."),
    ),
    Rule(Failure.BAD_DATA_ROW, _("A row of the data is unusable"), True, _("The data of a run is its owner's choice.")),
    Rule(
        Failure.DIVERGED,
        _("Training became unstable"),
        True,
        _("The learning rate and the data of a run are its owner's choice."),
    ),
    Rule(
        Failure.OUT_OF_MEMORY,
        _("Out of memory"),
        False,
        _("Our estimate said it would fit, so the mistake is ours."),
    ),
    Rule(Failure.INVALID_SPEC, _("The site could not read the job"), False, _("We wrote the job's description.")),
    Rule(Failure.DATA_MISMATCH, _("The data arrived damaged"), False, _("The transfer is our work.")),
    Rule(Failure.MODEL_MISSING, _("The base model is missing"), False, _("The site said that it held the model.")),
    Rule(Failure.DISK_FULL, _("The site's disk was full"), False, _("Room for the job is the site's work.")),
    Rule(Failure.INTERNAL, _("An unforeseen error"), False, _("What nobody foresaw is never charged.")),
    Rule(Hint.SITE_LOST, _("The site fell silent"), False, _("The site did not answer until the job's time was over.")),
    Rule(Hint.NEVER_STARTED, _("The site did not start it"), False, _("The site took the job and gave it back.")),
    Rule(Hint.NOT_STARTED_IN_TIME, _("Queued too long at the site"), False, _("The job expired before it started.")),
    Rule(Hint.REFUSED_BY_SITE, _("Refused by the site"), False, _("The site's own rules do not allow this job.")),
    Rule(
        Hint.RESULTS_DAMAGED,
        _("Results incomplete"),
        False,
        _("What arrived does not match the list of files that the run wrote."),
    ),
    Rule(Hint.INTERRUPTED, _("Interrupted too often"), False, _("The site ended the run again and again.")),
    Rule(Hint.DATASET_GONE, _("The data set was deleted"), False, _("The data was deleted before the job started.")),
    Rule(
        Hint.ALLOCATION_CLOSED, _("The allocation ended"), False, _("The allocation ended before a site took the job.")
    ),
)

_BY_CODE = {str(rule.code): rule for rule in RULES}


def rule_for(*, state: str, hint_code: str) -> Rule:
    """The row that decides about a job that ended in this state with this reason."""
    if state == JobState.DONE:
        return _BY_CODE["done"]
    if state == JobState.CANCELLED:
        return _BY_CODE[Hint.STOPPED]
    return _BY_CODE.get(hint_code, _BY_CODE[Failure.INTERNAL])


def charged_gpu_seconds(*, state: str, hint_code: str, used: int, reserved: int) -> int:
    """GPU-seconds to charge: what was held if the rule says so, never more than was set aside."""
    return min(used, reserved) if rule_for(state=state, hint_code=hint_code).charged else 0
