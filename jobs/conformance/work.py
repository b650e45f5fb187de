"""The work the scripted portal hands out: a small honest job whose name says how the stand-in training behaves."""

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance.wire import b64, canonical, fingerprint, public_of

SITE = "conformance"
# What the agent under test is told to allow, see docs/conformance.md.
RECIPE, MAX_GPUS, MAX_MINUTES = "classify", 1, 60
TENANT = "4c1d6a52-7b55-4b7a-9d39-0f6f2b6f0001"
MODEL = "kit-encoder"
REVISION = "kit-1"
LEASE_SECONDS = 120
FINAL = ("done", "failed", "cancelled")


@dataclass
class ResultFile:
    """One result file as far as it has arrived."""

    bytes: int
    sha256: str
    content: bytearray = field(default_factory=bytearray)
    complete: bool = False

    def listed(self, path: str) -> dict[str, Any]:
        return {"path": path, "received": len(self.content), "bytes": self.bytes, "complete": self.complete}


@dataclass
class Job:
    """One attempt: what is handed out, and everything the agent has said of it."""

    key: str
    token: str
    payload: dict[str, Any]
    inputs: dict[str, bytes]
    # ---- the script's wishes -----------------------------------------------------------------------------------
    cancel: bool = False
    # States whose report is not acknowledged while they stand here.
    withheld: frozenset[str] = frozenset()
    # No closing word while True.
    kept_open: bool = False
    closed_at_once: bool = False
    refused: tuple[str, str] | None = None  # kind, code
    # The portal itself does not hand it out: the script does, or nobody.
    by_hand: bool = False
    # ---- what came -----------------------------------------------------------------------------------------------
    handed: int = 0
    acked: int = 0
    reports: list[dict[str, Any]] = field(default_factory=list)
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    log: dict[int, bytes] = field(default_factory=dict)
    usage: dict[str, dict[str, Any]] = field(default_factory=dict)
    usage_said: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, ResultFile] = field(default_factory=dict)
    completed: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def play(self) -> str:
        return str(self.payload["spec"]["name"]).partition(" ")[0]

    @property
    def state(self) -> str:
        return str(self.newest.get("state", ""))

    @property
    def newest(self) -> dict[str, Any]:
        return max(self.reports, key=lambda report: report.get("seq", 0), default={})

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def said(self, *states: str) -> bool:
        return any(report.get("state") in states for report in self.reports)

    def whole_events(self) -> int:
        """The number up to which the stream is whole."""
        number = 0
        while number + 1 in self.events:
            number += 1
        return number

    def whole_log(self) -> bytes:
        text = b""
        for offset in sorted(self.log):
            if offset > len(text):
                break
            text += self.log[offset][len(text) - offset :]
        return text


def new_job(play: str = "ok", *, key: str = "", tenant: str = TENANT, **changes: Any) -> Job:
    """An honest job. `changes` overwrite fields of the payload; `spec` among them changes fields of the spec."""
    key = key or f"ft-{uuid.uuid4().hex[:12]}-1"
    inputs = {f"{name}.jsonl": _rows(name, key) for name in ("train", "validation", "test")}
    spec = {**_spec(f"{play} {key}", inputs), **changes.pop("spec", {})}
    now = datetime.now(UTC)
    payload = {
        "schema": "open-paas/work/1",
        "key": key,
        "token": secrets.token_urlsafe(18),
        "site": SITE,
        "epoch": 1,
        "tenant": tenant,
        "partition": "kit",
        "issued_at": now.isoformat(),
        "lease_seconds": LEASE_SECONDS,
        "not_after": (now + timedelta(hours=24)).isoformat(),
        "gpus": 1,
        "max_seconds": 600,
        "spec": spec,
        "spec_hash": hashlib.sha256(canonical(spec)).hexdigest(),
        "inputs": [_named(name, content) for name, content in inputs.items()],
        **changes,
    }
    return Job(key=payload["key"], token=payload["token"], payload=payload, inputs=inputs)


def signed(payload: dict[str, Any], key: Ed25519PrivateKey) -> dict[str, str]:
    """The work as it travels."""
    raw = canonical(payload)
    return {"payload": b64(raw), "signature": b64(key.sign(raw)), "key_id": fingerprint(public_of(key))}


def _named(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _rows(part: str, key: str) -> bytes:
    rows = [{"text": f"{part} {key} {number}", "label": "ab"[number % 2]} for number in range(8)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _spec(name: str, inputs: dict[str, bytes]) -> dict[str, Any]:
    """Numbers that may have a fraction are written with one, so that every language hashes the same bytes."""
    parts = {part.removesuffix(".jsonl"): {**_named(part, content), "rows": 8} for part, content in inputs.items()}
    return {
        "schema": "open-paas/job-spec/1",
        "recipe": RECIPE,
        "name": name,
        "seed": 7,
        "base_model": {"id": MODEL, "revision": REVISION, "repo": None},
        "method": "baseline",
        "data": {"format": "classification", "labels": ["a", "b"], **parts},
        "train": {
            "epochs": 1.5, "learning_rate": 0.25, "micro_batch": 8, "accumulation": 1, "max_length": 128,
            "warmup_ratio": 0.25, "scheduler": "constant", "patience": 0, "eval_every": 5, "save_every": 5,
            "log_every": 1,
        },
        "lora": None,
        "evaluation": {"samples": 3, "max_new_tokens": 16},
        "limits": {"gpus": 1, "max_seconds": 600, "memory_gb": 4.5},
        "card": {
            "title": "Kit", "licence_spdx": None, "licence_name": "none", "base_name": MODEL, "base_repo": None,
            "languages": ["en"], "dataset_name": "Kit", "dataset_sha256": "d" * 64, "intended_use": "",
        },
    }  # fmt: skip
