"""Walking a job along its table of moves when a report skips a step: every move is still a guarded one."""

from collections import deque
from typing import Any

from django.utils.translation import gettext as _

from jobs.execution.rules import WALK
from jobs.models import Job
from jobs.states import JOB_MACHINE
from portal.kernel.errors import DomainError


def path_to(old: str, new: str) -> list[str]:
    """The shortest row of legal moves, through working states only; empty when the job is there already."""
    if old == new:
        return []
    between = {str(state) for state in WALK}
    queue: deque[tuple[str, list[str]]] = deque([(str(old), [])])
    seen = {str(old)}
    while queue:
        state, path = queue.popleft()
        for target in sorted(JOB_MACHINE.moves[state]):
            if target == new:
                return [*path, target]
            if target in between and target not in seen:
                seen.add(target)
                queue.append((target, [*path, target]))
    raise DomainError("illegal_move", _("The job cannot go from %(old)s to %(new)s.") % {"old": old, "new": new})


def walk_to(job: Job, new: str, **fields: Any) -> Job:
    """Moves the job to `new`, step by step; `fields` are written with the last step."""
    path = path_to(job.state, str(new))
    for step in path[:-1]:
        job.move_to(step)
    if path:
        job.move_to(path[-1], **fields)
    return job
