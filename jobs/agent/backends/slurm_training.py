"""What runs on the node: the training itself, in a container where there is one, over several nodes by srun."""

from pathlib import Path
from typing import Any

from jobs.agent.backends import slurm_container
from jobs.agent.backends.base import Order
from jobs.agent.backends.folders import training_command
from jobs.agent.backends.slurm_options import SlurmOptions

_MODULE = ["-m", "models_hub.training"]


def training(options: SlurmOptions, order: Order, *, job: Path, store: Path, image: Path | None) -> dict[str, Any]:
    """The fields `command` and, for several nodes, `ranks` of the wrapper's order."""
    python = "python3" if image else options.python
    command = training_command(list(options.command) or [python, *_MODULE], job, store=store)
    around = slurm_container.prefix(options, image, job=job, store=store) if image else []
    if order.nodes == 1:
        return {"command": [*around, *command]}
    ranks = {
        "nodes": order.nodes,
        "gpus_per_node": order.gpus_per_node,
        "srun": options.srun or (f"{options.bin}/srun" if options.bin and not options.rest_url else "srun"),
        "prefix": around,
        "launcher": list(options.launcher) or [python, "-m", "torch.distributed.run"],
        "command": command,
    }
    launch = [options.python, "-m", "jobs.agent.backends.slurm_launch", "all", str(job)]
    return {"command": launch, "ranks": ranks}
