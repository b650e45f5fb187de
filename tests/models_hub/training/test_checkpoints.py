"""Only complete checkpoints of this very job are gone on from."""

import pytest

from models_hub.training import checkpoints

HASH = "a" * 64


@pytest.fixture
def work(tmp_path):
    return tmp_path


def make_checkpoint(work, step, *, marked=True, spec_hash=HASH):
    folder = work / f"checkpoint-{step}"
    folder.mkdir()
    for name in ("adapter_model.safetensors", "optimizer.pt", "trainer_state.json"):
        (folder / name).write_bytes(b"weights" * step)
    if marked:
        checkpoints.mark_complete(folder, spec_hash=spec_hash)
    return folder


def test_the_newest_complete_one_is_taken_by_number_not_by_name(work):
    for step in (8, 10, 9):
        make_checkpoint(work, step)
    assert checkpoints.latest(work, spec_hash=HASH).name == "checkpoint-10"


def test_a_torn_one_is_ignored_and_removed(work):
    make_checkpoint(work, 4)
    torn = make_checkpoint(work, 6, marked=False)
    assert checkpoints.latest(work, spec_hash=HASH).name == "checkpoint-4"
    assert not torn.exists()


def test_one_that_was_half_deleted_is_not_complete(work):
    folder = make_checkpoint(work, 4)
    (folder / "optimizer.pt").unlink()
    assert checkpoints.latest(work, spec_hash=HASH) is None


def test_one_whose_file_lost_its_end_is_not_complete(work):
    folder = make_checkpoint(work, 4)
    (folder / "optimizer.pt").write_bytes(b"wei")
    assert checkpoints.latest(work, spec_hash=HASH) is None


def test_one_of_another_job_is_never_read(work):
    make_checkpoint(work, 4, spec_hash="b" * 64)
    assert checkpoints.latest(work, spec_hash=HASH) is None


def test_a_link_to_a_checkpoint_elsewhere_is_never_followed(work, tmp_path_factory):
    elsewhere = make_checkpoint(tmp_path_factory.mktemp("elsewhere"), 4)
    (work / "checkpoint-4").symlink_to(elsewhere)
    assert checkpoints.latest(work, spec_hash=HASH) is None
    assert (elsewhere / "optimizer.pt").exists()


@pytest.mark.parametrize("marker", [b"", b"{", b"[]", b'{"spec_hash": "a"}', b"null"])
def test_a_damaged_marker_is_no_marker(work, marker):
    folder = make_checkpoint(work, 4)
    (folder / checkpoints.MARKER).write_bytes(marker)
    assert checkpoints.latest(work, spec_hash=HASH) is None


def test_no_checkpoint_means_a_fresh_start(work):
    assert checkpoints.latest(work, spec_hash=HASH) is None
