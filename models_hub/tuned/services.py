"""What may be done with a finished model beside looking at it."""

from functools import partial

from django.core.files.storage import Storage
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from models_hub.models import TunedModel


def delete_result(*, tuned: TunedModel, actor: User) -> None:
    """Deletes a model with its files. The job, its cost and this deletion stay on record."""
    require(actor, Action.MANAGE_DATA, organisation=tuned.organisation)
    with transaction.atomic():
        locked = TunedModel.objects.select_for_update(of=("self",)).filter(pk=tuned.pk).first()
        if locked is None:
            return
        stored = [file.file for file in locked.files.all()]
        audit.record(
            actor=actor,
            action="result.deleted",
            target=locked,
            organisation=tuned.organisation,
            job=str(locked.job_id),
            spec_hash=locked.spec_hash,
            files=len(stored),
        )
        locked.delete()
        # Rows first, blobs after the commit: a failure in between leaves files without rows, never rows without files.
        transaction.on_commit(partial(_remove, [(file.storage, str(file.name)) for file in stored]))


def _remove(stored: list[tuple[Storage, str]]) -> None:
    for storage, name in stored:
        storage.delete(name)
