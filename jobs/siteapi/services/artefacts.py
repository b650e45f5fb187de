"""Receiving result files in pieces: resumable, in order, each whole file checked against its digest.

On disk a file goes by an id of ours; the path an agent names is only ever a column, so it can lead nowhere.
"""

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from jobs.execution.rules import MAX_ARTEFACTS
from jobs.models import Artefact, Attempt
from models_hub.specs.fields import SAFE_NAME, SHA256
from portal.kernel.errors import DomainError

MAX_PATH = 300
GIB = 1024**3
_DEFAULT_LIMIT = 16 * GIB


def receive_chunk(
    *, attempt: Attempt, path: str, offset: int, total: int, sha256: str, content: bytes, at: datetime
) -> dict[str, Any]:
    """Appends one piece. Returns how far the file is; a piece known already changes nothing."""
    check_path(path)
    if not SHA256.match(sha256) or total < 0 or offset < 0 or offset + len(content) > total:
        raise DomainError("artefact_shape", _("Offset, length and digest of this piece do not fit."), status=422)
    artefact = _announce(attempt=attempt, path=path, total=total, sha256=sha256)
    if artefact.complete:
        return progress(artefact)
    with transaction.atomic():
        artefact = Artefact.objects.select_for_update(of=("self",)).get(pk=artefact.pk)
        if artefact.complete:
            return progress(artefact)
        if offset > artefact.received:
            raise DomainError(
                "artefact_offset",
                _("The piece begins at %(offset)d, but the file is whole up to %(received)d.")
                % {"offset": offset, "received": artefact.received},
            )
        fresh = content[artefact.received - offset :]
        if fresh or not artefact.file:
            artefact.file.name = artefact.file.name or f"artefacts/{attempt.key}/{artefact.pk.hex}"
            _write(file_path(artefact), artefact.received, fresh)
            artefact.received += len(fresh)
            artefact.save(update_fields=["received", "file"])
    if artefact.received == artefact.bytes:
        _complete(artefact)
    return progress(artefact)


def list_artefacts(attempt: Attempt) -> list[dict[str, Any]]:
    """What has arrived so far, for an agent that goes on after an interruption."""
    return [{"path": artefact.path, **progress(artefact)} for artefact in attempt.artefacts.all()]


def progress(artefact: Artefact) -> dict[str, Any]:
    return {"received": artefact.received, "bytes": artefact.bytes, "complete": artefact.complete}


def check_path(path: str) -> None:
    """Relative, forward slashes, plain names: `adapter/adapter_model.safetensors`."""
    parts = path.split("/")
    if len(path) > MAX_PATH or len(parts) > 8 or any(not SAFE_NAME.match(part) for part in parts):
        raise DomainError(
            "artefact_path",
            _("A result file's path stays in its folder and uses letters, digits, dot, dash and underscore."),
            status=422,
        )


def size_limit(attempt: Attempt) -> int:
    """Bytes all result files of an attempt may have together: four a parameter and room for the rest."""
    params = attempt.job.base_model.params
    return _DEFAULT_LIMIT if params is None else 4 * params + GIB


@transaction.atomic
def _announce(*, attempt: Attempt, path: str, total: int, sha256: str) -> Artefact:
    """The row of that file, made on its first piece; another size or digest begins the file anew."""
    Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    artefact = attempt.artefacts.filter(path=path).first()
    if artefact is not None and (artefact.bytes, artefact.sha256) == (total, sha256):
        return artefact
    others = attempt.artefacts.exclude(path=path)
    if others.count() >= MAX_ARTEFACTS:
        raise DomainError("artefact_count", _("An attempt sends too many files."), status=413)
    if (others.aggregate(sum=Sum("bytes"))["sum"] or 0) + total > size_limit(attempt):
        raise DomainError("artefact_size", _("The result files are larger than this job can have."), status=413)
    if artefact is None:
        return Artefact.objects.create(attempt=attempt, path=path, bytes=total, sha256=sha256)
    artefact.bytes, artefact.sha256, artefact.received, artefact.complete = total, sha256, 0, False
    artefact.save(update_fields=["bytes", "sha256", "received", "complete"])
    return artefact


def file_path(artefact: Artefact) -> Path:
    return Path(default_storage.path(str(artefact.file.name)))


def _write(path: Path, offset: int, content: bytes) -> None:
    """Writes at the offset and cuts what lay beyond: a torn earlier piece never survives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        file.seek(offset)
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _complete(artefact: Artefact) -> None:
    """Reads the whole file back. A wrong digest throws it away, and the agent begins it again."""
    digest = hashlib.sha256()
    with file_path(artefact).open("rb") as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    right = digest.hexdigest() == artefact.sha256
    fields = {"complete": True} if right else {"received": 0}
    Artefact.objects.filter(pk=artefact.pk, received=artefact.bytes, complete=False).update(**fields)
    artefact.refresh_from_db()
    if not right:
        raise DomainError("artefact_digest", _("The file arrived damaged. Send it again from its start."), status=422)
