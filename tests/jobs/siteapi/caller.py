"""An agent's side of the protocol by hand: signed requests through Django's test client, honest or not."""

import json
import secrets
import time
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client

from jobs.agent.identity import public_key_of
from jobs.agent.signing import sign

HOST = "localhost"


class Caller:
    def __init__(self, key: Ed25519PrivateKey | None = None, key_id: str = "enrol") -> None:
        self.client = Client(SERVER_NAME=HOST)
        self.key = key or Ed25519PrivateKey.generate()
        self.key_id = key_id
        self.epoch = 0

    @property
    def public_key(self) -> str:
        return public_key_of(self.key)

    def request(self, method: str, path: str, body: Any = None, *, token: str = "", **signing: Any) -> httpx.Request:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"Lease-Token": token} if token else {}
        request = httpx.Request(method, f"http://{HOST}/site/v1{path}", content=content, headers=headers)
        words = {"created": int(time.time()), "nonce": secrets.token_hex(8), "key": self.key, "key_id": self.key_id}
        sign(request, **{**words, **signing})
        return request

    def send(self, request: httpx.Request, *, content: bytes | None = None, **headers: str) -> Any:
        kept = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        return self.client.generic(
            request.method,
            request.url.raw_path.decode(),
            request.content if content is None else content,
            content_type="application/json",
            headers={**kept, **headers},
        )

    def call(self, method: str, path: str, body: Any = None, **words: Any) -> Any:
        return self.send(self.request(method, path, body, **words))

    # ---- the usual calls -----------------------------------------------------------------------------------------

    def enrol(self, code: str, **words: Any) -> Any:
        body = {"code": code, "public_key": self.public_key, "agent": {"name": "test", "version": "1"}}
        answer = self.call("POST", "/enrol", {**body, **words})
        if answer.status_code == 201:
            self.key_id = answer.json()["agent_id"]
        return answer

    def session(self, models: Any = (), **describe: Any) -> Any:
        answer = self.call(
            "POST", "/session", {"version": "1", "describe": {"backend": "local", "models": list(models), **describe}}
        )
        if answer.status_code == 200:
            self.epoch = answer.json()["epoch"]
        return answer

    def sync(self, **message: Any) -> Any:
        return self.call("POST", "/sync", {"epoch": self.epoch, "wanted": 0, **message})

    def say(self, **message: Any) -> Any:
        return self.sync(**message).json()
