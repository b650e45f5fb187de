"""An agent that means no good: its requests are signed as it likes, and it says what it likes."""

import base64
import hashlib
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance.seen import PREFIX
from jobs.conformance.wire import b64, fingerprint, public_of, signed_headers

FEATURES = (
    "keys", "signed_inputs", "manifest_signature", "reconciliation", "removal", "partitions", "drain", "provisional",
)  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """An answer. `body` is its JSON object; empty when there is none."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    type: str = ""

    @property
    def code(self) -> str:
        return str(self.body.get("title", ""))


# method, address, headers, body
Send = Callable[[str, str, Mapping[str, str], bytes], Heard]


class Rogue:
    """One agent's side of the wire. `send` carries a request; tests put their own in its place."""

    def __init__(self, send: Send, url: str, key: Ed25519PrivateKey | None = None) -> None:
        self.send, self.url = send, url.rstrip("/")
        self.key = key or Ed25519PrivateKey.generate()
        self.id, self.epoch = "enrol", 0

    def call(self, method: str, path: str, body: Any = None, **words: Any) -> Heard:
        """A request as an honest agent would send it, but for `words`: those of `signed_headers`, and

        `then`: the body that is really sent; `to`: the path it is really sent to; `headers`: what replaces headers.
        """
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        then, to, changed = words.pop("then", content), words.pop("to", path), words.pop("headers", {})
        address = f"{self.url}{PREFIX}{path}"
        signing = {"key": self.key, "key_id": self.id, **words}
        headers = {"Content-Type": "application/json", **signed_headers(method, address, content, **signing), **changed}
        return self.send(method, f"{self.url}{PREFIX}{to}", headers, then)

    def enrol(self, code: str, **changes: Any) -> Heard:
        about = {"name": "conformance", "version": "1"}
        heard = self.call(
            "POST", "/enrol", {"code": code, "public_key": public_of(self.key), "agent": about, **changes}
        )
        if heard.status == 201 and not changes:
            self.id = str(heard.body["agent_id"])
        return heard

    def session(self, **describe: Any) -> Heard:
        about = {"backend": "rogue", "models": [], "features": list(FEATURES), **describe}
        heard = self.call("POST", "/session", {"protocols": ["1"], "version": "1", "describe": about})
        self.epoch = int(heard.body.get("epoch", self.epoch))
        return heard

    def sync(self, **message: Any) -> Heard:
        return self.call("POST", "/sync", {"epoch": self.epoch, "wait": 0, "wanted": 0, **message})

    def new_key(self, new: Ed25519PrivateKey, *, proof: str = "", agent: str = "", **words: Any) -> Heard:
        public = public_of(new)
        signed = b64(new.sign(f"open-paas-key/1\n{agent or self.id}\n{public}".encode()))
        return self.call("POST", "/keys", {"public_key": public, "proof": proof or signed}, **words)

    @property
    def fingerprint(self) -> str:
        return fingerprint(public_of(self.key))


@dataclass
class Stage:
    """Two sites: `honest` holds an attempt, runs it and has reported a start; `other` is the stranger."""

    honest: Rogue
    other: Rogue
    code: str
    key: str
    token: str
    payload: dict[str, Any]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seq: int = 10
    # A key the honest agent has replaced, and its name, once a thief has them.
    old: Ed25519PrivateKey | None = None
    old_name: str = ""

    @property
    def about(self) -> dict[str, str]:
        return {"key": self.key, "token": self.token}

    def moment(self, seconds: float) -> str:
        return (self.start + timedelta(seconds=seconds)).isoformat()

    def __post_init__(self) -> None:
        self.start = self.now()

    def usage(self, **changes: Any) -> dict[str, Any]:
        """A start that may well have been: a minute ago, for ten seconds."""
        row = {"id": "77", "cluster": "rogue", "native_id": "77", "method": "receipt"}
        when = {"started_at": self.moment(-60), "ended_at": self.moment(-50)}
        return {**self.about, **row, **when, "gpus": 1, "gpu_seconds": 10, "cpu_seconds": 1, **changes}

    def honest_words(self) -> dict[str, Any]:
        """What an honest agent might say in the same breath."""
        return {
            "attempts": [{**self.about, "seq": self.seq, "state": "running"}],
            "events": [{**self.about, "events": [{"seq": 1, "t": self.start.timestamp(), "type": "state"}]}],
            "logs": [{**self.about, "offset": 0, "text": "an honest line\n"}],
        }

    def artefact(self, path: str, content: bytes = b"x", *, by: Rogue | None = None, **words: Any) -> Heard:
        total, offset = words.pop("total", len(content)), words.pop("offset", 0)
        sha256 = words.pop("sha256", hashlib.sha256(content).hexdigest())
        query = f"offset={offset}&bytes={total}&sha256={sha256}"
        address = f"/attempts/{quote(self.key)}/artefacts/{path}?{query}"
        return (by or self.honest).call("PUT", address, content, **{"token": self.token, **words})


def set_stage(honest: Rogue, other: Rogue, *, codes: tuple[str, str]) -> Stage | None:
    """Enrols both with their codes and lets the first take a waiting job; None when there is none."""
    for agent, code in zip((honest, other), codes, strict=True):
        if agent.id == "enrol" and agent.enrol(code).status != 201:
            return None
        agent.session()
    work = honest.sync(wanted=1).body.get("work") or []
    if not work:
        return None
    payload = json.loads(base64.b64decode(work[0]["payload"]))
    stage = Stage(honest, other, codes[0], payload["key"], payload["token"], payload)
    honest.sync(attempts=[{**stage.about, "seq": 9, "state": "running"}])
    honest.sync(usage=[stage.usage()])
    return stage


def over_http(method: str, address: str, headers: Mapping[str, str], body: bytes) -> Heard:
    """Carries a request to a real portal."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    line = kind(parts.netloc, timeout=30)
    try:
        line.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, dict(headers))
        answer = line.getresponse()
        content = answer.read()
    except (BrokenPipeError, ConnectionResetError):
        # A portal may close the line on a body that is too large, before it was read.
        return Heard(413, {"title": "body_too_large"})
    finally:
        line.close()
    try:
        found = json.loads(content)
    except ValueError:
        found = {}
    return Heard(answer.status, found if isinstance(found, dict) else {}, answer.getheader("Content-Type") or "")
