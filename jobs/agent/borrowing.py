"""Inputs that another job of the same organisation has here already are copied on the spot, not fetched again.

Ten runs on one data set fetch it once. Only between jobs of one organisation, and each job has a copy of its own: what
one of them does to its data, or when it is removed, is nothing to the others. The digest is checked all the same.
"""

import logging
import shutil
from pathlib import Path

from jobs.agent.backends.base import Backend
from jobs.agent.state import Attempt, State

logger = logging.getLogger(__name__)


def borrow(*, sha256: str, target: Path, attempt: Attempt, state: State, backend: Backend) -> None:
    """Puts a file with that digest at `target` if a neighbour has one. What is missing or wrong is fetched after."""
    if target.exists():
        return
    for other in state.staged(sha256=sha256, tenant=attempt.payload.get("tenant")):
        if other.key == attempt.key:
            continue
        for one in other.payload.get("inputs", ()):
            if one.get("sha256") == sha256 and _copied(backend.stage(other.key, "in") / str(one["name"]), target):
                return


def _copied(source: Path, target: Path) -> bool:
    draft = target.with_name(f".{target.name}.borrowed")
    try:
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        draft.replace(target)
    except OSError:
        logger.info("%s could not be copied from a neighbour; it is fetched.", target.name)
        draft.unlink(missing_ok=True)
        return False
    return True
