"""The agent's one configuration file (TOML). docs/agent.md lists every key."""

import os
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.agent.cache_options import CacheOptions


class ConfigError(Exception):
    """The configuration cannot be used; the text is one sentence that names the key."""


class Objection(str):
    """Why this site refuses some work: the sentence, and its code in models_hub.specs.reasons."""

    code: str

    def __new__(cls, code: str, sentence: str) -> "Objection":
        made = super().__new__(cls, sentence)
        made.code = code
        return made


@dataclass(frozen=True)
class Allowed:
    """What this site lets the portal ask for. The agent checks it against the signed work, whatever the portal says."""

    recipes: frozenset[str]
    max_gpus: int
    max_seconds: int
    tenants: frozenset[str] | None = None
    max_nodes: int = 1
    # Digests of container images that may run here; none: only what the site itself is set up with.
    images: frozenset[str] = frozenset()
    # Where this site stands (ISO 3166-1): data that is bound to countries is taken only where it may lie.
    country: str = ""

    def objection(self, *, recipe: str, gpus: int, seconds: int, tenant: str) -> str:
        """Why this site refuses such work; empty when it does not."""
        if recipe not in self.recipes:
            return Objection("recipe_not_allowed", f"This site does not run the recipe {recipe}.")
        if gpus > self.max_gpus:
            return Objection(
                "gpus_not_allowed", f"This site gives a job at most {self.max_gpus} GPUs; {gpus} were asked for."
            )
        if seconds > self.max_seconds:
            return Objection(
                "time_not_allowed",
                f"This site lets a job run for at most {self.max_seconds} seconds; {seconds} were asked for.",
            )
        if self.tenants is not None and tenant not in self.tenants:
            return Objection("tenant_not_allowed", "This site does not run jobs of that organisation.")
        return ""

    def objection_to_shape(self, *, nodes: int, image: str) -> str:
        """Why this site refuses a job of that shape; empty when it does not."""
        if nodes > self.max_nodes:
            return Objection(
                "nodes_not_allowed", f"This site gives a job at most {self.max_nodes} nodes; {nodes} were asked for."
            )
        if image and image not in self.images:
            return Objection("image_not_allowed", f"This site's list of container images does not hold {image}.")
        return ""

    def objection_to_data(self, *, residency: list[str]) -> str:
        """Why data bound to these countries may not come here; empty when it may. No list means everywhere."""
        if not residency:
            return ""
        if not self.country:
            return Objection(
                "data_not_allowed",
                "The data may only lie in certain countries, and nobody said where this site is: set agent.country.",
            )
        if self.country not in residency:
            return Objection(
                "data_not_allowed",
                f"The data may only lie in {', '.join(sorted(residency))}; this site is in {self.country}.",
            )
        return ""


@dataclass(frozen=True)
class Config:
    portal_url: str
    name: str
    work: Path
    store: Path
    backend: str
    enrolment_code: str
    ca_file: str
    wait_seconds: int
    allowed: Allowed
    keep_hours: float
    on_stop: str
    options: dict[str, Any] = field(default_factory=dict)
    # After so many days the agent replaces its key by itself; 0 is never.
    rotate_key_days: float = 90
    # Where base models come from that a job needs and the store does not hold.
    cache: CacheOptions = field(default_factory=CacheOptions)

    @property
    def jobs(self) -> Path:
        return self.work / "jobs"


def read_config(path: Path) -> Config:
    """Reads and checks the file; raises ConfigError with the first thing that is wrong."""
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"There is no configuration at {path}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    portal, agent, allow = (_table(raw, name) for name in ("portal", "agent", "allow"))
    backend = _text(agent, "backend", "local")
    options = _table(raw, "backend").get(backend, {})
    on_stop = _text(agent, "on_stop", "suspend")
    if on_stop not in ("suspend", "leave"):
        raise ConfigError('agent.on_stop is "suspend" or "leave".')
    url = _text(portal, "url").rstrip("/")
    if not url.startswith(("https://", "http://")):
        raise ConfigError("portal.url begins with https:// (or http:// on the same machine).")
    tenants = allow.get("tenants")
    return Config(
        portal_url=url,
        name=_text(agent, "name", os.uname().nodename)[:80],
        work=Path(_text(agent, "work")).absolute(),
        store=Path(_text(agent, "store")).absolute(),
        backend=backend,
        enrolment_code=_text(portal, "enrolment_code", ""),
        ca_file=_text(portal, "ca_file", ""),
        # A proxy between may not like requests that wait long.
        wait_seconds=min(25, _whole(portal, "wait_seconds", 25)),
        allowed=Allowed(
            recipes=frozenset(allow.get("recipes", ["chat", "classify"])),
            max_gpus=_whole(allow, "max_gpus", 1),
            max_seconds=60 * _whole(allow, "max_minutes", 24 * 60),
            tenants=None if tenants is None else frozenset(tenants),
            max_nodes=max(1, _whole(allow, "max_nodes", 1)),
            images=frozenset(allow.get("images", [])),
            country=_country(agent),
        ),
        keep_hours=float(agent.get("keep_hours", 0)),
        on_stop=on_stop,
        options={"python": sys.executable, **options},
        rotate_key_days=_whole(agent, "rotate_key_days", 90),
        cache=_cache(_table(raw, "cache")),
    )


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is a table, written [{name}].")
    return value


def _text(table: dict[str, Any], name: str, otherwise: str | None = None) -> str:
    value = table.get(name, otherwise)
    if not isinstance(value, str):
        raise ConfigError(f"{name} is missing, or is not a text.")
    return value


def _cache(table: dict[str, Any]) -> CacheOptions:
    try:
        return CacheOptions.read(table)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _country(table: dict[str, Any]) -> str:
    value = _text(table, "country", "").upper()
    if value and not (len(value) == 2 and value.isascii() and value.isalpha()):
        raise ConfigError('agent.country is a code of two letters, such as "FI".')
    return value


def _whole(table: dict[str, Any], name: str, otherwise: int) -> int:
    value = table.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"{name} is a whole number.")
    return value
