"""Bringing data in, saying what its columns mean, taking it away."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import Organisation, User
from accounts.permissions import require
from accounts.roles import Action
from models_hub.datasets import files
from models_hub.datasets.limits import Limits
from models_hub.datasets.samples import Sample, sample_by_code
from models_hub.datasets.schema import ColumnMapping
from models_hub.models import Dataset, DatasetPart
from models_hub.states import DatasetState
from portal.kernel.errors import DomainError

QUOTA_BYTES = getattr(settings, "DATASET_QUOTA_BYTES", 20_000_000_000)
QUOTA_DATASETS = getattr(settings, "DATASET_QUOTA_COUNT", 200)
SAME_UPLOAD = timedelta(minutes=10)
IN_USE = gettext_lazy("A run that has not ended uses this data. Wait until it has ended, or stop it first.")


def upload_limits() -> Limits:
    return Limits(file_bytes=getattr(settings, "DATASET_FILE_BYTES", 2_000_000_000))


def bytes_used(organisation: Organisation) -> int:
    """Uploads and parts of data sets that are not deleted."""
    kept = Dataset.objects.filter(organisation=organisation).exclude(state=DatasetState.DELETED)
    uploads = kept.aggregate(total=Sum("upload_bytes"))["total"] or 0
    parts = DatasetPart.objects.filter(dataset__in=kept).aggregate(total=Sum("bytes"))["total"] or 0
    return int(uploads) + int(parts)


def create_dataset(
    *,
    organisation: Organisation,
    actor: User,
    name: str,
    kind: str,
    file: File,
    original_name: str,
    sha256: str,
    at: datetime,
    contains_personal_data: bool | None = None,
    keep_until: date | None = None,
) -> Dataset:
    """Keeps an uploaded file and asks for its check. The same file sent twice in a row is one data set."""
    require(actor, Action.MANAGE_DATA, organisation=organisation)
    size = file.size or 0
    files.require_space(0)
    dataset = Dataset(
        organisation=organisation,
        created_by=actor,
        name=name,
        kind=kind,
        original_name=original_name[:255],
        upload_sha256=sha256,
        upload_bytes=size,
        contains_personal_data=contains_personal_data,
        keep_until=keep_until,
    )
    with transaction.atomic():
        _lock(organisation)
        twin = _same_upload(organisation, kind, sha256, at)
        if twin is not None:
            return twin
        _require_quota(organisation, size)
    _store(dataset, file)
    try:
        with transaction.atomic():
            _lock(organisation)
            twin = _same_upload(organisation, kind, sha256, at)
            if twin is None:
                _require_quota(organisation, size)
                dataset.save(force_insert=True)
                audit.record(
                    actor=actor,
                    action="dataset.uploaded",
                    target=dataset,
                    organisation=organisation,
                    bytes=size,
                    kind=kind,
                )
    except BaseException:
        files.remove([_stored(dataset.upload)])
        raise
    if twin is not None:
        files.remove([_stored(dataset.upload)])
        return twin
    return dataset


def add_sample(*, organisation: Organisation, actor: User, code: str, at: datetime) -> Dataset:
    """One of our sample data sets; asked for twice, the organisation still has it once.

    It waits for its check like every other; `checking.check_now` does it at once, which takes a fraction of a second.
    """
    require(actor, Action.MANAGE_DATA, organisation=organisation)
    sample = sample_by_code(code)
    if sample is None:
        raise DomainError("no_such_sample", _("There is no such sample. Choose one from the list."), status=404)
    existing = _sample_of(organisation, sample)
    if existing is not None:
        return existing
    content = sample.path.read_bytes()
    dataset = Dataset(
        organisation=organisation,
        created_by=actor,
        name=_(sample.name),
        kind=sample.kind,
        sample_code=sample.code,
        original_name=sample.path.name,
        upload_sha256=hashlib.sha256(content).hexdigest(),
        upload_bytes=len(content),
        mapping=sample.mapping.as_dict(),
        contains_personal_data=False,
    )
    with sample.path.open("rb") as file:
        _store(dataset, File(file))
    try:
        with transaction.atomic():
            _lock(organisation)
            existing = _sample_of(organisation, sample)
            if existing is None:
                dataset.save(force_insert=True)
                audit.record(
                    actor=actor, action="dataset.sample_added", target=dataset, organisation=organisation, sample=code
                )
    except BaseException:
        files.remove([_stored(dataset.upload)])
        raise
    if existing is not None:
        files.remove([_stored(dataset.upload)])
        return existing
    return dataset


def map_columns(*, dataset: Dataset, mapping: ColumnMapping, actor: User) -> Dataset:
    """Says what the columns mean; a new check follows. Not once a run has used the data: its record must stay true."""
    require(actor, Action.MANAGE_DATA, organisation=dataset.organisation)
    with transaction.atomic():
        locked = _locked(dataset)
        if locked.jobs.exists():
            raise DomainError(
                "dataset_used", _("A run has used this data as it is. Upload the file again to use other columns.")
            )
        gone = [_stored(part.file) for part in locked.parts.all()]
        if locked.rejected_rows:
            gone.append(_stored(locked.rejected_rows))
        locked.parts.all().delete()
        locked.move_to(
            DatasetState.UPLOADED,
            kind=mapping.kind,
            mapping=mapping.as_dict(),
            report={},
            rejected_rows="",
            rows=None,
            digest="",
            labels=[],
            sentence="",
            check_started_at=None,
        )
        audit.record(
            actor=actor,
            action="dataset.mapped",
            target=locked,
            organisation=locked.organisation,
            layout=mapping.layout,
        )
        transaction.on_commit(partial(files.remove, gone))
    return locked


def delete_dataset(*, dataset: Dataset, actor: User | None, reason: str = "asked") -> None:
    """Removes every byte of the data; the row stays, emptied, because runs and models refer to it.

    `actor` None is the portal itself, when the time is over for which the data was to be kept.
    """
    if actor is not None:
        require(actor, Action.MANAGE_DATA, organisation=dataset.organisation)
    with transaction.atomic():
        locked = _locked(dataset)
        if locked.state == DatasetState.DELETED:
            return
        if locked.jobs.unfinished().exists():
            raise DomainError("dataset_in_use", str(IN_USE))
        gone = [_stored(part.file) for part in locked.parts.all()]
        gone += [_stored(stored) for stored in (locked.upload, locked.rejected_rows) if stored]
        locked.parts.all().delete()
        locked.move_to(DatasetState.DELETED, upload="", rejected_rows="", report={}, sentence="")
        audit.record(
            actor=actor,
            action="dataset.deleted",
            target=locked,
            organisation=locked.organisation,
            reason=reason,
            digest=locked.digest,
        )
        transaction.on_commit(partial(files.remove, gone))


def _locked(dataset: Dataset) -> Dataset:
    return Dataset.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=dataset.pk)


def _lock(organisation: Organisation) -> None:
    """The quota is the organisation's: uploads of two colleagues are counted one after the other."""
    Organisation.objects.select_for_update().get(pk=organisation.pk)


