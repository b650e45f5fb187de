"""What goes wrong at a Slurm site, and how its words are recognised. The words for people: models_hub.specs.reasons.

Two lists: how a job ended (Slurm's states, man squeue "JOB STATE CODES"), and what a Slurm command complained about
(its words on stderr, as 22.05 to 24.11 say them). A complaint is either about this job (`refused`: saying it again
changes nothing) or about the site (it is tried again, and what runs goes on).
"""

from dataclasses import dataclass

from jobs.agent.backends.base import BackendError, Ended, Reason
from models_hub.specs.reasons import named


@dataclass(frozen=True)
class End:
    """What a final state of Slurm's means. `ended` is None where the job's own receipt must say."""

    ended: Ended | None
    reason: Reason | None = None


def _reason(code: str) -> Reason:
    """A row of the table that agent and portal share (models_hub.specs.reasons)."""
    row = named(code)
    return Reason(
        code=row.code, hint_code=row.hint, sentence=row.sentence, next_step=row.next_step, operator=row.operator
    )


ENDS: dict[str, End] = {
    "COMPLETED": End(None),
    "FAILED": End(None),
    "CANCELLED": End(Ended.ENDED_BY_SITE, _reason("ended_by_operator")),
    "TIMEOUT": End(Ended.TIME_LIMIT, _reason("time_limit")),
    "DEADLINE": End(Ended.NOT_AFTER, _reason("deadline")),
    "OUT_OF_MEMORY": End(Ended.OUT_OF_MEMORY, _reason("out_of_memory")),
    "NODE_FAIL": End(Ended.KILLED, _reason("node_failed")),
    "BOOT_FAIL": End(Ended.KILLED, _reason("node_did_not_start")),
    # Preempted runs make room for others as often as the site's rules say: they go on each time, and it is no failure.
    "PREEMPTED": End(Ended.SUSPENDED, _reason("preempted")),
    "REQUEUED": End(Ended.SUSPENDED, _reason("requeued")),
    "REVOKED": End(Ended.KILLED, _reason("revoked")),
}

# What some plug-ins write into the job's output before they kill it, without giving it the state OUT_OF_MEMORY.
MEMORY_WORDS = ("exceeded memory limit", "exceeded job memory limit", "oom-kill event", "oom_kill event")

LOST = _reason("lost_by_scheduler")
WRAPPER_SILENT = _reason("no_receipt")


def _for_operators(reason: Reason) -> str:
    return reason.operator or reason.next_step


class SlurmTrouble(BackendError):
    """A Slurm command did not do what it was asked. `refused`: it never will, for this job."""

    def __init__(self, reason: Reason, said: str, *, refused: bool = False) -> None:
        super().__init__(f"{reason.sentence} {_for_operators(reason)} ({said})" if said else reason.sentence)
        self.reason, self.said, self.refused = reason, said, refused

    def as_json(self) -> dict[str, str]:
        return {"code": self.reason.code, "sentence": self.reason.sentence, "next_step": _for_operators(self.reason)}


@dataclass(frozen=True)
class Complaint:
    """`needles` are looked for in what the command said, in small letters; the first complaint that fits counts."""

    needles: tuple[str, ...]
    reason: Reason
    refused: bool


def _site(code: str, needles: tuple[str, ...]) -> Complaint:
    return Complaint(needles, _reason(code), False)


def _job(code: str, needles: tuple[str, ...]) -> Complaint:
    return Complaint(needles, _reason(code), True)


