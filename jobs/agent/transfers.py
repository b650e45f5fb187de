"""Transfers of data in threads of their own, and what their trouble means for the attempt they are for."""

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from jobs.agent.client import DigestMismatch, PortalAway, Refused
from jobs.agent.inputs import STALE, Inputs
from jobs.agent.outcome import ended_as, refused
from jobs.agent.state import State
from jobs.agent.work import WorkRefused
from models_hub.specs import Failure, SpecError

logger = logging.getLogger(__name__)

AT_ONCE = 3
RETRY_SECONDS = 5.0
# Data that are not what the job names are fetched so often before it fails.
MOST_MISMATCHES = 3


class Transfers:
    """At most one at a time for each attempt; one that failed is due again a little later."""

    def __init__(self, *, state: State, inputs: Inputs, news: threading.Event) -> None:
        self.state, self.inputs, self.news = state, inputs, news
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="transfer")
        self._going: dict[str, Future[None]] = {}
        self._not_before: dict[str, float] = {}

    def free(self, key: str) -> bool:
        """Whether nothing is under way for that attempt, and nothing was put off."""
        going = self._going.get(key)
        return (going is None or going.done()) and time.monotonic() >= self._not_before.get(key, 0.0)

    def put_off(self, *keys: str) -> None:
        self._not_before |= dict.fromkeys(keys, time.monotonic() + RETRY_SECONDS)

    def start(self, key: str, job: Callable[[], None]) -> None:
        self._going[key] = self._pool.submit(self.guarded, key, job)

    def start_together(self, keys: Iterable[str], job: Callable[[], None]) -> None:
        """One transfer for several attempts. `job` guards what it does for each of them; else all are tried again."""
        those = list(keys)
        self._going |= dict.fromkeys(those, self._pool.submit(self._tried_again, those, job))

    def forget(self, key: str) -> None:
        self._going.pop(key, None)
        self._not_before.pop(key, None)

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _tried_again(self, keys: list[str], job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            logger.exception("%d attempts: their data could not be brought in full; it is tried again.", len(keys))
            self.put_off(*keys)

    def guarded(self, key: str, job: Callable[[], None]) -> None:
        """A transfer that failed is tried again; what can never succeed becomes the attempt's typed end."""
        try:
            job()
            return
        except (PortalAway, DigestMismatch) as trouble:
            logger.warning("Attempt %s: %s", key, trouble)
            self.put_off(key)
            if isinstance(trouble, DigestMismatch) and self._once_too_often(key):
                self._fail(key, Failure.DATA_MISMATCH)
        except Refused as refusal:
            logger.warning("Attempt %s: %s", key, refusal)
            self.put_off(key)
            self._refused(key, refusal)
        except WorkRefused as refusal:
            # The site's allow-list was narrowed after it had taken the work.
            self.state.move(key, "failed", **refused(refusal))
        except (SpecError, ValueError):
            logger.exception("Attempt %s: its results cannot be read.", key)
            self.state.move(key, "failed", **ended_as("results_unreadable"))
        except OSError as error:
            logger.exception("Attempt %s: the transfer failed.", key)
            self.put_off(key)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._fail(key, Failure.DISK_FULL)
        except Exception:
            logger.exception("Attempt %s: the transfer failed.", key)
            self.put_off(key)
        self.news.set()

    def _refused(self, key: str, refusal: Refused) -> None:
        if refusal.code in STALE:
            self.inputs.want(key)
        elif refusal.code in ("stale_lease", "attempt_closed", "attempt_unknown"):
            self.state.set(key, dropped=1)
        elif refusal.code in ("artefact_size", "artefact_count", "artefact_path", "input_unknown"):
            about = ended_as("input_unknown" if refusal.code == "input_unknown" else "results_too_many")
            self.state.move(key, "failed", **{**about, "sentence": refusal.detail})

    def _once_too_often(self, key: str) -> bool:
        attempt = self.state.attempt(key)
        count = (attempt.restarts if attempt else 0) + 1
        self.state.set(key, restarts=count)
        return count >= MOST_MISMATCHES

    def _fail(self, key: str, failure: Failure) -> None:
        self.state.move(key, "failed", **ended_as(str(failure)))
