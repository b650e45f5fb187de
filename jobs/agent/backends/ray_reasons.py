"""What goes wrong at a Ray cluster, by name: each with a sentence, and what to do next.

Three lists: what a call to the cluster complained about, how a job ended (Ray's `error_type`,
ray.dashboard.modules.job.common.JobErrorType), and what its message says where that is all there is.
"""

from dataclasses import dataclass

from jobs.agent.backends.base import BackendError, Ended, Reason


def _reason(code: str, hint_code: str, sentence: str, next_step: str) -> Reason:
    return Reason(code=code, hint_code=hint_code, sentence=sentence, next_step=next_step)


_AGAIN = "Start the job again; it goes on from its last complete checkpoint where there is one."
_TELL_SITE = "Tell the site's helpdesk; the words of its Ray cluster are below."

# ---- about the cluster: tried again, and what runs goes on ----

AWAY = _reason(
    "ray_away", "never_started", "The site's Ray cluster does not answer.",
    "Nothing is taken until it does; look at its head and at backend.ray.address.",
)  # fmt: skip
TOKEN_REFUSED = _reason(
    "ray_token_refused", "never_started", "The site's Ray cluster refuses the agent's token.",
    "Put the cluster's token into the file backend.ray.token_file.",
)  # fmt: skip
CONFUSED = _reason(
    "ray_confused", "never_started", "The site's Ray cluster answers with an error.",
    "Look at dashboard.log of its head; the call is repeated.",
)  # fmt: skip
NOT_RAY = _reason(
    "not_a_ray", "never_started", "What answers at backend.ray.address is no Ray dashboard.",
    "Name the address of the head's dashboard, usually port 8265.",
)  # fmt: skip

# ---- about one job: saying it again changes nothing ----

REQUEST_REFUSED = _reason(
    "ray_refused", "refused_by_site", "The site's Ray cluster does not take a job like this one.", _TELL_SITE
)
TOO_LARGE = _reason(
    "no_node_so_large", "refused_by_site", "No node of the site's Ray cluster has so many GPUs.",
    "Ask for fewer GPUs, or choose another site.",
)  # fmt: skip
MULTI_NODE = _reason(
    "multi_node_unsupported", "refused_by_site", "This site runs a job on one node only.",
    "Ask for the GPUs of one node, or choose another site.",
)  # fmt: skip
NO_CONTAINERS = _reason(
    "containers_unsupported", "refused_by_site", "This site does not run container images.",
    "Choose a recipe that needs no image, or another site.",
)  # fmt: skip
HEAD_LOST = _reason(
    "ray_head_lost", "interrupted", "The head of the site's Ray cluster failed, and the run with it.", _AGAIN
)
WRAPPER_SILENT = _reason(
    "no_receipt", "never_started", "The site could not start the training program on its node.",
    "Tell the site's helpdesk: the program, its Python or the shared folder is not to be found on the node.",
)  # fmt: skip
WRAPPER_KILLED = _reason(
    "wrapper_killed", "interrupted", "The run was ended on its node from outside.", _AGAIN
)  # fmt: skip
STOPPED = _reason(
    "stopped_by_operator", "interrupted", "The site's operator ended the run.", _TELL_SITE
)  # fmt: skip
NODE_MEMORY = _reason(
    "node_out_of_memory", "out_of_memory", "The run's node had no memory left.",
    "Halve the micro-batch or the maximum length, or choose QLoRA or a smaller model.",
)  # fmt: skip


@dataclass(frozen=True)
class Meaning:
    """`ended` of None: the job never had a place, and is handed over again."""

    ended: Ended | None
    reason: Reason


# Of a job whose start was never claimed by its wrapper; Ray has given it up by itself.
NEVER_STARTED: dict[str, Meaning] = {
    "JOB_SUPERVISOR_ACTOR_START_TIMEOUT": Meaning(
        None,
        _reason("ray_start_timeout", "not_started_in_time", "The job waited too long for a free GPU.", _AGAIN),
    ),
    "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE": Meaning(
        Ended.REFUSED,
        _reason("ray_unschedulable", "refused_by_site", "No node of the site's Ray cluster fits the job.", _TELL_SITE),
    ),
    "RUNTIME_ENV_SETUP_FAILURE": Meaning(
        Ended.CANNOT_START,
        _reason("ray_environment", "never_started", "The site could not prepare the job's environment.", _TELL_SITE),
    ),
    "JOB_SUPERVISOR_ACTOR_START_FAILURE": Meaning(
        Ended.CANNOT_START,
        _reason("ray_cannot_start", "never_started", "The site's Ray cluster could not start the job.", _TELL_SITE),
    ),
    "JOB_ENTRYPOINT_COMMAND_START_ERROR": Meaning(Ended.CANNOT_START, WRAPPER_SILENT),
    "JOB_ENTRYPOINT_COMMAND_ERROR": Meaning(Ended.CANNOT_START, WRAPPER_SILENT),
}
# Of one that had started: Ray lost its supervisor, which is its node or the process above it.
NODE_LOST = _reason("ray_node_lost", "interrupted", "The run's node failed.", _AGAIN)
DIED = ("JOB_SUPERVISOR_ACTOR_DIED", "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE")
MEMORY_WORDS = ("outofmemory", "out of memory", "memory monitor", "due to the node running low on memory")


class RayTrouble(BackendError):
    """A call did not do what it was asked. `refused`: it never will, for this job."""

    def __init__(self, reason: Reason, said: str = "", *, refused: bool = False) -> None:
        super().__init__(f"{reason.sentence} {reason.next_step} ({said})" if said else reason.sentence)
        self.reason, self.said, self.refused = reason, said, refused

    def as_json(self) -> dict[str, str]:
        return {"code": self.reason.code, "sentence": self.reason.sentence, "next_step": self.reason.next_step}
