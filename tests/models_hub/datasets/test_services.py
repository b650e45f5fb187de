"""Keeping, checking and deleting data: once, whole or not at all, and never beyond the organisation."""

import errno
import hashlib
import json
import os
import threading
from datetime import date
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection

from accounts.models import AuditEvent
from accounts.roles import Role
from models_hub.datasets import checking, files, services
from models_hub.datasets.schema import ColumnMapping
from models_hub.models import Dataset
from models_hub.states import DatasetState
from portal.kernel.errors import DomainError, NotAllowed
from tests.factories import grant, make_allocation, make_job, make_user
from tests.models_hub.datasets.conftest import AT, labelled_csv

pytestmark = pytest.mark.django_db


def make_upload(owner, content=None, *, at=AT, **fields):
    content = labelled_csv() if content is None else content
    return services.create_dataset(
        **{
            "organisation": owner.current_organisation,
            "actor": owner,
            "name": "Messages",
            "kind": "classification",
            "file": ContentFile(content, name="messages.csv"),
            "original_name": "messages.csv",
            "sha256": hashlib.sha256(content).hexdigest(),
            "at": at,
            **fields,
        }
    )


def checked(owner, clock, content=None, **fields):
    dataset = make_upload(owner, content, **fields)
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    dataset.refresh_from_db()
    return dataset


def stored_files():
    root = Path(default_storage.location)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) if root.exists() else []


def actions():
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_an_upload_is_checked_split_and_ready(owner, clock):
    dataset = checked(owner, clock)
    assert (dataset.state, dataset.rows, dataset.labels) == (DatasetState.READY, 120, ["delivery", "invoice", "repair"])
    assert dataset.report["verdict"] == "ready"
    for part in dataset.parts.all():
        content = part.file.read()
        assert hashlib.sha256(content).hexdigest() == part.sha256
        assert content.count(b"\n") == part.rows
        assert set(json.loads(content.splitlines()[0])) == {"text", "label"}
    assert actions() == ["dataset.uploaded", "dataset.checked"]


def test_a_check_runs_once_however_often_it_is_asked_for(owner, clock):
    dataset = make_upload(owner)
    assert checking.check_now(dataset_id=dataset.pk, clock=clock) is True
    assert checking.check_now(dataset_id=dataset.pk, clock=clock) is False
    assert dataset.parts.count() == 3
    assert actions().count("dataset.checked") == 1


def test_a_file_that_cannot_be_used_is_rejected_with_its_sentence_and_without_parts(owner, clock):
    dataset = checked(owner, clock, b"%PDF-1.7 a letter")
    assert (dataset.state, dataset.parts.count()) == (DatasetState.REJECTED, 0)
    assert "document" in dataset.sentence


def test_rejected_rows_are_kept_as_a_file(owner, clock):
    dataset = checked(owner, clock, labelled_csv(bad=2))
    assert dataset.state == DatasetState.READY
    assert dataset.rejected_rows.read().decode("utf-8-sig").count("The field text is empty.") == 2


def test_too_few_different_rows_are_rejected_and_leave_no_parts(owner, clock):
    content = b"text,label\n" + b"".join(b"order %d,%s\n" % (n, b"ab"[n % 2 : n % 2 + 1]) for n in range(60))
    dataset = checked(owner, clock, content)
    assert (dataset.state, dataset.report["code"]) == (DatasetState.REJECTED, "cannot_split")
    assert [name for name in stored_files() if name.startswith("parts")] == []


def test_unknown_columns_wait_for_a_mapping_and_go_on_with_it(owner, clock, colleague):
    dataset = checked(owner, clock, labelled_csv(header="a,b").replace(b"late,", b"late,no "), kind="chat")
    assert dataset.state == DatasetState.NEEDS_MAPPING
    mapping = ColumnMapping("pairs", {"prompt": "a", "completion": "b"})
    services.map_columns(dataset=dataset, mapping=mapping, actor=colleague)
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.kind, dataset.report["rows"]["usable"]) == (DatasetState.READY, "chat", 120)


@pytest.mark.django_db(transaction=True)
def test_a_new_mapping_replaces_parts_and_their_files(owner, clock):
    dataset = checked(owner, clock)
    before = set(stored_files())
    services.map_columns(
        dataset=dataset, mapping=ColumnMapping("labelled", {"text": "label", "label": "text"}), actor=owner
    )
    assert dataset.parts.count() == 0
    assert not [name for name in set(stored_files()) & before if name.startswith("parts")]


def test_data_that_a_run_used_cannot_be_mapped_anew(owner, clock):
    dataset = checked(owner, clock)
    make_job(allocation=make_allocation(organisation=owner.current_organisation), dataset=dataset)
    with pytest.raises(DomainError, match="dataset_used"):
        services.map_columns(
            dataset=dataset, mapping=ColumnMapping("labelled", {"text": "a", "label": "b"}), actor=owner
        )


