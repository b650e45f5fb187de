"""What ends a run early."""

import os
import signal

import pytest

from models_hub.specs import Failure, Limits
from models_hub.training.events import Events
from models_hub.training.failures import JobFailed, Stopped
from models_hub.training.guard import Guard


def make_guard(out, *, max_seconds=3600, memory_gb=1.0):
    limits = Limits(gpus=0, max_seconds=max_seconds, memory_gb=memory_gb)
    return Guard(out=out, limits=limits, events=Events(out / "events.jsonl"))


def test_nothing_asked_nothing_ends(tmp_path):
    guard = make_guard(tmp_path)
    guard.check()
    assert not guard.stop_requested


def test_a_stop_file_ends_the_run(tmp_path):
    guard = make_guard(tmp_path)
    (tmp_path / "STOP").touch()
    with pytest.raises(Stopped):
        guard.check()


def test_a_term_signal_means_the_same_as_the_stop_file(tmp_path):
    guard = make_guard(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        guard.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        assert guard.stop_requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_time_limit_counts_earlier_attempts(tmp_path):
    (tmp_path / "events.jsonl").write_text(
        '{"seq": 1, "t": 0, "elapsed": 99.0, "type": "state", "state": "running"}\n'
        '{"seq": 2, "t": 0, "elapsed": 100.5, "type": "state", "state": "running"}\n'
    )
    with pytest.raises(JobFailed, match="limit of 100 seconds") as failed:
        make_guard(tmp_path, max_seconds=100).check()
    assert failed.value.failure is Failure.TIME_LIMIT


def test_more_memory_than_given_ends_the_run(tmp_path):
    guard = make_guard(tmp_path, memory_gb=0.5)
    guard.check_memory(499.0)
    with pytest.raises(JobFailed, match=r"needed 0.6 GB of memory and was given 0.5 GB") as failed:
        guard.check_memory(600.0)
    assert failed.value.failure is Failure.OUT_OF_MEMORY
