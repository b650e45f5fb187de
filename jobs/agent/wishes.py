"""Whether this site takes new work: its own operator says so here, and the operator's wish at the portal counts too."""

from typing import Any

from jobs.agent.state import State

HERE, AT_PORTAL = "draining", "portal_drain"


def draining(state: State) -> bool:
    return bool(state.noted(HERE, False) or state.noted(AT_PORTAL, False))


def hear(state: State, answer: dict[str, Any]) -> None:
    """Takes note of the portal's wish; null, or no word at all, leaves everything as it was."""
    wish = answer.get("drain")
    if isinstance(wish, bool) and wish != bool(state.noted(AT_PORTAL, False)):
        state.note(AT_PORTAL, wish)