def test_the_same_file_sent_twice_is_one_data_set(owner):
    first, second = make_upload(owner), make_upload(owner)
    assert first.pk == second.pk
    assert len(stored_files()) == 1


def test_the_same_file_for_another_purpose_or_much_later_is_another_data_set(owner, clock):
    first = make_upload(owner)
    Dataset.objects.filter(pk=first.pk).update(created_at=AT)
    clock.passes(minutes=11)
    assert make_upload(owner, at=clock()).pk != first.pk
    assert make_upload(owner, kind="chat", at=AT).pk != first.pk


def test_the_quota_of_bytes_refuses_before_anything_is_kept(owner, monkeypatch):
    monkeypatch.setattr(services, "QUOTA_BYTES", 1000)
    with pytest.raises(DomainError, match="quota_bytes"):
        make_upload(owner)
    assert (Dataset.objects.count(), stored_files()) == (0, [])


def test_the_quota_of_data_sets_does_not_count_deleted_ones(owner, monkeypatch):
    monkeypatch.setattr(services, "QUOTA_DATASETS", 1)
    services.delete_dataset(dataset=make_upload(owner), actor=owner)
    make_upload(owner, labelled_csv(80))
    with pytest.raises(DomainError, match="quota_count"):
        make_upload(owner, labelled_csv(90))


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_the_same_moment_cannot_both_take_the_last_place(owner, monkeypatch):
    monkeypatch.setattr(services, "QUOTA_DATASETS", 1)
    outcomes = []
    barrier = threading.Barrier(2)

    def send(rows):
        try:
            barrier.wait()
            make_upload(owner, labelled_csv(rows))
            outcomes.append("kept")
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(rows,)) for rows in (80, 90)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(outcomes) == ["kept", "quota_count"]
    assert len(stored_files()) == 1


def test_a_full_disk_at_upload_keeps_nothing(owner, monkeypatch):
    monkeypatch.setattr(FileSystemStorage, "_save", _raise_no_space)
    with pytest.raises(DomainError, match="storage_full") as refusal:
        make_upload(owner)
    assert refusal.value.status == 507
    assert (Dataset.objects.count(), stored_files()) == (0, [])


def test_too_little_room_is_refused_before_anything_is_written(owner, monkeypatch):
    monkeypatch.setattr(files, "RESERVE_BYTES", 1 << 60)
    with pytest.raises(DomainError, match="storage_full"):
        make_upload(owner)


def test_a_full_disk_during_the_check_leaves_the_file_waiting_and_it_recovers_by_itself(owner, clock, monkeypatch):
    dataset = make_upload(owner)
    with monkeypatch.context() as full:
        full.setattr(checking, "split_rows", _raise_no_space)
        checking.check_now(dataset_id=dataset.pk, clock=clock)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.parts.count()) == (DatasetState.UPLOADED, 0)
    assert "storage is full" in dataset.sentence
    assert checking.sweep(clock=clock) == [dataset.pk]
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.sentence) == (DatasetState.READY, "")


def test_a_failure_while_parts_are_stored_leaves_no_part(owner, clock, monkeypatch):
    dataset = make_upload(owner)
    monkeypatch.setattr(checking.audit, "record", _raise_no_space)
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.parts.count()) == (DatasetState.UPLOADED, 0)
    assert [name for name in stored_files() if not name.startswith("uploads")] == []


def test_a_dead_worker_s_file_is_taken_by_another(owner, clock):
    dataset = make_upload(owner)
    dataset.move_to(DatasetState.CHECKING, check_started_at=clock(), report={"tries": 1})
    clock.passes(seconds=60)
    assert checking.sweep(clock=clock) == []
    clock.passes(seconds=61)
    assert checking.sweep(clock=clock) == [dataset.pk]
    assert checking.check_now(dataset_id=dataset.pk, clock=clock) is True


def test_a_file_that_ends_its_reader_three_times_is_refused(owner, clock):
    dataset = make_upload(owner)
    for _ in range(3):
        Dataset.objects.get(pk=dataset.pk).move_to(
            DatasetState.CHECKING,
            check_started_at=clock(),
            report={"tries": Dataset.objects.get(pk=dataset.pk).report.get("tries", 0) + 1},
        )
        clock.passes(minutes=5)
        checking.sweep(clock=clock)
    assert checking.check_now(dataset_id=dataset.pk, clock=clock) is False
    dataset.refresh_from_db()
    assert dataset.state == DatasetState.REJECTED
    assert "interrupted several times" in dataset.sentence


def test_a_worker_that_lost_its_claim_changes_nothing(owner, clock, monkeypatch):
    dataset = make_upload(owner)
    real = checking.check

    def slow(path, **options):
        Dataset.objects.filter(pk=dataset.pk).update(check_started_at=AT.replace(hour=20))  # somebody else's claim
        return real(path, **options)

    monkeypatch.setattr(checking, "check", slow)
    assert checking.check_now(dataset_id=dataset.pk, clock=clock) is False
    dataset.refresh_from_db()
    assert (dataset.state, dataset.parts.count()) == (DatasetState.CHECKING, 0)
    assert [name for name in stored_files() if not name.startswith("uploads")] == []


