"""What the scripted portal has seen and what it may answer: the words the scripts are written in."""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from jobs.conformance.wire import Signed

CALLS = (
    ("enrol", "POST", r"/enrol"),
    ("session", "POST", r"/session"),
    ("sync", "POST", r"/sync"),
    ("keys", "POST", r"/keys"),
    ("revoke", "DELETE", r"/keys/(?P<name>[^/]+)"),
    ("input", "GET", r"/attempts/(?P<key>[^/]+)/inputs/(?P<name>[^/]+)"),
    ("input", "GET", r"/inputs/(?P<ticket>[^/]+)"),
    ("artefacts", "GET", r"/attempts/(?P<key>[^/]+)/artefacts"),
    ("artefact", "PUT", r"/attempts/(?P<key>[^/]+)/artefacts/(?P<name>.+)"),
    ("tokenizer", "PUT", r"/models/(?P<name>[^/]+)/tokenizer"),
)
PREFIX = "/site/v1"


@dataclass
class Seen:
    """One request. `at` is monotonic, `status` what it was answered with (0: not answered)."""

    at: float
    call: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    signed: Signed
    where: dict[str, str] = field(default_factory=dict)
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def key(self) -> str:
        return self.where.get("key", "")

    @property
    def name(self) -> str:
        return self.where.get("name", "")

    def part(self, name: str) -> dict[str, Any]:
        """An object in the body; empty when there is none."""
        found = self.json.get(name)
        return found if isinstance(found, dict) else {}

    def asked(self, name: str) -> str:
        return parse_qs(self.target.partition("?")[2]).get(name, [""])[0]


def call_of(method: str, target: str) -> tuple[str, dict[str, str]]:
    """Which call of the protocol that is, and the names in its path."""
    path = target.partition("?")[0]
    if path.startswith(PREFIX):
        for call, wanted, pattern in CALLS:
            found = re.fullmatch(pattern, path.removeprefix(PREFIX))
            if found and wanted == method:
                return call, {name: unquote(value) for name, value in found.groupdict().items()}
    return "unknown", {}


# ---- answers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """An answer in full. `body` is JSON unless it is bytes."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lost:
    """The request is dealt with, and the answer never arrives."""


@dataclass(frozen=True)
class Away:
    """The connection is closed without a word, and nothing was taken in."""


Answer = Plain | Lost | Away


def problem(status: int, code: str, detail: str = "The conformance kit says so.", **headers: str) -> Plain:
    body = {"type": f"urn:open-paas:problem:{code}", "title": code, "status": status, "detail": detail}
    return Plain(
        status,
        body,
        {"Content-Type": "application/problem+json", **{n.replace("_", "-"): v for n, v in headers.items()}},
    )
