"""The diary of a run: numbers and clocks that survive a crash."""

import json

import pytest

from models_hub.training.events import Events, in_words, whole_lines


@pytest.fixture
def diary(tmp_path):
    return tmp_path / "events.jsonl"


def test_numbers_go_on_after_a_restart(diary):
    first = Events(diary)
    first.state("preparing", attempt=first.attempt)
    first.close()
    second = Events(diary)
    second.state("preparing", attempt=second.attempt)
    assert [event["seq"] for event in whole_lines(diary)] == [1, 2]
    assert [event["attempt"] for event in whole_lines(diary)] == [1, 2]


def test_a_torn_last_line_is_cut_before_the_next_is_written(diary):
    first = Events(diary)
    first.state("preparing", attempt=1)
    first.close()
    with diary.open("ab") as file:
        file.write(b'{"seq": 2, "t": 17952, "el')
    Events(diary).state("running")
    lines = diary.read_bytes().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2]


def test_a_file_of_one_torn_line_starts_anew(diary):
    diary.write_bytes(b'{"seq": 1, "t"')
    Events(diary).state("running")
    assert [event["seq"] for event in whole_lines(diary)] == [1]


def test_a_very_long_torn_line_is_cut_too(diary):
    Events(diary).state("running")
    with diary.open("ab") as file:
        file.write(b"x" * 200_000)
    Events(diary).state("running")
    assert [event["seq"] for event in whole_lines(diary)] == [1, 2]


def test_a_reader_stops_at_the_torn_line(diary):
    diary.write_bytes(b'{"seq": 1, "elapsed": 0, "type": "state", "state": "running"}\n{"seq": 2')
    assert [event["seq"] for event in whole_lines(diary)] == [1]


def test_run_time_counts_over_all_attempts_but_not_the_pause_between(diary):
    diary.write_text('{"seq": 9, "t": 1000.0, "elapsed": 500.0, "type": "state", "state": "running"}\n')
    assert 500.0 <= Events(diary).elapsed < 560.0


def test_training_time_energy_and_memory_of_killed_attempts_are_kept(diary):
    lines = [
        {"type": "state", "state": "preparing", "attempt": 1, "elapsed": 0.0},
        {"type": "progress", "elapsed": 10.0},
        {"type": "metrics", "elapsed": 30.0, "memory_mb": 700.0, "energy_j": 50.0},
        {"type": "state", "state": "preparing", "attempt": 2, "elapsed": 31.0},
        {"type": "progress", "elapsed": 40.0},
        {"type": "metrics", "elapsed": 45.0, "memory_mb": 650.0, "energy_j": 20.0},
    ]
    diary.write_text("".join(json.dumps({"seq": n, "t": 0, **line}) + "\n" for n, line in enumerate(lines, 1)))
    events = Events(diary)
    assert events.train_seconds_before == pytest.approx(25.0)
    assert events.peak_memory_mb == 700.0
    assert events.energy_before == pytest.approx(70.0)
    assert events.attempt == 3


def test_numbers_that_json_does_not_know_become_null(diary):
    Events(diary).write("odd", loss=float("nan"), metrics={"loss": float("inf")}, rows=[1.0, float("nan")])
    event = next(iter(whole_lines(diary)))
    assert (event["loss"], event["metrics"], event["rows"]) == (None, {"loss": None}, [1.0, None])


def test_the_log_says_an_event_in_one_line():
    event = {"seq": 5, "t": 1.0, "elapsed": 12.3, "type": "metrics", "step": 3, "steps": 12, "loss": 1.23456}
    assert in_words(event) == "     12.3 s  step 3 of 12: loss 1.235"
