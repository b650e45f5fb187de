"""The guide's worked example holds, for those who write an agent from it in another language."""

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.agent.identity import fingerprint_of, public_key_of
from jobs.agent.pinning import statement_text
from jobs.agent.reconcile import digest_of
from jobs.agent.rotation import proof_of
from jobs.agent.signing import sign
from jobs.siteapi import keys, portal_keys

GUIDE = (Path(__file__).resolve().parents[3] / "docs/site-protocol.md").read_text()
BASE, HEADERS = re.findall(r"```\n(.*?)\n```", GUIDE, re.DOTALL)[:2]
AGENT = "0d9c4b0a-1c59-4a4e-9d4c-0f4f6c1f2a11"
FIRST = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SECOND = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def header(name):
    return dict(line.split(": ", 1) for line in HEADERS.splitlines())[name]


def test_the_signature_is_over_the_base_as_it_is_printed():
    FIRST.public_key().verify(base64.b64decode(header("Signature").removeprefix("agent=:").rstrip(":")), BASE.encode())
    digest = base64.b64encode(hashlib.sha256(b'{"epoch":7}').digest()).decode()
    assert header("Content-Digest") == f"sha-256=:{digest}:"


def test_our_agent_sends_the_very_headers():
    request = httpx.Request("POST", "https://portal.example/site/v1/sync", content=b'{"epoch":7}')
    sign(request, key=FIRST, key_id=AGENT, created=1795255200, nonce="5h0Cx2")
    for name in ("Content-Digest", "Signature-Input", "Signature"):
        assert request.headers[name] == header(name)


@pytest.mark.parametrize(
    "value",
    [
        public_key_of(FIRST),
        fingerprint_of(public_key_of(FIRST)),
        public_key_of(SECOND),
        proof_of(SECOND, AGENT),
        base64.b64encode(FIRST.sign(statement_text(public_key_of(SECOND)))).decode(),
    ],
)
def test_the_further_values_are_right(value):
    assert f"`{value}`" in GUIDE


def test_the_digest_of_a_day_is_right():
    line = re.search(r"`(ft-[^`]*accounting[^`]*)`", GUIDE)[1].replace("\\|", "|")
    by_hand = hashlib.sha256(f"{line}\n".encode()).hexdigest()
    row = {
        "key": "ft-9f1c2d3e4a5b-1", "cluster": "lumi", "native_id": "4711", "method": "accounting", "gpus": 2,
        "gpu_seconds": 1200, "started_at": "2026-11-20T10:00:00+00:00",
        "ended_at": "2026-11-20T11:10:00.250000+01:00",
    }  # fmt: skip
    assert by_hand == digest_of("2026-11-20", [row])["digest"]
    assert f"`{by_hand}`" in GUIDE


def test_both_sides_sign_the_same_words():
    public = public_key_of(SECOND)
    assert statement_text(public) == portal_keys.statement_text(public)
    SECOND.public_key().verify(base64.b64decode(proof_of(SECOND, AGENT)), keys.proof_text(AGENT, public))
    assert fingerprint_of(public) == keys.key_id(public)


def test_the_list_of_what_is_missing_names_nothing_that_is_there():
    missing = GUIDE.partition("## Not in version 1")[2].lower()
    assert missing
    for there in ("rotation", "openapi", "conformance", "reconciliation", "discrepanc", "forecast", "signed address"):
        assert there not in missing
