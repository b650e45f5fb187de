"""Work as it travels: canonical JSON, signed by the portal, so that a site acts on nothing else."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.execution.rules import REMOVE_AFTER
from jobs.models import Attempt
from jobs.siteapi import keys, portal_keys
from jobs.siteapi.services.budget import budget_of
from jobs.siteapi.services.inputs import FEATURE, input_addresses
from models_hub.specs import SPLITS, canonical_json

WORK_SCHEMA = "open-paas/work/1"


def all_signed(attempts: Sequence[Attempt], *, at: datetime) -> list[dict[str, str]]:
    """The work of one answer. Budgets are asked for, and keys read from their files, once and not for each attempt."""
    jobs = {attempt.job.allocation_id: attempt.job for attempt in attempts}  # all of one site
    budgets = {allocation: budget_of(job) for allocation, job in jobs.items()}
    agents = {attempt.agent_id: attempt.agent for attempt in attempts}
    keys_of = {
        pk: portal_keys.key_for(portal_keys.trusted_by(agent.description) if agent else None)
        for pk, agent in agents.items()
    }
    return [
        signed_work(attempt, budget=budgets[attempt.job.allocation_id], key=keys_of[attempt.agent_id], at=at)
        for attempt in attempts
    ]


def signed_work(attempt: Attempt, *, budget: dict[str, Any], key: Ed25519PrivateKey, at: datetime) -> dict[str, str]:
    """`{"payload", "signature", "key_id"}`: the payload in base64 is what is signed, byte for byte."""
    payload = canonical_json(describe(attempt, budget=budget, at=at))
    return {
        "payload": base64.b64encode(payload).decode(),
        "signature": base64.b64encode(key.sign(payload)).decode(),
        "key_id": keys.key_id(keys.encoded(key.public_key())),
    }


def describe(attempt: Attempt, *, budget: dict[str, Any], at: datetime) -> dict[str, Any]:
    job = attempt.job
    return {
        "schema": WORK_SCHEMA,
        "key": attempt.key,
        "token": attempt.lease_token,
        "site": job.site.slug,
        "epoch": attempt.lease_epoch,
        "tenant": str(job.organisation_id),
        "partition": job.partition.name,
        "issued_at": at.isoformat(),
        "lease_seconds": round((attempt.lease_expires_at - at).total_seconds()),
        "not_after": attempt.not_after.isoformat(),
        "gpus": job.gpus,
        "nodes": job.nodes,
        "max_seconds": job.max_seconds,
        "remove_after_seconds": int(REMOVE_AFTER.total_seconds()),
        "budget": budget,
        "residency": job.dataset.residency,
        "spec": job.spec,
        "spec_hash": job.spec_hash,
        "inputs": _inputs(attempt, at=at),
    }


def _inputs(attempt: Attempt, *, at: datetime) -> list[dict[str, Any]]:
    """What the job reads; with signed addresses for an agent that knows what to do with them."""
    data = attempt.job.spec["data"]
    plain = [{name: data[split][name] for name in ("name", "sha256", "bytes")} for split in SPLITS]
    if attempt.agent is None or not attempt.agent.knows(FEATURE):
        return plain
    return [{**one, **address} for one, address in zip(plain, input_addresses(attempt, at=at), strict=True)]
