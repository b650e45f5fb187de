"""Training inside a container image by Apptainer (or SingularityCE, whose words are the same).

Images are known by the SHA-256 of their file. The site lists the ones it has; the agent holds what the work names
against that list (jobs.agent.config.Allowed.images) and the file against its digest before it is used.
"""

import hashlib
import shutil
from pathlib import Path

from jobs.agent.backends.base import BackendError, Order
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import IMAGE_CHANGED, SlurmTrouble


class Images:
    """The site's images, each looked at once as long as its file stays the same."""

    def __init__(self, options: SlurmOptions) -> None:
        self.options = options
        self._paths = {digest: Path(path) for digest, path in options.images}
        self._checked: dict[Path, tuple[tuple[int, int], str]] = {}
        unknown = options.image and options.image not in self._paths
        if unknown:
            raise BackendError(f"backend.slurm.image {options.image} is not among backend.slurm.images.")

    @property
    def engines(self) -> list[str]:
        """What `describe` names: the engine, where it is here and there is an image for it."""
        return [Path(self.options.container).name] if self._paths and shutil.which(self.options.container) else []

    def file_for(self, order: Order) -> Path | None:
        """The image this order runs in, None for none. Raises SlurmTrouble when it is not the one it is called."""
        digest = order.image or self.options.image
        if not digest:
            return None
        path = self._paths.get(digest)
        if path is None:
            raise SlurmTrouble(IMAGE_CHANGED, f"{digest} is not in backend.slurm.images", refused=True)
        if self._digest(path) != digest:
            raise SlurmTrouble(IMAGE_CHANGED, f"{path} is not {digest}", refused=True)
        return path

    def is_what_it_is_called(self, digest: str) -> bool:
        try:
            return self._digest(self._paths[digest]) == digest
        except SlurmTrouble:
            return False

    def _digest(self, path: Path) -> str:
        try:
            about = path.stat()
            seen = (about.st_mtime_ns, about.st_size)
            known = self._checked.get(path)
            if known is None or known[0] != seen:
                with path.open("rb") as file:
                    known = (seen, f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")
                self._checked[path] = known
        except OSError as error:
            raise SlurmTrouble(IMAGE_CHANGED, f"{path}: {error.strerror}", refused=True) from error
        return known[1]


def prefix(options: SlurmOptions, image: Path, *, job: Path, store: Path) -> list[str]:
    """The words before the training's own. It sees its job, the models and our code, no home, and no /tmp of others.

    Our own environment goes in as it is: it holds nothing of the agent's (folders.training_environment).
    """
    binds = (f"{job}:{job}", f"{store}:{store}:ro", f"{options.code}:{options.code}:ro")
    return [
        options.container, "exec", "--contain", "--no-home", *options.container_extra,
        *(word for bind in binds for word in ("--bind", bind)), "--pwd", str(job), str(image),
    ]  # fmt: skip
