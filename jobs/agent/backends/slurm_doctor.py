"""What `doctor` looks at on a Slurm site: everything that would otherwise be found out by a job that fails."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from jobs.agent.config import Config

_SCRIPT = "#!/bin/sh\nexit 0\n"


def findings(config: Config) -> Iterator[tuple[bool, str]]:
    """Each check with its outcome. Nothing is submitted; sbatch is asked what it would do (--test-only)."""
    options = SlurmOptions.read(config)
    slurm = Slurm(options)
    absent = [name for name in ("sbatch", "squeue", "sacct", "scancel", "sinfo", "scontrol") if not options.tool(name)]
    yield not absent, "Slurm's commands are here" if not absent else f"not found: {', '.join(absent)}"
    for check in (_controller, _nodes, _accounting, _submission, _shared):
        try:
            yield from check(config, options, slurm)
        except SlurmTrouble as trouble:
            yield False, str(trouble)


def _controller(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    said = slurm.ask("scontrol", "ping")
    yield "is UP" in said, f"the controller answers: {said.strip()}"
    settings = slurm.ask("scontrol", "show", "config")
    counted = next((line for line in settings.splitlines() if line.startswith("AccountingStorageTRES")), "")
    yield "gres/gpu" in counted, "GPUs are accounted (AccountingStorageTRES holds gres/gpu)"


def _nodes(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    nodes = slurm.nodes()
    where = f"partition {options.partition}" if options.partition else "any partition"
    kind = f" of type {options.gpu_type}" if options.gpu_type else ""
    most = max((node.gpus for node in nodes), default=0)
    yield most > 0, f"{where} has nodes with GPUs{kind}: at most {most} in one"
    wanted = config.allowed.max_gpus
    yield most >= wanted, f"a job may have {wanted} GPUs (allow.max_gpus) and finds them in one node"
    limits = [node.max_seconds for node in nodes if node.max_seconds]
    longest = max(limits, default=None)
    fits = longest is None or config.allowed.max_seconds <= longest or bool(options.max_minutes)
    yield fits, f"jobs of {config.allowed.max_seconds // 60} minutes (allow.max_minutes) fit, or go on in further jobs"
    if options.max_minutes and longest:
        yield options.max_minutes * 60 <= longest, "backend.slurm.max_minutes is within the partition's limit"


def _accounting(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    slurm.accounting(["open-paas-doctor"], datetime.now(UTC) - timedelta(days=1))
    yield True, "the accounting answers (sacct)"


def _submission(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    """The same words a job would be handed over with, account, partition and class of service included."""
    gpu = f"gpu:{options.gpu_type}:1" if options.gpu_type else "gpu:1"
    known = {"partition": options.partition, "account": options.account, "qos": options.qos}
    words = [f"--{name}={value}" for name, value in known.items() if value]
    slurm.test(["--time=1", "--nodes=1", f"--gres={gpu}", *words, *options.extra], _SCRIPT)
    yield True, "a job with one GPU would be taken (sbatch --test-only)"
    for account in sorted({account for _tenant, account in options.accounts}):
        slurm.test(["--time=1", f"--gres={gpu}", *words, f"--account={account}"], _SCRIPT)
        yield True, f"and one that the account {account} pays for"


def _shared(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    folder = options.folder or config.work
    away = not str(folder.resolve()).startswith(("/tmp/", "/run/", "/dev/"))  # noqa: S108  # only looked at
    yield away, f"{folder} is seen by login and compute nodes alike: make sure that it is on the shared file system"
