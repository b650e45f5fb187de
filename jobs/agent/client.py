"""Talking to the portal. Two kinds of trouble only: it is away (try again), or it refuses (do something else)."""

import hashlib
import json
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.agent import VERSION
from jobs.agent.config import Config
from jobs.agent.features import PROTOCOLS
from jobs.agent.files import sha256_of
from jobs.agent.identity import Identity, Keeper, code_digest, fingerprint_of, public_key_of
from jobs.agent.signing import SignedBy

CHUNK = 2 * 1024 * 1024
PATIENCE = httpx.Timeout(20.0, read=40.0)


class PortalAway(Exception):
    """No answer, or one that says "later". `retry_after` in seconds, when the portal said so."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Refused(Exception):
    """The portal's problem document: a code for us, a sentence for the operator."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status, self.code, self.detail = status, code, detail


class DigestMismatch(Exception):
    """What was downloaded is not what the spec names."""


class Portal:
    def __init__(self, config: Config, identity: Identity | None, keeper: Keeper) -> None:
        self.config, self.identity, self.keeper = config, identity, keeper
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=config.ca_file) if config.ca_file else True
        # An older portal knows agents by their id alone; that of a key is added once both sides have agreed on it.
        self._names_keys = False
        self.http = httpx.Client(
            base_url=f"{config.portal_url}/site/v1",
            timeout=PATIENCE,
            verify=verify,
            headers={"User-Agent": f"open-paas-agent/{VERSION}"},
            follow_redirects=False,
        )
        self.sign_with(keeper.key())

    @property
    def agent_id(self) -> str:
        return self.identity.agent_id if self.identity else "enrol"

    def sign_with(self, key: Ed25519PrivateKey) -> None:
        """From the next request on this key signs; requests under way end with the one they began with."""
        self._key = key
        fingerprint = f":{fingerprint_of(public_key_of(key))}" if self._names_keys else ""
        self.http.auth = SignedBy(key, self.agent_id + fingerprint)

    def name_keys(self, agreed: bool) -> None:
        """Whether signatures say which of the agent's keys has made them."""
        self._names_keys = agreed
        self.sign_with(self._key)

    def close(self) -> None:
        self.http.close()

    # ---- calls ---------------------------------------------------------------------------------------------------

    def enrol(self, code: str) -> Identity:
        """Turns a one-time code into an identity and keeps it. Asked again with the same code: the same answer."""
        public_key = public_key_of(self.keeper.key())
        answer = self._json(
            "POST",
            "/enrol",
            {"code": code, "public_key": public_key, "agent": {"name": self.config.name, "version": VERSION}},
        )
        identity = Identity(
            agent_id=answer["agent_id"],
            site=answer["site"],
            public_key=public_key,
            portal_public_key=answer["portal_public_key"],
            code_sha256=code_digest(code),
        )
        self.keeper.keep(identity)
        return identity

    def session(self, describe: dict[str, Any]) -> dict[str, Any]:
        return self._json("POST", "/session", {"protocols": list(PROTOCOLS), "version": VERSION, "describe": describe})

    def introduce_key(self, *, public_key: str, proof: str) -> dict[str, Any]:
        return self._json("POST", "/keys", {"public_key": public_key, "proof": proof})

    def sync(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._json("POST", "/sync", message, timeout=httpx.Timeout(20.0, read=40.0 + message.get("wait", 0)))

    def download(
        self, *, key: str, token: str, name: str, sha256: str, size: int, target: Path,
        address: str | None = None,
    ) -> None:  # fmt: skip
        """One input into `target`, checked before it gets its name. What is there and right is not fetched again.

        `address` is a signed one; without it the plain one is used, under the attempt's lease.
        """
        if target.exists() and target.stat().st_size == size and sha256_of(target) == sha256:
            return
        draft = target.with_name(f".{target.name}.part")
        digest, received = hashlib.sha256(), 0
        try:
            with (
                self.http.stream(
                    "GET",
                    address or f"/attempts/{quote(key)}/inputs/{quote(name)}",
                    headers={} if address else {"Lease-Token": token},
                ) as response,
                os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            ):
                if response.status_code != 200:
                    response.read()
                    raise self._trouble(response)
                for block in response.iter_bytes(1024 * 1024):
                    received += len(block)
                    if received > size:
                        break
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        except httpx.HTTPError as error:
            raise PortalAway(_words(error)) from error
        if received != size or digest.hexdigest() != sha256:
            draft.unlink(missing_ok=True)
            raise DigestMismatch(f"The input {name} is not the one this job names.")
        draft.replace(target)

    def artefacts(self, *, key: str, token: str) -> dict[str, dict[str, Any]]:
        answer = self._json("GET", f"/attempts/{quote(key)}/artefacts", headers={"Lease-Token": token})
        return {row["path"]: row for row in answer["artefacts"]}

    def upload(
        self, *, key: str, token: str, path: str, file: Path, sha256: str, known: dict[str, Any] | None,
        go_on: Callable[[], bool],
    ) -> None:  # fmt: skip
        """Sends one result file in pieces, from where the portal says it stopped."""
        size = file.stat().st_size
        if known and known["complete"] and known["bytes"] == size:
            return
        offset = int(known["received"]) if known and known["bytes"] == size and not known["complete"] else 0
        address = f"/attempts/{quote(key)}/artefacts/{quote(path)}"
        with file.open("rb") as content:
            while go_on():
                content.seek(offset)
                piece = content.read(CHUNK)
                query = {"offset": offset, "bytes": size, "sha256": sha256}
                headers = {"Lease-Token": token, "Content-Type": "application/octet-stream"}
                answer = self._call("PUT", address, params=query, content=piece, headers=headers)
                if answer["complete"]:
                    return
                if answer["received"] == size:
                    raise PortalAway("The portal is still reading the file back.")
                offset = int(answer["received"])
        raise PortalAway("The agent is stopping.")

    def tokenizer(self, *, slug: str, tokenizer: str, config: dict[str, Any]) -> None:
        self._json("PUT", f"/models/{quote(slug)}/tokenizer", {"tokenizer": tokenizer, "config": config})

    # ---- the wire ------------------------------------------------------------------------------------------------

    def _json(self, method: str, path: str, body: Any = None, **extra: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", **extra.pop("headers", {})}
        content = json.dumps(body, allow_nan=False).encode() if body is not None else b""
        return self._call(method, path, content=content, headers=headers, **extra)

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            response = self.http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise PortalAway(_words(error)) from error
        if response.is_success:
            try:
                answer: dict[str, Any] = response.json()
            except ValueError as error:
                raise PortalAway("The portal's answer is not JSON; is portal.url right?") from error
            return answer
        raise self._trouble(response)

    @staticmethod
    def _trouble(response: httpx.Response) -> PortalAway | Refused:
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        detail = str(problem.get("detail", response.reason_phrase))
        if response.status_code >= 500 or response.status_code in (408, 425, 429) or "title" not in problem:
            wait = response.headers.get("Retry-After", "")
            return PortalAway(f"HTTP {response.status_code}: {detail}", float(wait) if wait.isdigit() else None)
        return Refused(response.status_code, str(problem["title"]), detail)


def _words(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
