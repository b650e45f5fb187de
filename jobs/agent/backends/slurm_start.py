"""The job script's only act on the node: claims the start, runs the training under the wrapper, writes receipts.

    python -m jobs.agent.backends.slurm_start JOB_FOLDER SUBMISSION

The claim is what keeps a job from running twice, whatever happens between agent and scheduler: of two submissions of
the same number one gets the folder `runs/N`, the other leaves without having done anything. A job that the site's
operator queued anew comes back under its own id and claims `runs/N.R`, R being Slurm's count of restarts.

Slurm's signals: USR1 comes some time before the limit (sbatch --signal=B:USR1@…), TERM at the limit, at a preemption,
at scancel. TERM ends the training at once, and it goes on from its last complete checkpoint if it is started again.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from jobs.agent.backends.wrapper import ORDER, RUNS, START, Watch, claim
from jobs.agent.files import read_json

# What Slurm tells a job and the training must know: its devices, and what srun and torchrun read.
_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


def main(arguments: list[str]) -> int:
    job, submission = Path(arguments[0]).resolve(), int(arguments[1])  # in an array, a way to it
    order = read_json(job / ORDER)
    if order is None:
        return 0  # removed meanwhile: nobody waits for this any more
    run = claim_start(job, submission, job_id=_job_id(), restart=_restart())
    if run is None:
        return 0
    watch = SlurmWatch(job, run, order)
    signal.signal(signal.SIGUSR1, watch.near_the_limit)
    if order.get("warn_after"):
        signal.signal(signal.SIGALRM, watch.near_the_limit)
        signal.alarm(int(order["warn_after"]))
    watch.go(first=not _earlier(job, run))
    return _exit_code(watch)


def claim_start(job: Path, submission: int, *, job_id: str, restart: int) -> Path | None:
    """The folder of this start, or None when it is another job's."""
    facts = {"job_id": job_id, "restart": restart, "node": os.uname().nodename}
    run = claim(job, submission, **facts)
    if run is not None:
        return run
    holder = read_json(job / RUNS / str(submission) / START) or {}
    if holder.get("job_id") != job_id or holder.get("restart") == restart:
        return None
    return claim(job, f"{submission}.{restart}", **facts)


class SlurmWatch(Watch):
    """The wrapper as it is, in Slurm's environment, with one more signal."""

    told = False

    def near_the_limit(self, number: int, frame: FrameType | None) -> None:
        """The site's time is nearly over. What goes on in a next job is cut off; else the training delivers."""
        if self.order.get("goes_on"):
            self.suspended = True
        else:
            self.told = True
            self._ask_to_stop()

    def _environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("SLURM_")}
        return {**super()._environment(), **passed}

    def _end(self, why: str, returned: int | None, detail: str = "") -> int:
        return super()._end(why or ("time_limit" if self.told else ""), returned, detail)


def _job_id() -> str:
    """As Slurm's rows name it: a task of an array by the array's id and its own number."""
    task = os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{task}" if task else os.environ["SLURM_JOB_ID"]


def _restart() -> int:
    return int(os.environ.get("SLURM_RESTART_COUNT", 0))


def _earlier(job: Path, run: Path) -> bool:
    """Whether this job has been started before: then its latest moment for a start has been kept already."""
    return any(path.name[0].isdigit() and path != run for path in (job / RUNS).iterdir())


def _exit_code(watch: SlurmWatch) -> int:
    """The training's, so that the site's own accounting tells the truth; 128 + signal as shells say it."""
    returned = watch.returned
    if returned is None:
        return 0
    return returned if returned >= 0 else 128 - returned


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
