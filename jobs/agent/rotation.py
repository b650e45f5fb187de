"""Replacing the agent's key without a pause. Killed at any line, the agent goes on with a key the portal accepts.

1. The next key is made and safe on disk. 2. The portal is told of it by a request that the key in use has signed; both
are in force from then on. 3. The next key takes the place of the one in use. Between 1 and 3 the file of the next key
is there: whoever finds it begins again at 2, where the portal gives the same answer to the same key.
"""

import base64
import logging
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.agent.client import Portal, PortalAway, Refused
from jobs.agent.config import Config
from jobs.agent.identity import Keeper, fingerprint_of, public_key_of
from jobs.agent.state import State

logger = logging.getLogger(__name__)

AGAIN_AFTER_ABSENCE, AGAIN_AFTER_REFUSAL = 60.0, 3600.0
# The portal takes the key in use no more, while it may have been told of the next one.
_OUT_OF_USE = frozenset({"key_expired", "key_revoked"})


def proof_of(key: Ed25519PrivateKey, agent_id: str) -> str:
    """Shows that we hold the private half of a key that we introduce."""
    return base64.b64encode(key.sign(f"open-paas-key/1\n{agent_id}\n{public_key_of(key)}".encode())).decode()


class Rotation:
    def __init__(self, *, config: Config, keeper: Keeper, state: State) -> None:
        self.config, self.keeper, self.state = config, keeper, state
        self._not_before = 0.0

    def step(self, portal: Portal, *, can: bool, replace_by: str | None) -> None:
        """Replaces the key when it is time. `can`: the portal knows how; `replace_by`: until when it wants it done."""
        reason = self.reason(replace_by) if can and time.monotonic() >= self._not_before else ""
        if not reason:
            return
        try:
            until = self.rotate(portal)
            logger.info("The agent signs with a new key (%s); the old one ends at %s.", reason, until)
        except PortalAway as trouble:
            logger.warning("The key is replaced later: %s", trouble)
            self._not_before = time.monotonic() + AGAIN_AFTER_ABSENCE
        except Refused as refusal:
            logger.error("The portal refuses the new key: %s", refusal)
            self.state.note("rotation_refused", str(refusal))
            self._not_before = time.monotonic() + AGAIN_AFTER_REFUSAL

    def reason(self, replace_by: str | None = None) -> str:
        """Why the key is to be replaced now; empty when it is not."""
        if self.keeper.next_file.exists():
            return "begun earlier"
        asked = self.state.noted("rotate_key")
        if asked and asked == self.fingerprint():
            return "asked for here"
        if replace_by:
            return "asked for by the portal"
        days = self.config.rotate_key_days
        return f"older than {days:g} days" if days and self.age_days() > days else ""

    def rotate(self, portal: Portal) -> str | None:
        """All three steps. Returns until when the old key is accepted, as the portal says."""
        key = self.keeper.next_key()
        agent_id = portal.agent_id
        answer = portal.introduce_key(public_key=public_key_of(key), proof=proof_of(key, agent_id))
        self.keeper.take_next()
        portal.sign_with(key)
        until: str | None = answer.get("old_not_after")
        self.state.note("rotation", {"key": self.fingerprint(), "at": time.time(), "old_not_after": until})
        return until

    def rescue(self, refusal: Refused) -> bool:
        """After a rotation that was cut off for longer than the old key's time: the next key is the one that counts."""
        if refusal.code not in _OUT_OF_USE or not self.keeper.next_file.exists():
            return False
        logger.warning("The key in use is no longer accepted; going on with the one that was to follow it.")
        self.keeper.take_next()
        return True

    def fingerprint(self) -> str:
        return fingerprint_of(public_key_of(self.keeper.key()))

    def about(self) -> dict[str, object]:
        """For people: the key in use, its age, and whether its replacement has been begun."""
        return {
            "fingerprint": self.fingerprint(),
            "age_days": round(self.age_days(), 1),
            "being_replaced": self.keeper.next_file.exists(),
        }

    def age_days(self) -> float:
        return (time.time() - self.keeper.key_file.stat().st_mtime) / 86400
