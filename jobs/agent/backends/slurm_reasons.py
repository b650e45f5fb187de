"""What goes wrong at a Slurm site, by name: each with a sentence, and what to do next.

Two lists: how a job ended (Slurm's states, man squeue "JOB STATE CODES"), and what a Slurm command complained about
(its words on stderr, as 22.05 to 24.11 say them). A complaint is either about this job (`refused`: saying it again
changes nothing) or about the site (it is tried again, and what runs goes on).
"""

from dataclasses import dataclass

from jobs.agent.backends.base import BackendError, Ended, Reason


@dataclass(frozen=True)
class End:
    """What a final state of Slurm's means. `ended` is None where the job's own receipt must say."""

    ended: Ended | None
    reason: Reason | None = None


def _reason(code: str, hint_code: str, sentence: str, next_step: str) -> Reason:
    return Reason(code=code, hint_code=hint_code, sentence=sentence, next_step=next_step)


_AGAIN = "Start the job again; it goes on from its last complete checkpoint where there is one."
_OTHER_SITE = "Start the job again, or choose another site."
_TELL_SITE = "Tell the site's helpdesk; the words of its scheduler are below."

ENDS: dict[str, End] = {
    "COMPLETED": End(None),
    "FAILED": End(None),
    "CANCELLED": End(
        Ended.ENDED_BY_SITE,
        _reason("ended_by_operator", "interrupted", "The site's operator ended the run.", _TELL_SITE),
    ),
    "TIMEOUT": End(
        Ended.TIME_LIMIT,
        _reason(
            "time_limit",
            "time_limit",
            "The run reached its time limit before it was finished.",
            "Ask for more hours or choose fewer epochs; what was trained until then is kept.",
        ),
    ),
    "DEADLINE": End(
        Ended.NOT_AFTER,
        _reason(
            "deadline",
            "not_started_in_time",
            "The job waited at the site until its latest start had passed.",
            "Start the job again, or choose a site with a shorter queue.",
        ),
    ),
    "OUT_OF_MEMORY": End(
        Ended.OUT_OF_MEMORY,
        _reason(
            "out_of_memory",
            "out_of_memory",
            "The run needed more memory than it was given.",
            "Halve the micro-batch or the maximum length, or choose QLoRA or a smaller model.",
        ),
    ),
    "NODE_FAIL": End(Ended.KILLED, _reason("node_failed", "interrupted", "The run's node failed.", _AGAIN)),
    "BOOT_FAIL": End(
        Ended.KILLED, _reason("node_did_not_start", "interrupted", "The run's node did not start.", _OTHER_SITE)
    ),
    # Preempted runs make room for others as often as the site's rules say: they go on each time, and it is no failure.
    "PREEMPTED": End(
        Ended.SUSPENDED, _reason("preempted", "interrupted", "The run made room for a more urgent one.", _AGAIN)
    ),
    "REQUEUED": End(Ended.SUSPENDED, _reason("requeued", "interrupted", "The site queued the run anew.", _AGAIN)),
    "REVOKED": End(
        Ended.KILLED, _reason("revoked", "interrupted", "Another cluster of the site took the run over.", _OTHER_SITE)
    ),
}

# What some plug-ins write into the job's output before they kill it, without giving it the state OUT_OF_MEMORY.
MEMORY_WORDS = ("exceeded memory limit", "exceeded job memory limit", "oom-kill event", "oom_kill event")

LOST = _reason("lost_by_scheduler", "interrupted", "The site's scheduler has no trace of the run any more.", _AGAIN)
WRAPPER_SILENT = _reason(
    "no_receipt",
    "never_started",
    "The site could not start the training program on its node.",
    "Tell the site's helpdesk: the program or its Python is not to be found on the node.",
)


class SlurmTrouble(BackendError):
    """A Slurm command did not do what it was asked. `refused`: it never will, for this job."""

    def __init__(self, reason: Reason, said: str, *, refused: bool = False) -> None:
        super().__init__(f"{reason.sentence} {reason.next_step} ({said})" if said else reason.sentence)
        self.reason, self.said, self.refused = reason, said, refused

    def as_json(self) -> dict[str, str]:
        return {"code": self.reason.code, "sentence": self.reason.sentence, "next_step": self.reason.next_step}


@dataclass(frozen=True)
class Complaint:
    """`needles` are looked for in what the command said, in small letters; the first complaint that fits counts."""

    needles: tuple[str, ...]
    reason: Reason
    refused: bool


def _site(code: str, needles: tuple[str, ...], sentence: str, next_step: str) -> Complaint:
    return Complaint(needles, _reason(code, "never_started", sentence, next_step), False)


def _job(code: str, needles: tuple[str, ...], sentence: str, next_step: str) -> Complaint:
    return Complaint(needles, _reason(code, "refused_by_site", sentence, next_step), True)


