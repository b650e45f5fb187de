"""Reading what an attempt delivered: the manifest against the files that really arrived."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobs.execution import sealed
from jobs.models import Artefact, Attempt, Job
from models_hub.specs import Manifest, SpecError

MANIFEST_NAME = "manifest.json"
RESULT_NAME = "result.json"
_READ_LIMIT = 8 * 1024 * 1024


class ResultsDamaged(Exception):
    """What arrived is not what the run says it wrote; `sentence` is for people."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Delivery:
    manifest: Manifest
    result: dict[str, Any]
    files: list[Artefact]

    @property
    def base_revision(self) -> str:
        return str((self.result.get("base_model") or {}).get("revision") or "")


def read_delivery(*, job: Job, attempt: Attempt) -> Delivery:
    """The verified delivery of an attempt; every file of the manifest is there, whole and with its digest."""
    arrived = {artefact.path: artefact for artefact in attempt.artefacts.filter(complete=True)}
    if MANIFEST_NAME not in arrived:
        raise ResultsDamaged(_("The list of result files did not arrive. The job was not charged; start it again."))
    content = _content(arrived[MANIFEST_NAME])
    objection = sealed.objection(attempt=attempt, manifest=content)
    if objection:
        raise ResultsDamaged(objection)
    try:
        manifest = Manifest.from_json(content)
    except SpecError as error:
        raise ResultsDamaged(_("The list of result files cannot be read. Start the job again.")) from error
    if manifest.spec_hash != job.spec_hash or manifest.base_model != job.spec["base_model"]["id"]:
        raise ResultsDamaged(_("The results that arrived belong to another job. Start the job again."))
    if not manifest.files:
        raise ResultsDamaged(_("The run wrote no result files. Start the job again."))
    files = [arrived[MANIFEST_NAME]]
    for named in manifest.files:
        found = arrived.get(named.path)
        if found is None or (found.sha256, found.bytes) != (named.sha256, named.bytes):
            raise ResultsDamaged(
                _("The result file %(path)s is missing or damaged. The job was not charged; start it again.")
                % {"path": named.path}
            )
        files.append(found)
    result = attempt.result
    if RESULT_NAME in arrived:
        result = _object(_content(arrived[RESULT_NAME])) or result
    return Delivery(manifest=manifest, result=result, files=files)


def _content(artefact: Artefact) -> bytes:
    if artefact.bytes > _READ_LIMIT:
        raise ResultsDamaged(_("The result file %(path)s is too large to be read.") % {"path": artefact.path})
    try:
        with artefact.file.open("rb") as file:
            content: bytes = file.read()
    except OSError as error:
        raise ResultsDamaged(_("The result file %(path)s cannot be read.") % {"path": artefact.path}) from error
    return content


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content, parse_constant=lambda name: None)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
