"""A site that takes one job and says what it is told to, to the services and not over the wire."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

from jobs.execution.reports import StateReport, Usage
from jobs.execution.services import (
    lease_jobs,
    observe_state,
    record_usage,
)
from jobs.siteapi.services import receive_chunk
from tests.jobs.scene import make_agent, make_scene, submit

AT = datetime.now(UTC)


def make_told():
    scene = make_scene()
    scene.agent = make_agent(scene.site)
    scene.job = submit(scene)
    return scene


def lease(scene, at=None):
    (attempt,) = lease_jobs(agent=scene.agent, wanted=1, at=at or datetime.now(UTC))
    return attempt


def say(attempt, seq, state, at=None, **words):
    return observe_state(attempt=attempt, report=StateReport(seq=seq, state=state, **words), at=at or datetime.now(UTC))


def state_of(scene):
    scene.job.refresh_from_db()
    return scene.job.state


def use(attempt, *, seconds=100, started=None, **fields):
    started = started or attempt.created_at
    facts = {
        "cluster": "local", "native_id": attempt.key, "started_at": started,
        "ended_at": started + timedelta(seconds=seconds), "gpus": 1, "gpu_seconds": seconds, "method": "receipt",
        **fields,
    }  # fmt: skip
    return record_usage(attempt=attempt, usage=Usage(**facts), at=datetime.now(UTC) + timedelta(hours=1))


def deliver(attempt, *, spoil=None, spec_hash=None):
    """What a good run sends back: two files and their manifest."""
    job = attempt.job
    files = {
        "model/classifier.safetensors": b"weights",
        "result.json": json.dumps({"state": "succeeded", "base_model": {"revision": "rev-1"}}).encode(),
    }
    manifest = {
        "schema": "open-paas/manifest/1",
        "spec_hash": spec_hash or job.spec_hash,
        "base_model": job.spec["base_model"]["id"],
        "base_digest": "b" * 64,
        "files": [
            {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for path, content in files.items()
        ],
    }
    files["manifest.json"] = json.dumps(manifest).encode()
    for path, content in files.items():
        if path != spoil:
            receive_chunk(
                attempt=attempt, path=path, offset=0, total=len(content), sha256=hashlib.sha256(content).hexdigest(),
                content=content, at=AT,
            )  # fmt: skip