COMPLAINTS: tuple[Complaint, ...] = (
    # A controller that finds a request too old (or too new) tells its own log why, and hangs up.
    _site(
        "munge_expired",
        ("expired credential", "rewound credential", "credential replayed", "zero bytes were transmitted"),
    ),
    _site(
        "munge_down",
        ("munge encode failed", "munge decode failed", 'failed to access "', "munged", "authentication credential"),
    ),
    # Before the limits below: how many jobs may wait at once is no limit of what they may use.
    _site(
        "controller_busy",
        (
            "job submit rate",
            "too many jobs",
            "maximum job",
            "maxjobcount",
            "resource temporarily unavailable",
            "submission limit",
            "assocmaxsubmitjoblimit",
            "assocgrpsubmitjobslimit",
            "qosmaxsubmitjobperuserlimit",
            "qosgrpsubmitjobslimit",
        ),
    ),
    _job("account_unknown", ("invalid account", "account or account/partition")),
    _job("budget_spent", ("assocgrp", "accounting/qos policy", "job's qos does not", "assocmax", "qosmax", "qosgrp")),
    _job("qos_unknown", ("invalid qos",)),
    _job("partition_unknown", ("invalid partition name", "invalid partition")),
    _job("time_too_long", ("requested time limit is invalid", "time limit exceeds", "partitiontimelimit")),
    _job(
        "shape_unknown",
        (
            "requested node configuration is not available",
            "invalid generic resource",
            "invalid trespec",
            "more processors requested than permitted",
            "memory specification can not be satisfied",
            "requested gres option unsupported",
        ),
    ),
    _job("user_refused", ("access/permission denied", "user's group not permitted", "permission denied")),
    _job(
        "option_refused",
        ("unrecognized option", "invalid option", "invalid argument", "invalid --", "invalid directive"),
    ),
    _job(
        "job_script_refused",
        (
            "rejected by",
            "job_submit",
            "cli_filter",
            "batch job submission failed: unspecified error",
            "time limit specification required",
        ),
    ),
    _site(
        "accounting_down",
        (
            "slurmdbd",
            "slurm_persist_conn",
            "accounting storage",
            "unable to open persistent connection",
            "unable to open slurmdbd connection",
            "problem talking to the database",
            "sending persistconn",
        ),
    ),
    _site(
        "controller_down",
        (
            "unable to contact slurm controller",
            "connect failure",
            "connection refused",
            "socket timed out",
            "unable to establish controller",
            "slurm backup controller in standby",
            "transport endpoint",
            "communication connection failure",
            "insane message length",
        ),
    ),
    _site(
        "configuration_missing",
        ("could not establish a configuration source", "unable to find slurm.conf", "unable to process configuration"),
    ),
    _site("scheduler_disk_full", ("no space left on device", "disk quota exceeded", "i/o error writing script")),
)
# Reasons for which a job may wait for ever (man squeue, "JOB REASON CODES"), and the complaint they amount to. A job
# that waits for one of these is taken back at once, instead of expiring after its whole patience.
_HOPELESS = {
    "PartitionTimeLimit": "time_too_long",
    "PartitionNodeLimit": "shape_unknown",
    "BadConstraints": "shape_unknown",
    "InvalidAccount": "account_unknown",
    "AccountNotAllowed": "account_unknown",
    "InvalidQOS": "qos_unknown",
    "QOSNotAllowed": "qos_unknown",
    "AssocGrpGRESMinutes": "budget_spent",
    "AssocGrpGRESMinutesLimit": "budget_spent",
    "AssocGrpCPUMinutesLimit": "budget_spent",
    "AssocGrpBillingMinutes": "budget_spent",
    "AssocMaxGRESPerJob": "budget_spent",
    "AssocMaxWallDurationPerJobLimit": "time_too_long",
    "QOSGrpGRESMinutes": "budget_spent",
    "QOSMaxGRESPerJob": "budget_spent",
    "QOSMaxWallDurationPerJobLimit": "time_too_long",
    "DependencyNeverSatisfied": "job_script_refused",
}


# The same budget may allow the job once others of its account have ended and given back what was set aside for them.
SHARED = frozenset({"AssocGrpGRESMinutes", "AssocGrpGRESMinutesLimit"})


def hopeless(reason: str) -> Reason | None:
    """The reason for which a waiting job would never start; None while it has hope."""
    code = _HOPELESS.get(reason)
    return next((one.reason for one in COMPLAINTS if one.reason.code == code), None)


COMMAND_MISSING = _reason("commands_missing")
COMMAND_SLOW = _reason("controller_slow")
REST_DOWN = _reason("rest_down")
TOKEN_REFUSED = _reason("token_refused")
IMAGE_CHANGED = _reason("image_changed")
BUDGET_NOT_HELD = _reason("budget_not_held")
UNFORESEEN = _reason("slurm_unforeseen")


def trouble_from(said: str) -> SlurmTrouble:
    """The trouble behind what a command said on its way out. What nobody foresaw is tried again."""
    words = said.lower()
    for complaint in COMPLAINTS:
        if any(needle in words for needle in complaint.needles):
            return SlurmTrouble(complaint.reason, said.strip()[-500:], refused=complaint.refused)
    return SlurmTrouble(UNFORESEEN, said.strip()[-500:])
