"""The check of an uploaded file by a worker: claimed once, watched while it runs, finished in one transaction.

A worker that dies leaves a claim that nobody renews; the sweep hands the file to another. After three tries the file is
refused, so that one that kills its reader cannot do so for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.storage import Storage
from django.db import transaction
from django.utils.translation import gettext_noop

from accounts import audit
from models_hub.datasets import files
from models_hub.datasets.check import check
from models_hub.datasets.problems import Cancelled, Refused
from models_hub.datasets.report import NEEDS_MAPPING, READY, Report
from models_hub.datasets.schema import ColumnMapping
from models_hub.datasets.services import delete_dataset, upload_limits
from models_hub.datasets.split import Split, split_rows
from models_hub.models import Dataset, DatasetPart
from models_hub.states import DatasetState
from portal.kernel.errors import DomainError

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
CLAIM_LASTS = timedelta(seconds=120)
RENEW_SECONDS = 10.0
TRIES = 3
TRIED_TOO_OFTEN = gettext_noop(
    "The check of this file was interrupted several times. Upload it again; if that does not help, tell the helpdesk."
)
DISK_FULL = gettext_noop("The portal's storage is full at the moment. The check goes on by itself when there is room.")


@dataclass
class Claim:
    """The right to check one file, renewed while the work goes on. Somebody else's claim ends ours."""

    dataset: Dataset
    clock: Clock
    renewed: float

    def lost(self) -> bool:
        """Renews the claim every few seconds; true when the data was deleted or the claim passed on."""
        if time.monotonic() - self.renewed < RENEW_SECONDS:
            return False
        self.renewed = time.monotonic()
        now = self.clock()
        changed = self._mine().update(check_started_at=now)
        self.dataset.check_started_at = now
        return not changed

    def _mine(self) -> Any:
        return Dataset.objects.filter(
            pk=self.dataset.pk, state=DatasetState.CHECKING, check_started_at=self.dataset.check_started_at
        )


def check_now(*, dataset_id: UUID | str, clock: Clock) -> bool:
    """Checks one file if it still waits for that; false when there was nothing to do. Twice changes nothing."""
    claim = _claim(dataset_id, clock)
    if claim is None:
        return False
    try:
        with files.work_folder() as folder:
            _check(claim, folder)
    except Cancelled:
        return False
    except OSError as error:
        _put_back(claim, str(DISK_FULL) if files.is_full(error) else "")
        if not files.is_full(error):
            raise
        logger.warning("No room to check data set %s; it waits.", dataset_id)
        return False
    return True


def sweep(*, clock: Clock) -> list[UUID]:
    """Frees files whose worker died, deletes data whose time is over; returns what waits for a check, oldest first."""
    now = clock()
    files.forget_leftovers(now)
    for dataset in Dataset.objects.filter(state=DatasetState.CHECKING, check_started_at__lt=now - CLAIM_LASTS):
        _hand_on(dataset)
    for dataset in Dataset.objects.filter(keep_until__lt=now.date()).exclude(state=DatasetState.DELETED):
        try:
            delete_dataset(dataset=dataset, actor=None, reason="kept_until")
        except DomainError:
            logger.info("Data set %s is still in use; it is deleted afterwards.", dataset.pk)
    waiting = Dataset.objects.filter(state=DatasetState.UPLOADED).order_by("created_at")
    return list(waiting.values_list("pk", flat=True)[:50])


def _claim(dataset_id: UUID | str, clock: Clock) -> Claim | None:
    dataset = Dataset.objects.select_related("organisation").filter(pk=dataset_id, state=DatasetState.UPLOADED).first()
    if dataset is None:
        return None
    tries = int(dataset.report.get("tries", 0)) + 1
    try:
        if tries > TRIES:
            _refuse(dataset)
            return None
        dataset.move_to(DatasetState.CHECKING, check_started_at=clock(), report={"tries": tries}, sentence="")
    except DomainError:
        return None  # another worker was faster
    return Claim(dataset, clock, time.monotonic())


def _refuse(dataset: Dataset) -> None:
    """A file that ends its reader each time."""
    with transaction.atomic():
        dataset.move_to(DatasetState.CHECKING, check_started_at=None)
        dataset.move_to(DatasetState.REJECTED, sentence=str(TRIED_TOO_OFTEN))
        audit.record(
            actor=None,
            action="dataset.checked",
            target=dataset,
            organisation=dataset.organisation,
            verdict="rejected",
            code="interrupted",
        )


