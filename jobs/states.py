"""Every state machine of this app: the states, their words for people, and the table of legal moves."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.states import StateMachine


class ApplicationState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Waiting for a decision")
    QUESTION = "question", _("Waiting for your answer")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


APPLICATION_MACHINE = StateMachine.of(
    "application",
    {
        ApplicationState.DRAFT: [ApplicationState.SUBMITTED, ApplicationState.WITHDRAWN],
        ApplicationState.SUBMITTED: [
            ApplicationState.QUESTION,
            ApplicationState.APPROVED,
            ApplicationState.DECLINED,
            ApplicationState.WITHDRAWN,
        ],
        ApplicationState.QUESTION: [
            ApplicationState.SUBMITTED,
            ApplicationState.APPROVED,
            ApplicationState.DECLINED,
            ApplicationState.WITHDRAWN,
        ],
        ApplicationState.APPROVED: [],
        ApplicationState.DECLINED: [],
        ApplicationState.WITHDRAWN: [],
    },
)


class AllocationState(models.TextChoices):
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    ENDED = "ended", _("Ended")


ALLOCATION_MACHINE = StateMachine.of(
    "allocation",
    {
        AllocationState.ACTIVE: [AllocationState.PAUSED, AllocationState.ENDED],
        AllocationState.PAUSED: [AllocationState.ACTIVE, AllocationState.ENDED],
        AllocationState.ENDED: [],
    },
)


class DraftState(models.TextChoices):
    OPEN = "open", _("Draft")
    SUBMITTED = "submitted", _("Started")
    EXPIRED = "expired", _("Expired")
    DISCARDED = "discarded", _("Discarded")


DRAFT_MACHINE = StateMachine.of(
    "draft",
    {
        DraftState.OPEN: [DraftState.SUBMITTED, DraftState.EXPIRED, DraftState.DISCARDED],
        DraftState.EXPIRED: [DraftState.OPEN, DraftState.DISCARDED],
        DraftState.SUBMITTED: [],
        DraftState.DISCARDED: [],
    },
)


class JobState(models.TextChoices):
    QUEUED = "queued", _("Waiting for a site")
    LEASED = "leased", _("Handed to the site")
    STAGING = "staging", _("Preparing data")
    SUBMITTED = "submitted", _("In the site's queue")
    RUNNING = "running", _("Running")
    COLLECTING = "collecting", _("Collecting results")
    UNKNOWN = "unknown", _("Site not answering")
    DONE = "done", _("Finished")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Stopped")


# Only LEASED and STAGING go back to QUEUED when a lease expires. From SUBMITTED on nothing is sent elsewhere until
# the site answers or `not_after` has passed: the scheduler may be running it.
JOB_MACHINE = StateMachine.of(
    "job",
    {
        JobState.QUEUED: [JobState.LEASED, JobState.CANCELLED, JobState.FAILED],
        JobState.LEASED: [
            JobState.STAGING,
            JobState.SUBMITTED,
            JobState.RUNNING,
            JobState.QUEUED,
            JobState.FAILED,
            JobState.CANCELLED,
        ],
        JobState.STAGING: [
            JobState.SUBMITTED,
            JobState.RUNNING,
            JobState.QUEUED,
            JobState.FAILED,
            JobState.CANCELLED,
        ],
        JobState.SUBMITTED: [
            JobState.RUNNING,
            JobState.COLLECTING,
            JobState.UNKNOWN,
            JobState.DONE,
            JobState.FAILED,
            JobState.CANCELLED,
        ],
        JobState.RUNNING: [
            JobState.COLLECTING,
            JobState.UNKNOWN,
            JobState.DONE,
            JobState.FAILED,
            JobState.CANCELLED,
        ],
        JobState.COLLECTING: [JobState.UNKNOWN, JobState.DONE, JobState.FAILED, JobState.CANCELLED],
        JobState.UNKNOWN: [
            JobState.SUBMITTED,
            JobState.RUNNING,
            JobState.COLLECTING,
            JobState.QUEUED,
            JobState.DONE,
            JobState.FAILED,
            JobState.CANCELLED,
        ],
        JobState.DONE: [],
        JobState.FAILED: [],
        JobState.CANCELLED: [],
    },
)

JOB_WAITING = frozenset({JobState.QUEUED, JobState.LEASED, JobState.STAGING, JobState.SUBMITTED})
JOB_FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
