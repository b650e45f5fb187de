"""A Ray job's only act on its node: claims the start, runs the training under the wrapper, writes receipts.

    python -m jobs.agent.backends.ray_start JOB_FOLDER SUBMISSION SUBMISSION_ID

Ray's own refusal of a second job with the same id is the first fence; the folder `runs/N` is the second, which also
holds when the cluster has lost its head and with it every id.

Ray ends a job by TERM to all its processes and KILL some seconds later. TERM ends the training here, and it goes on
from its last complete checkpoint if it is started again. The same when Ray's supervisor above us dies: from then on its
GPUs belong to somebody else. Ray has a watcher of its own for that, which waits for ever where nobody reaps the dead.
"""

import os
import sys
from pathlib import Path
from typing import Any

from jobs.agent.backends.processes import ProcessId
from jobs.agent.backends.wrapper import CANCEL, ORDER, RUNS, Watch, claim
from jobs.agent.files import read_json

# What Ray tells a job and the training must know: its devices. Nothing of the cluster's address or token.
_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ONEAPI_DEVICE_SELECTOR")


def main(arguments: list[str]) -> int:
    job, submission, submission_id = Path(arguments[0]), int(arguments[1]), arguments[2]
    order = read_json(job / ORDER)
    if order is None:
        return 0  # removed meanwhile: nobody waits for this any more
    run = claim(job, submission, job_id=submission_id, node=os.uname().nodename)
    if run is None:
        return 0
    watch = RayWatch(job, run, order)
    if (job / CANCEL).exists():
        return watch._end("cancelled", None, "It was cancelled before it began.")
    watch.go(first=not _earlier(job, run))
    return _exit_code(watch)


class RayWatch(Watch):
    """The wrapper as it is, with the devices that Ray has chosen, for as long as Ray's supervisor lives."""

    def __init__(self, job: Path, run: Path, order: dict[str, Any]) -> None:
        super().__init__(job, run, order)
        self.supervisor = ProcessId.of(os.getppid())

    def _look_for_cancel(self, now: float) -> None:
        super()._look_for_cancel(now)
        if self.supervisor is None or not self.supervisor.alive:
            self.suspended = True

    def _environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
        return {**super()._environment(), **passed}


def _earlier(job: Path, run: Path) -> bool:
    """Whether this job has been started before: then its latest moment for a start has been kept already."""
    return any(path.name[0].isdigit() and path != run for path in (job / RUNS).iterdir())


def _exit_code(watch: Watch) -> int:
    """The training's, so that the cluster's own record tells the truth; 128 + signal as shells say it."""
    returned = watch.returned
    if returned is None:
        return 0
    return returned if returned >= 0 else 128 - returned


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