def _same_upload(organisation: Organisation, kind: str, sha256: str, at: datetime) -> Dataset | None:
    twins = Dataset.objects.filter(
        organisation=organisation, kind=kind, upload_sha256=sha256, created_at__gte=at - SAME_UPLOAD, sample_code=""
    )
    return twins.filter(~Q(state=DatasetState.DELETED)).first()


def _sample_of(organisation: Organisation, sample: Sample) -> Dataset | None:
    own = Dataset.objects.filter(organisation=organisation, sample_code=sample.code)
    return own.exclude(state__in=[DatasetState.DELETED, DatasetState.REJECTED]).first()


def _require_quota(organisation: Organisation, size: int) -> None:
    kept = Dataset.objects.filter(organisation=organisation).exclude(state=DatasetState.DELETED).count()
    if kept >= QUOTA_DATASETS:
        raise DomainError(
            "quota_count",
            _("Your organisation keeps %(count)s data sets, which is all it may. Delete one you no longer need.")
            % {"count": kept},
        )
    # a checked file is kept twice, as uploaded and in its three parts
    if bytes_used(organisation) + 2 * size > QUOTA_BYTES:
        raise DomainError(
            "quota_bytes",
            _("Your organisation's data may take %(limit)s GB, and this does not fit. Delete data you no longer need.")
            % {"limit": QUOTA_BYTES // 1_000_000_000},
            field="file",
        )


def _store(dataset: Dataset, file: File) -> None:
    """Under a name that tells nothing: what people call their files stays in the row."""
    try:
        dataset.upload.save(f"{uuid4()}.data", file, save=False)
    except OSError as error:
        if files.is_full(error):
            raise files.storage_full() from None
        raise


def _stored(field: FieldFile) -> tuple[Storage, str]:
    return field.storage, str(field.name)