COMPLAINTS: tuple[Complaint, ...] = (
    _site(
        "munge_expired",
        ("expired credential", "rewound credential", "credential replayed"),
        "The clocks of the login node and the controller are too far apart for munge.",
        "Operator: let chrony or ntpd set both clocks; munge tolerates five minutes.",
    ),
    _site(
        "munge_down",
        ("munge encode failed", "munge decode failed", 'failed to access "', "munged", "authentication credential"),
        "Munge does not answer, so Slurm does not know who is asking.",
        "Operator: start munge on this node (systemctl start munge) and check that its key is the cluster's.",
    ),
    _job(
        "account_unknown",
        ("invalid account", "account or account/partition"),
        "The site does not know the account that pays for this job.",
        "Operator: set backend.slurm.account, or add the agent's user to it (sacctmgr add user).",
    ),
    _job(
        "budget_spent",
        ("assocgrp", "accounting/qos policy", "job's qos does not", "assocmax", "qosmax", "qosgrp"),
        "The hours that the site gave this account do not allow the job.",
        "Choose a smaller run, or ask the site for more hours.",
    ),
    _job(
        "qos_unknown",
        ("invalid qos",),
        "The site's queue does not know the priority class it was asked for.",
        "Operator: set backend.slurm.qos to one of sacctmgr show qos.",
    ),
    _job(
        "partition_unknown",
        ("invalid partition name", "invalid partition"),
        "The site has no such partition.",
        "Operator: set backend.slurm.partition to one of sinfo.",
    ),
    _job(
        "time_too_long",
        ("requested time limit is invalid", "time limit exceeds", "partitiontimelimit"),
        "The job asks for more time than the site's partition gives.",
        "Choose a shorter run. Operator: set backend.slurm.max_minutes, and long runs go on in several jobs.",
    ),
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
        "The site has no node with that many GPUs, processors or that much memory.",
        "Choose fewer GPUs, or another site. Operator: compare backend.slurm with sinfo -o %G.",
    ),
    _job(
        "user_refused",
        ("access/permission denied", "user's group not permitted", "permission denied"),
        "The site's scheduler does not let the agent's user do that.",
        "Operator: check the partition's AllowGroups and AllowAccounts.",
    ),
    _job(
        "option_refused",
        ("unrecognized option", "invalid option", "invalid argument", "invalid --", "invalid directive"),
        "The site's sbatch does not understand an option that the agent was configured with.",
        "Operator: check backend.slurm.extra.",
    ),
    _job(
        "job_script_refused",
        ("rejected by", "job_submit", "cli_filter", "batch job submission failed: unspecified error"),
        "The site's own submission rules refused the job.",
        "Operator: see slurmctld.log; a job_submit plug-in refused it.",
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
        "Slurm's accounting does not answer; what ends now is metered when it does.",
        "Operator: start slurmdbd and its database; slurmctld keeps the records until then.",
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
            "zero bytes were transmitted",
            "transport endpoint",
            "communication connection failure",
            "insane message length",
        ),
        "Slurm's controller does not answer; what runs goes on.",
        "Operator: start slurmctld (scontrol ping says whether it lives).",
    ),
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
        ),
        "The site's scheduler holds as many jobs as it may; the job is handed over again later.",
        "Nothing to do.",
    ),
    _site(
        "configuration_missing",
        ("could not establish a configuration source", "unable to find slurm.conf", "unable to process configuration"),
        "There is no Slurm configuration on this node.",
        "Operator: set backend.slurm.conf to the cluster's slurm.conf, or run the agent on a login node.",
    ),
    _site(
        "disk_full",
        ("no space left on device", "disk quota exceeded"),
        "The scheduler's disk is full.",
        "Operator: make room where slurmctld keeps its state.",
    ),
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


def hopeless(reason: str) -> Reason | None:
    """The reason for which a waiting job would never start; None while it has hope."""
    code = _HOPELESS.get(reason)
    return next((one.reason for one in COMPLAINTS if one.reason.code == code), None)


COMMAND_MISSING = _reason(
    "commands_missing",
    "never_started",
    "Slurm's commands are not on this node.",
    "Operator: install slurm-client, or set backend.slurm.bin to their folder.",
)
COMMAND_SLOW = _reason(
    "controller_slow",
    "never_started",
    "Slurm's controller did not answer in time; it is asked again.",
    "Operator: raise backend.slurm.timeout_seconds if that is usual here.",
)
UNFORESEEN = _reason("slurm_unforeseen", "never_started", "Slurm refused with words that we do not know.", _TELL_SITE)


def trouble_from(said: str) -> SlurmTrouble:
    """The trouble behind what a command said on its way out. What nobody foresaw is tried again."""
    words = said.lower()
    for complaint in COMPLAINTS:
        if any(needle in words for needle in complaint.needles):
            return SlurmTrouble(complaint.reason, said.strip()[-500:], refused=complaint.refused)
    return SlurmTrouble(UNFORESEEN, said.strip()[-500:])