def _check(claim: Claim, folder: Path) -> None:
    dataset, limits = claim.dataset, upload_limits()
    mapping = ColumnMapping.from_dict(dataset.mapping) if dataset.mapping else None
    rejected = folder / "rejected.csv"
    split: Split | None = None
    with files.local_copy(dataset.upload, folder) as path:
        report = check(
            path, kind=dataset.kind, mapping=mapping, limits=limits, rejected_to=rejected, cancelled=claim.lost
        )
        found = report.column_mapping
        if report.verdict == READY and found is not None:
            try:
                split = split_rows(path, mapping=found, out=folder / "parts", limits=limits, cancelled=claim.lost)
            except Refused as refusal:
                report = refused(report, refusal)
    _finish(claim, report, split, rejected if rejected.exists() else None)


def refused(report: Report, refusal: Refused) -> Report:
    data = {**report.as_dict(), "verdict": "rejected", "code": refusal.code, "sentence": refusal.text.as_dict()}
    return Report.from_dict(data)


def _finish(claim: Claim, report: Report, split: Split | None, rejected: Path | None) -> None:
    """Files first, rows in one transaction, and the files away again if the claim was lost meanwhile."""
    dataset = claim.dataset
    kept: list[tuple[Storage, str]] = []
    try:
        parts = []
        for part in split.parts if split else ():
            row = DatasetPart(dataset=dataset, name=part.name, sha256=part.sha256, bytes=part.bytes, rows=part.rows)
            with files.MovableFile(part.path) as file:
                row.file.save(f"{dataset.pk}-{part.name}.jsonl", file, save=False)
            kept.append((row.file.storage, str(row.file.name)))
            parts.append(row)
        if rejected is not None:
            with files.MovableFile(rejected) as file:
                dataset.rejected_rows.save(f"{dataset.pk}.csv", file, save=False)
            kept.append((dataset.rejected_rows.storage, str(dataset.rejected_rows.name)))
        with transaction.atomic():
            locked = claim._mine().select_for_update().first()
            if locked is None:
                raise Cancelled
            _store_result(locked, dataset, report, split, parts)
    except BaseException:
        files.remove(kept)
        raise


def _store_result(
    locked: Dataset, dataset: Dataset, report: Report, split: Split | None, parts: list[DatasetPart]
) -> None:
    old = [(part.file.storage, str(part.file.name)) for part in locked.parts.all()]
    locked.parts.all().delete()
    DatasetPart.objects.bulk_create(parts)
    state = {READY: DatasetState.READY, NEEDS_MAPPING: DatasetState.NEEDS_MAPPING}.get(
        report.verdict, DatasetState.REJECTED
    )
    locked.move_to(
        state,
        report=report.as_dict(),
        mapping=report.mapping or locked.mapping,
        rejected_rows=str(dataset.rejected_rows.name or ""),
        rows=sum(part.rows for part in split.parts) if split else None,
        digest=split.digest if split else "",
        labels=list(split.labels) if split else [],
        sentence=str(report.text or ""),
        check_started_at=None,
    )
    audit.record(
        actor=None,
        action="dataset.checked",
        target=locked,
        organisation=dataset.organisation,
        verdict=report.verdict,
        code=report.code,
        rows=report.rows,
    )
    transaction.on_commit(partial(files.remove, old))


def _put_back(claim: Claim, sentence: str) -> None:
    """Our trouble, not the file's: it waits again, and the try does not count."""
    tries = int(claim.dataset.report.get("tries", 1)) - (1 if sentence else 0)
    try:
        claim.dataset.move_to(DatasetState.UPLOADED, report={"tries": tries}, sentence=sentence, check_started_at=None)
    except DomainError:
        pass  # deleted meanwhile


def _hand_on(dataset: Dataset) -> None:
    mine = Dataset.objects.filter(pk=dataset.pk, state=DatasetState.CHECKING, check_started_at=dataset.check_started_at)
    if mine.update(state=DatasetState.UPLOADED, check_started_at=None):
        logger.warning("The check of data set %s stopped without a word; another worker takes it.", dataset.pk)
