"""What `doctor` looks at on a Ray site: everything that would otherwise be found out by a job that fails."""

from collections.abc import Iterator

from jobs.agent.backends.ray_capacity import largest
from jobs.agent.backends.ray_options import RayOptions
from jobs.agent.backends.ray_reasons import RayTrouble
from jobs.agent.backends.ray_rest import Ray
from jobs.agent.config import Config

_LOCAL = ("http://127.0.0.1", "http://localhost", "http://[::1]", "https://")


def findings(config: Config) -> Iterator[tuple[bool, str]]:
    """Each check with its outcome. Nothing is submitted."""
    options = RayOptions.read(config)
    ray = Ray(options)
    for check in (_cluster, _nodes, _times):
        try:
            yield from check(config, options, ray)
        except RayTrouble as trouble:
            yield False, str(trouble)
    folder = options.folder or config.work
    yield folder.is_dir(), f"{folder} is there: make sure that every node of the cluster sees it under the same name"


def _cluster(config: Config, options: RayOptions, ray: Ray) -> Iterator[tuple[bool, str]]:
    yield True, f"the cluster answers: Ray {ray.version()['ray_version']}"
    guarded = bool(options.token)
    yield (
        guarded,
        "the cluster asks for a token" + ("" if guarded else ": without RAY_AUTH_MODE=token anybody runs code"),
    )
    private = options.address.startswith(_LOCAL)
    yield private or not guarded, "the token travels on this machine or encrypted only (backend.ray.address)"


def _nodes(config: Config, options: RayOptions, ray: Ray) -> Iterator[tuple[bool, str]]:
    nodes = [node for node in ray.nodes() if node.alive]
    most = largest(nodes, options)
    yield most > 0, f"{len(nodes)} nodes are alive, with at most {most} GPUs in one"
    wanted = config.allowed.max_gpus
    yield most >= wanted, f"a job may have {wanted} GPUs (allow.max_gpus) and finds them in one node"


def _times(config: Config, options: RayOptions, ray: Ray) -> Iterator[tuple[bool, str]]:
    ray.actors()
    yield True, "the cluster tells from when to when a job held its GPUs (/logical/actors)"