def test_data_deleted_during_its_check_stays_deleted(owner, clock, monkeypatch):
    dataset = make_upload(owner)
    real = checking.check

    def slow(path, **options):
        report = real(path, **options)
        services.delete_dataset(dataset=Dataset.objects.get(pk=dataset.pk), actor=owner)
        return report

    monkeypatch.setattr(checking, "check", slow)
    assert checking.check_now(dataset_id=dataset.pk, clock=clock) is False
    dataset.refresh_from_db()
    assert dataset.state == DatasetState.DELETED
    assert [name for name in stored_files() if name.startswith("parts")] == []


def test_a_long_check_renews_its_claim(owner, clock, monkeypatch):
    dataset = make_upload(owner)
    monkeypatch.setattr(checking, "RENEW_SECONDS", 0)
    claim = checking._claim(dataset.pk, clock)
    clock.passes(seconds=100)
    assert claim.lost() is False
    clock.passes(seconds=100)
    assert checking.sweep(clock=clock) == []


@pytest.mark.django_db(transaction=True)
def test_deleting_removes_every_byte_and_keeps_the_record(owner, clock):
    dataset = checked(owner, clock, labelled_csv(bad=1))
    assert len(stored_files()) == 5
    services.delete_dataset(dataset=dataset, actor=owner)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.report, dataset.upload.name) == (DatasetState.DELETED, {}, "")
    assert stored_files() == []
    assert actions()[-1] == "dataset.deleted"
    assert list(Dataset.objects.visible_to(owner)) == []


def test_data_of_a_run_that_has_not_ended_cannot_be_deleted(owner, clock):
    dataset = checked(owner, clock)
    make_job(allocation=make_allocation(organisation=owner.current_organisation), dataset=dataset)
    with pytest.raises(DomainError, match="dataset_in_use"):
        services.delete_dataset(dataset=dataset, actor=owner)
    clock.passes(days=2)
    Dataset.objects.filter(pk=dataset.pk).update(keep_until=date(2026, 3, 3))
    checking.sweep(clock=clock)
    dataset.refresh_from_db()
    assert dataset.state == DatasetState.READY


def test_data_is_deleted_by_itself_when_its_time_is_over(owner, clock):
    dataset = checked(owner, clock, keep_until=date(2026, 3, 3))
    clock.passes(days=1)
    checking.sweep(clock=clock)
    dataset.refresh_from_db()
    assert dataset.state == DatasetState.READY
    clock.passes(days=1)
    checking.sweep(clock=clock)
    dataset.refresh_from_db()
    assert dataset.state == DatasetState.DELETED
    assert AuditEvent.objects.filter(action="dataset.deleted", actor=None).count() == 1


def test_what_a_killed_process_left_behind_is_cleared_after_a_day(owner, clock):
    folder = files.incoming_folder()
    for name, hours in (("upload-old.part", 30), ("upload-new.part", 1)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (clock().timestamp() - hours * 3600,) * 2)
    (folder / "check-old").mkdir()
    os.utime(folder / "check-old", (clock().timestamp() - 200_000,) * 2)
    checking.sweep(clock=clock)
    assert [path.name for path in folder.iterdir()] == ["upload-new.part"]


@pytest.mark.parametrize("code", ["support-topics", "shop-assistant"])
def test_a_sample_is_ready_at_once_and_there_only_once(owner, clock, code):
    organisation = owner.current_organisation
    dataset = services.add_sample(organisation=organisation, actor=owner, code=code, at=AT)
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    again = services.add_sample(organisation=organisation, actor=owner, code=code, at=AT)
    dataset.refresh_from_db()
    assert (dataset.state, again.pk) == (DatasetState.READY, dataset.pk)
    assert dataset.contains_personal_data is False


def test_an_unknown_sample_is_not_found(owner):
    with pytest.raises(DomainError, match="no_such_sample"):
        services.add_sample(organisation=owner.current_organisation, actor=owner, code="../../etc/passwd", at=AT)


def test_somebody_without_the_right_role_can_change_nothing(owner, clock):
    dataset = checked(owner, clock)
    auditor = make_user()
    grant(auditor, Role.AUDITOR)
    for act in (
        lambda: services.delete_dataset(dataset=dataset, actor=auditor),
        lambda: services.map_columns(
            dataset=dataset, mapping=ColumnMapping("labelled", dataset.mapping["columns"]), actor=auditor
        ),
        lambda: make_upload(auditor, organisation=owner.current_organisation),
        lambda: services.add_sample(
            organisation=owner.current_organisation, actor=auditor, code="support-topics", at=AT
        ),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_the_same_upload_gives_the_same_parts_in_every_organisation(owner, stranger, clock):
    assert checked(owner, clock).digest == checked(stranger, clock).digest


def _raise_no_space(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")
