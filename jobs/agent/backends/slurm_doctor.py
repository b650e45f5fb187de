"""What `doctor` looks at on a Slurm site: everything that would otherwise be found out by a job that fails."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_container import Images
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from jobs.agent.backends.slurm_rest import SlurmRest, slurm_of
from jobs.agent.config import Config

_SCRIPT = "#!/bin/sh\nexit 0\n"


def findings(config: Config) -> Iterator[tuple[bool, str]]:
    """Each check with its outcome. Nothing is submitted; sbatch is asked what it would do (--test-only)."""
    options = SlurmOptions.read(config)
    slurm = slurm_of(options)
    tools = ["sbatch", "squeue", "sacct", "scancel", "sinfo", "scontrol"] if not options.rest_url else []
    tools += ["sacctmgr"] if options.budgets else []
    absent = [name for name in tools if not options.tool(name)]
    yield not absent, "Slurm's commands are here" if not absent else f"not found: {', '.join(absent)}"
    checks = (_rest,) if options.rest_url else (_controller, _submission)
    for check in (*checks, _nodes, _accounting, _shared, _budgets, _containers):
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


def _rest(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    """A question that needs the token: a mere ping is answered without one."""
    slurm.queue()
    version = slurm.version if isinstance(slurm, SlurmRest) else 0
    yield True, f"slurmrestd answers with v0.0.{version} and takes the token"
    mode = Path(options.token_file).stat().st_mode & 0o077
    yield mode == 0, f"the token in {options.token_file} is readable for its owner only"
    yield not options.extra, "slurmrestd cannot be told words of sbatch (backend.slurm.extra)"


def _budgets(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    if not options.budgets:
        return
    settings = slurm.config()
    enforced = settings.get("AccountingStorageEnforce", "")
    yield "limits" in enforced, f"the site holds accounts to their limits (AccountingStorageEnforce={enforced})"
    yield "safe" in enforced, "a job that its account cannot pay for to its end does not begin (safe)"
    fades = settings.get("PriorityType", "").endswith("multifactor")
    half_life = settings.get("PriorityDecayHalfLife", "00:00:00")
    lasting = not fades or set(half_life) <= set("0-:")
    yield lasting, f"hours once used stay used (PriorityDecayHalfLife={half_life}; else a QOS with NoDecay)"


def _containers(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    if not options.images:
        return
    images = Images(options)
    yield bool(images.engines), f"{options.container} is here to run the images"
    for digest, path in options.images:
        yield images.is_what_it_is_called(digest), f"{path} is {digest[:19]}…"


def _nodes(config: Config, options: SlurmOptions, slurm: Slurm) -> Iterator[tuple[bool, str]]:
    nodes = slurm.nodes()
    where = f"partition {options.partition}" if options.partition else "any partition"
    kind = f" of type {options.gpu_type}" if options.gpu_type else ""
    most = max((node.gpus for node in nodes), default=0)
    yield most > 0, f"{where} has nodes with GPUs{kind}: at most {most} in one"
    wanted, over = config.allowed.max_gpus, config.allowed.max_nodes
    where = "one node" if over == 1 else f"{over} nodes"
    yield most * over >= wanted, f"a job may have {wanted} GPUs (allow.max_gpus) and finds them in {where}"
    yield len({node.name for node in nodes}) >= over, f"a job may have {over} nodes (allow.max_nodes), which are there"
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
