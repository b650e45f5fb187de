"""Where the data of an attempt are fetched: at addresses that hold for this agent alone, and not for long."""

import logging
import threading
from typing import Any

import httpx

logger = logging.getLogger(__name__)

FEATURE = "signed_inputs"
# The address, not the data, is at fault: a fresh one is asked for.
STALE = frozenset({"address_expired", "address_unknown"})


class Inputs:
    """Which attempts need fresh addresses, and the addresses that came. Lost at a restart, and asked for again."""

    def __init__(self, portal_url: str) -> None:
        self._portal = httpx.URL(portal_url)
        self._lock = threading.Lock()
        self._wanted: set[str] = set()
        self._fresh: dict[str, list[dict[str, Any]]] = {}

    def address(self, key: str, payload: dict[str, Any], name: str) -> str | None:
        """The newest address of that input; None where the portal gave none, and the plain one is to be used."""
        with self._lock:
            given = self._fresh.get(key) or payload.get("inputs") or []
        for one in given:
            if one.get("name") == name and isinstance(one.get("url"), str):
                address = self._portal.join(one["url"])
                if self._is_portals(address):
                    return str(address)
                logger.error("Attempt %s: the address of %s leads away from the portal; it is not used.", key, name)
        return None

    def _is_portals(self, address: httpx.URL) -> bool:
        """Our signature, and a tenant's data, go to the portal we enrolled with and nowhere else."""
        return (address.scheme, address.host, address.port) == (
            self._portal.scheme,
            self._portal.host,
            self._portal.port,
        )

    def want(self, key: str) -> None:
        with self._lock:
            self._wanted.add(key)

    def wanted(self) -> list[str]:
        with self._lock:
            return sorted(self._wanted)

    def hear(self, answer: dict[str, Any]) -> None:
        """Takes note of fresh addresses."""
        given = answer.get("inputs")
        with self._lock:
            for key, listed in given.items() if isinstance(given, dict) else ():
                if isinstance(listed, list):
                    self._fresh[key] = [one for one in listed if isinstance(one, dict)]
                    self._wanted.discard(key)

    def forget(self, key: str) -> None:
        with self._lock:
            self._fresh.pop(key, None)
            self._wanted.discard(key)
