"""The agent's signature over what a run has delivered: the bytes of manifest.json, which names every file's digest."""

import base64
from pathlib import Path

from jobs.agent.identity import Keeper, fingerprint_of, public_key_of


def seal(keeper: Keeper, manifest: Path) -> dict[str, str]:
    """What goes with the final report: the signature, and by its short name the key that made it."""
    key = keeper.key()
    return {
        "manifest_signature": base64.b64encode(key.sign(manifest.read_bytes())).decode(),
        "manifest_key": fingerprint_of(public_key_of(key)),
    }
