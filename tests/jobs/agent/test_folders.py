"""A job's folder while it is read by one thread and changed, or removed, by another; and after a kill in between."""

import json
import shutil
import threading
from types import SimpleNamespace

import pytest

from jobs.agent.backends import BackendError
from jobs.agent.backends.base import Ended, Phase, Status
from jobs.agent.backends.folders import claims
from jobs.agent.backends.local import LocalBackend
from jobs.agent.backends.wrapper import ALIVE, END, RUNS, START, claim
from jobs.agent.driver import Driver
from jobs.agent.files import read_json, write_json
from jobs.agent.state import State
from tests.jobs.agent.workshop import Workshop

KEY = "ft-0123456789ab-1"
NOBODY = {"pid": 0, "ticks": 0, "boot": ""}


@pytest.fixture
def local(tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.write()
    return LocalBackend(shop.config)


def job_of(backend, key=KEY, *, started_at="2026-03-01T10:00:00+00:00"):
    """A job whose wrapper was killed: it has begun, and no receipt of its end is there."""
    job = backend.folder / key
    run = job / RUNS / "1"
    run.mkdir(parents=True)
    write_json(job / "order.json", {"gpus": 1})
    write_json(run / START, {**NOBODY, "started_at": started_at})
    (run / ALIVE).touch()
    return job


# ---- looking --------------------------------------------------------------------------------------------------------


def test_looking_at_what_is_free_writes_nothing(local):
    """The receipt of a killed wrapper is the driver's to write; in between it would bring back what is going."""
    job = job_of(local)
    free = local.describe()["gpus_free"]
    assert free == local.gpus
    assert not (job / RUNS / "1" / END).exists()
    assert local.poll([KEY])[KEY].phase == Phase.ENDED
    assert read_json(job / RUNS / "1" / END)["why"] == "killed"


def test_the_folder_of_a_job_is_named_and_not_made(local):
    assert local.stage(KEY, "out") == local.folder / KEY / "out"
    assert local.stage(KEY, "in") == local.folder / KEY / "data"
    assert list(local.folder.iterdir()) == []


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "a start that is not whole", "a draft", "a file"])
def test_what_is_half_removed_has_no_starts(tmp_path, left):
    run = tmp_path / RUNS / "1"
    if left == "a file":
        (tmp_path / RUNS).touch()
    elif left != "nothing":
        run.mkdir(parents=True)
    if left == "a start that is not whole":
        (run / START).write_text('{"pid": 1')
    if left == "a draft":
        run.rmdir()
        claim(tmp_path, 1)
        run.rename(tmp_path / RUNS / ".claim-node-1")
    assert claims(tmp_path) == []


def test_jobs_come_and_go_while_somebody_looks(local):
    """The portal's thread asks what is free; the driver's removes. Neither sees half a job, and nothing comes back."""
    trouble, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            try:
                local.describe()
                local.logs(KEY, 0, 100)
            except Exception as error:
                trouble.append(repr(error))

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    for number in range(200):
        job = job_of(local, started_at=f"2026-03-01T10:{number // 60:02}:{number % 60:02}+00:00")
        for name in ("data", "out"):
            (job / name).mkdir()
            (job / name / "rows").write_text("x")
        local.poll([KEY])
        local.wipe(KEY)
    stop.set()
    for looker in lookers:
        looker.join()
    assert trouble == []
    assert list(local.folder.iterdir()) == []
    assert len(local.usage([KEY])) == 200


# ---- removing -------------------------------------------------------------------------------------------------------


def test_killed_while_it_removes_a_job_the_agent_removes_the_rest(local, monkeypatch):
    job = job_of(local)
    (job / "data").mkdir()
    (job / "data" / "train.jsonl").write_text("rows")
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
        with pytest.raises(BackendError, match="could not be removed in full"):
            local.wipe(KEY)
    assert [path.name for path in local.folder.iterdir()] == [f".{KEY}.removed"]
    assert local.poll([KEY])[KEY].phase == Phase.UNKNOWN
    assert local.describe()["gpus_free"] == local.gpus
    local.wipe(KEY)
    assert list(local.folder.iterdir()) == []
    assert len(local.usage([KEY])) == 1


def test_what_was_metered_stays_when_the_receipt_is_written_anew(local):
    job = job_of(local)
    (before,) = local.usage([KEY])
    end = read_json(job / RUNS / "1" / END)
    write_json(job / RUNS / "1" / END, {**end, "ended_at": "2027-01-01T00:00:00+00:00"})
    assert local.usage([KEY]) == [before]


# ---- writing --------------------------------------------------------------------------------------------------------


def test_two_threads_that_write_one_file_do_not_take_each_others_draft(tmp_path):
    path, trouble, begin = tmp_path / "ray.json", [], threading.Barrier(4)

    def write(name):
        begin.wait()
        for number in range(100):
            try:
                write_json(path, {"by": name, "number": number})
            except OSError as error:
                trouble.append(repr(error))

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert trouble == []
    assert json.loads(path.read_text())["number"] == 99
    assert [one.name for one in tmp_path.iterdir()] == ["ray.json"]


# ---- the driver -----------------------------------------------------------------------------------------------------


def test_one_attempt_that_cannot_be_read_holds_up_no_other_and_does_not_end_the_agent(tmp_path, caplog):
    """An agent that ended of it would end at every start, and its site would fall silent."""
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    shop.write()
    state = State(tmp_path / "agent.sqlite3")
    for key in ("ft-good-1", "ft-torn-1"):
        state.take(key=key, token="t", payload={}, lease_seconds=60)
        state.move(key, "running")

    def poll(keys):
        if "ft-torn-1" in keys:
            raise TypeError("'NoneType' object is not subscriptable")
        return {key: Status(key=key, phase=Phase.ENDED, ended=Ended.EXITED, exit_code=0) for key in keys}

    backend = SimpleNamespace(poll=poll, stage=lambda key, direction: tmp_path / key)
    driver = Driver(
        config=shop.config, state=state, backend=backend, portal=lambda: None, news=threading.Event()
    )  # fmt: skip
    for _ in range(2):
        driver.step()
    assert state.attempt("ft-good-1").final
    assert state.attempt("ft-torn-1").state == "running"
    assert "ft-torn-1: where it stands cannot be read" in caplog.text


@pytest.mark.parametrize("name", ["9x", "\N{SUPERSCRIPT TWO}", "1.", "1.2.3", "1" * 40, ".claim-node-7"])
def test_what_has_not_the_name_of_a_start_is_none(local, name):
    """Whatever lies there: it neither counts as a start nor stops the others from being read."""
    job = job_of(local)
    (job / RUNS / name).mkdir()
    write_json(job / RUNS / name / START, {**NOBODY, "started_at": "2026-03-01T10:00:00+00:00"})
    assert [one.number for one in claims(job)] == [(1, 0)]
    assert local.poll([KEY])[KEY].starts == 1


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"\xff\xfe{}", b'{"pid": 1'])
def test_a_receipt_that_is_none_is_no_start(local, content):
    job = job_of(local)
    (job / RUNS / "1" / START).write_bytes(content)
    assert claims(job) == []
    assert local.poll([KEY])[KEY].phase == Phase.UNKNOWN
    assert local.describe()["gpus_free"] == local.gpus
