"""Before a job's hand-over: the base model it needs stands in the store, or the job ends with a reason."""

import threading
from typing import Any

from jobs.agent.cache import Cache, ModelMissing, ModelWaits, Need
from jobs.agent.client import PortalAway
from jobs.agent.config import Config
from jobs.agent.mirror import MirrorAway
from jobs.agent.outcome import ended_as
from jobs.agent.state import State
from jobs.agent.work import Work


def cache_for(config: Config, state: State) -> Cache:
    """The cache of this site; it leaves alone whatever a job needs that this agent holds."""
    cache = Cache(config.store, config.cache, lambda: needed_by(state))
    cache.sweep()
    return cache


def needed_by(state: State) -> dict[str, Need]:
    """The base model of each attempt that has not ended, with its revision; None takes any."""
    found: dict[str, Need] = {}
    for attempt in state.attempts():
        if not attempt.final and attempt.payload:
            base: dict[str, Any] = attempt.payload.get("spec", {}).get("base_model", {})
            found[attempt.key] = (str(base.get("id")), base.get("revision"))
    return found


def model_stands(cache: Cache, work: Work, *, state: State, stopping: threading.Event) -> bool:
    """False when the site cannot provide it: then the attempt has ended, with the reason. "Later" is PortalAway."""
    base = work.spec.base_model

    def go_on() -> bool:
        attempt = state.attempt(work.key)
        wanted = attempt is not None and not (attempt.final or attempt.cancel or attempt.closed or attempt.dropped)
        return wanted and not stopping.is_set()

    try:
        cache.ensure(work.key, base.id, base.revision, go_on=go_on)
    except (ModelWaits, MirrorAway) as later:
        raise PortalAway(str(later)) from later
    except ModelMissing as missing:
        about = ended_as("model_missing")
        about["result"] = {**about["result"], "next_step": missing.next_step}
        state.move(work.key, "failed", **{**about, "sentence": missing.sentence})
        return False
    return True
