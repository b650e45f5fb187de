"""The data folder: who may look into it, whose it is, and paths that are too long for a Unix socket."""

import os
import stat
from pathlib import Path

import pytest

from portal.embedded.layout import SOCKET_PATH_LIMIT, EmbeddedError, Layout, write_private
from portal.embedded.postgres import url


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_data_folders_are_closed_to_other_users(tmp_path):
    layout = Layout(tmp_path / "var")
    layout.create()
    assert mode(layout.data) == 0o711
    private = ("postgres", "valkey", "media", "store", "agent", "logs", "secrets")
    assert {mode(layout.data / name) for name in private} == {0o700}


def test_a_folder_left_open_is_closed_again_at_the_next_start(tmp_path):
    layout = Layout(tmp_path / "var")
    layout.create()
    (layout.data / "secrets").chmod(0o755)
    layout.create()
    assert mode(layout.data / "secrets") == 0o700


def test_secrets_are_made_once_and_readable_for_their_owner_only(tmp_path):
    layout = Layout(tmp_path / "var")
    layout.create()
    layout.ensure_portal_key()
    first, key = layout.secret_key(), layout.portal_key.read_bytes()
    layout.ensure_portal_key()
    assert (layout.secret_key(), layout.portal_key.read_bytes()) == (first, key)
    assert {mode(path) for path in (layout.data / "secrets").iterdir()} == {0o600}


def test_two_installations_never_share_a_secret(tmp_path):
    one, other = Layout(tmp_path / "one"), Layout(tmp_path / "other")
    one.create()
    other.create()
    assert one.secret_key() != other.secret_key()


def test_the_embedded_secret_is_marked_so_that_a_real_installation_refuses_it(tmp_path):
    layout = Layout(tmp_path / "var")
    layout.create()
    assert layout.secret_key().startswith("embedded-")


def test_a_private_file_replaces_a_readable_one(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert (path.read_text(), mode(path)) == ("new", 0o600)


def test_sockets_stay_in_the_data_folder_while_their_paths_fit(tmp_path):
    assert Layout(Path("/srv/portal/var")).run == Path("/srv/portal/var/run")


@pytest.mark.parametrize("length", [60, 80, 100, 200, 240])
def test_a_long_path_never_breaks_a_socket(length):
    layout = Layout(Path("/srv") / ("x" * length) / "var")
    sockets = [layout.supervisor_socket, layout.valkey_socket, layout.postgres_socket_folder / ".s.PGSQL.5432"]
    assert all(len(os.fsencode(path)) + len(".4194304") <= SOCKET_PATH_LIMIT for path in sockets)


def test_letters_that_take_two_bytes_count_as_two():
    layout = Layout(Path("/srv") / ("é" * 45) / "var")
    assert layout.run != layout.data / "run"


def test_two_data_folders_with_long_paths_have_their_own_sockets():
    one, other = (Layout(Path("/srv") / (letter * 120)) for letter in "ab")
    assert one.run != other.run


def test_sockets_never_move_into_a_folder_that_somebody_prepared(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    layout = Layout(tmp_path / ("x" * 120))
    (tmp_path / "elsewhere").mkdir()
    layout.run.unlink(missing_ok=True)
    layout.run.symlink_to(tmp_path / "elsewhere")
    try:
        with pytest.raises(EmbeddedError, match="belongs to somebody else"):
            layout.create()
    finally:
        layout.run.unlink()


def test_sockets_outside_the_data_folder_are_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/tmp")
    layout = Layout(tmp_path / ("x" * 120))
    layout.create()
    assert layout.run.is_dir() and layout.run.parent != layout.data
    layout.remove_short_run_folder()
    assert not layout.run.exists()


def test_a_folder_with_something_else_in_it_is_neither_used_nor_emptied(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    layout = Layout(tmp_path)
    with pytest.raises(EmbeddedError, match="holds something else"):
        layout.create()
    with pytest.raises(EmbeddedError, match="nothing was removed"):
        layout.empty()
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_reset_leaves_an_empty_folder_and_follows_no_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    layout = Layout(tmp_path / "var")
    layout.create()
    (layout.data / "media" / "link").symlink_to(outside)
    (layout.data / "shortcut").symlink_to(outside)
    layout.empty()
    assert list(layout.data.iterdir()) == []
    assert (outside / "kept").exists()


def test_a_data_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="cannot be written: Not a directory"):
        Layout(tmp_path / "file" / "var").create()


def test_the_database_url_survives_a_folder_with_signs_in_its_name():
    import environ

    read = environ.Env.db_url_config(url(Path("/srv/a b&c/run/pg")))
    assert read["OPTIONS"]["host"] == "/srv/a b&c/run/pg"
    assert read["NAME"] == "paas"
