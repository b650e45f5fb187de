"""Third-party files are the ones we locked, unmodified, each with its licence."""

import hashlib
from pathlib import Path

import pytest

from portal.env import ROOT
from portal.ui import icons

LOCK = ROOT / "static" / "vendor" / "vendor.lock"
ROWS = [line.split() for line in LOCK.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
FILES = {path: (digest, package) for kind, digest, path, package, _ in (row for row in ROWS if row[0] == "file")}
PACKAGES = {row[1]: {"version": row[2], "licence": row[3], "integrity": row[4]} for row in ROWS if row[0] == "package"}


@pytest.mark.parametrize("path", FILES)
def test_a_vendored_file_has_its_recorded_hash(path):
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == FILES[path][0]


def test_nothing_lies_among_the_vendored_files_without_being_locked():
    folders = (ROOT / "static" / "vendor", ROOT / "tests" / "vendor", ROOT / "portal" / "papers" / "vendor")
    found = {str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert found - set(FILES) == {str(LOCK.relative_to(ROOT))}


def test_every_package_is_pinned_licensed_and_brings_its_licence_text():
    for name, row in PACKAGES.items():
        assert row["integrity"].startswith("sha512-")
        assert row["licence"] in {"MIT", "OFL-1.1", "MPL-2.0"}
        assert any(Path(path).name == "LICENSE" for path, (_, package) in FILES.items() if package == name)


def test_every_vendored_icon_can_be_drawn():
    for path in icons.FOLDER.glob("*.svg"):
        assert icons.paths(path.stem).startswith("<path") or "<circle" in icons.paths(path.stem)


def test_an_icon_name_cannot_leave_its_folder():
    with pytest.raises(icons.UnknownIcon):
        icons.paths("../../img/favicon")
