"""What has been leased is brought to where it will run: data and base model, for all that need the same in one go.

A hundred jobs of one organisation on the same data are one transfer: the first fetches, the others copy. What is here
is written down, and said to the portal, for many at once.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

from jobs.agent.backends.base import Backend
from jobs.agent.borrowing import borrow
from jobs.agent.cache import Cache
from jobs.agent.client import Portal
from jobs.agent.inputs import Inputs
from jobs.agent.staging import model_stands
from jobs.agent.state import Attempt, State
from jobs.agent.work import Work

logger = logging.getLogger(__name__)

# Nobody waits longer than this for others that are brought with it.
SAID_AFTER = 0.4
AT_ONCE = 3


def together(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    """Attempts of one organisation that need the very same files, in the order they came."""
    groups: dict[object, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        tenant = attempt.payload.get("tenant") or attempt.key
        files = sorted(str(one.get("sha256")) for one in attempt.payload.get("inputs", ()))
        groups[tenant, *files].append(attempt)
    return list(groups.values())


class Arrivals:
    def __init__(
        self, *, state: State, backend: Backend, portal: Callable[[], Portal], inputs: Inputs, cache: Cache,
        news: threading.Event, stopping: threading.Event,
    ) -> None:  # fmt: skip
        self.state, self.backend, self.portal, self.inputs, self.cache = state, backend, portal, inputs, cache
        self.news, self.stopping = news, stopping

    def bring(
        self, attempts: Sequence[Attempt], *, work_of: Callable[[Attempt], Work],
        guarded: Callable[[str, Callable[[], None]], None],
    ) -> None:  # fmt: skip
        """All of a group. `guarded` makes of trouble with one what it means for that one, and no other is held up."""
        here: list[Attempt] = []
        said = 0

        def bring(attempt: Attempt) -> None:
            if not self.stopping.is_set():
                guarded(attempt.key, partial(self._bring, attempt, here, work_of))

        bring(attempts[0])
        # New files are slow on shared disks, and a hundred jobs have many: several are made side by side.
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="copy") as pool:
            coming = {pool.submit(bring, attempt) for attempt in attempts[1:]}
            while coming:
                _here, coming = wait(coming, timeout=SAID_AFTER)
                said = self._say(here, said)
        self._say(here, said)

    def _bring(self, attempt: Attempt, here: list[Attempt], work_of: Callable[[Attempt], Work]) -> None:
        work = work_of(attempt)
        if not model_stands(self.cache, work, state=self.state, stopping=self.stopping):
            self.news.set()
            return
        folder = self.backend.stage(attempt.key, "in")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for one in work.inputs:
            name, digest = one["name"], one["sha256"]
            borrowed = borrow(
                sha256=digest, size=one["bytes"], target=folder / name, attempt=attempt, beside=here[:1],
                state=self.state, backend=self.backend,
            )  # fmt: skip
            if borrowed:
                continue
            self.portal().download(
                key=attempt.key, token=attempt.token, name=name, sha256=digest, size=one["bytes"],
                target=folder / name, address=self.inputs.address(attempt.key, attempt.payload, name),
            )  # fmt: skip
        self.inputs.forget(attempt.key)
        here.append(attempt)

    def _say(self, here: Sequence[Attempt], said: int) -> int:
        """Those beyond the first `said`; how many have been then. The portal's word is what the hand-over waits for."""
        arrived = list(here[said:])
        if not arrived:
            return said
        with self.state.together():
            for attempt in arrived:
                self.state.set(attempt.key, staged=1)
                self.state.move(attempt.key, "submitted")
        for attempt in arrived:
            logger.info("Attempt %s: submitted", attempt.key)
        self.news.set()
        return said + len(arrived)
