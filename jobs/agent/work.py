"""Work as the portal signs it: verified, understood in full, and held against this site's allow-list."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jobs.agent.config import Allowed
from jobs.agent.identity import Identity
from jobs.agent.shape import PLAIN, Shape, shape_of
from models_hub.specs import JobSpec, SpecError
from models_hub.specs.fields import SAFE_NAME

WORK_SCHEMA = "open-paas/work/1"


class WorkRefused(Exception):
    """This site does not act on it. `key` and `token` are set when the work is the portal's, so it can be told."""

    def __init__(self, sentence: str, *, key: str = "", token: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.key, self.token = str(sentence), key, token
        self.code = getattr(sentence, "code", "refused_by_site")


@dataclass(frozen=True)
class Work:
    key: str
    token: str
    spec: JobSpec
    gpus: int
    max_seconds: int
    lease_seconds: int
    not_after: datetime
    inputs: tuple[dict[str, Any], ...]
    shape: Shape = PLAIN


def verified(message: dict[str, Any], identity: Identity) -> dict[str, Any]:
    """The payload, if the portal this agent enrolled with signed it for this site."""
    try:
        payload = base64.b64decode(message["payload"], validate=True)
        if not identity.portal_signed(base64.b64decode(message["signature"], validate=True), payload):
            raise ValueError("signed by somebody else")
        raw: dict[str, Any] = json.loads(payload)
    except (KeyError, TypeError, ValueError) as error:
        raise WorkRefused("Work arrived whose signature is not the portal's. It was not touched.") from error
    if raw.get("schema") != WORK_SCHEMA or raw.get("site") != identity.site:
        raise WorkRefused("Work arrived that is not for this site. It was not touched.")
    if not SAFE_NAME.match(str(raw.get("key", ""))):
        # The key names folders and jobs; one that leads elsewhere is not even written down.
        raise WorkRefused("Work arrived whose key is no name of a folder. It was not touched.")
    return raw


def understood(raw: dict[str, Any], allowed: Allowed) -> Work:
    """The work in full, if this site's own rules allow it."""
    try:
        key, token = str(raw["key"]), str(raw["token"])
        spec = JobSpec.from_json(raw["spec"])
        if spec.spec_hash != raw["spec_hash"]:
            raise SpecError("spec_hash", "The spec is not the one that was hashed.")
        work = Work(
            key=key,
            token=token,
            spec=spec,
            gpus=int(raw["gpus"]),
            max_seconds=int(raw["max_seconds"]),
            lease_seconds=int(raw["lease_seconds"]),
            not_after=datetime.fromisoformat(raw["not_after"]).astimezone(UTC),
            inputs=tuple(
                {"name": split.name, "sha256": split.sha256, "bytes": split.bytes}
                for split in spec.data.splits().values()
            ),
            shape=shape_of(raw),
        )
    except (KeyError, TypeError, ValueError) as error:
        sentence = f"The site could not read the job: {error}"
        raise WorkRefused(sentence, key=str(raw.get("key", "")), token=str(raw.get("token", ""))) from error
    objection = allowed.objection(
        recipe=work.spec.recipe, gpus=work.gpus, seconds=work.max_seconds, tenant=str(raw.get("tenant", ""))
    )
    objection = objection or allowed.objection_to_shape(nodes=work.shape.nodes, image=work.shape.image)
    objection = objection or allowed.objection_to_data(residency=[str(code) for code in raw.get("residency") or ()])
    if objection:
        raise WorkRefused(objection, key=work.key, token=work.token)
    return work


class Reader:
    """`understood`, once for each work: a job is read when it is leased, when its data come, when it is handed over.

    Every thread of the agent may ask. What this site allows stays as it was when the agent began.
    """

    MOST = 1000

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self._known: dict[str, tuple[dict[str, Any], Work]] = {}

    def work(self, raw: dict[str, Any]) -> Work:
        known = self._known.get(str(raw.get("key")))
        if known is not None and known[0] == raw:
            return known[1]
        work = understood(raw, self.allowed)
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[work.key] = (raw, work)
        return work

    def forget(self, key: str) -> None:
        self._known.pop(key, None)
