"""The manifest finds every change to what was delivered."""

import hashlib

import pytest

from models_hub.training.cli import main
from models_hub.training.manifest import MANIFEST, problems, write_manifest


@pytest.fixture
def artefacts(tmp_path):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(bytes(range(256)))
    (tmp_path / "README.md").write_text("# card\n")
    write_manifest(tmp_path, spec_hash="a" * 64, base_model="tiny", base_digest="b" * 64)
    return tmp_path


def test_untouched_artefacts_have_no_problem(artefacts):
    assert problems(artefacts) == []
    assert main(["verify", str(artefacts)]) == 0


def test_one_flipped_byte_is_found(artefacts):
    path = artefacts / "adapter" / "adapter_model.safetensors"
    raw = bytearray(path.read_bytes())
    raw[100] ^= 1
    path.write_bytes(raw)
    assert problems(artefacts) == ["adapter/adapter_model.safetensors was changed: its SHA-256 differs."]
    assert main(["verify", str(artefacts)]) == 1


def test_a_missing_a_shortened_and_an_added_file_are_found(artefacts):
    (artefacts / "README.md").unlink()
    (artefacts / "adapter" / "adapter_model.safetensors").write_bytes(b"x")
    (artefacts / "adapter" / "extra.bin").write_bytes(b"x")
    assert problems(artefacts) == [
        "README.md is missing.",
        "adapter/adapter_model.safetensors has 1 bytes instead of 256.",
        "adapter/extra.bin is not in the manifest.",
    ]


def test_a_link_in_the_place_of_nothing_is_found(artefacts):
    (artefacts / "link").symlink_to("/etc/hostname")
    assert problems(artefacts) == ["link is not in the manifest."]


def test_a_folder_without_a_manifest_is_not_verified(tmp_path):
    assert problems(tmp_path) == [f"There is no {MANIFEST} in {tmp_path}."]


def test_an_unreadable_manifest_is_not_verified(artefacts):
    (artefacts / MANIFEST).write_text('{"schema": "other"}')
    assert problems(artefacts)[0].startswith("manifest.json cannot be read")


def test_the_sums_that_a_download_adds_are_welcome_and_must_agree(artefacts):
    digest = hashlib.sha256((artefacts / "README.md").read_bytes()).hexdigest()
    (artefacts / "SHA256SUMS").write_text(f"{digest}  README.md\n")
    assert problems(artefacts) == []
    (artefacts / "SHA256SUMS").write_text(f"{'0' * 64}  README.md\n")
    assert problems(artefacts) == ["SHA256SUMS and manifest.json disagree about README.md."]
