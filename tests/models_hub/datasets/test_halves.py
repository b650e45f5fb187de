"""Two processes find what one finds; a child that dies costs nothing but time."""

import csv
import json
import subprocess
from dataclasses import replace

import pytest

from models_hub.datasets import halves
from models_hub.datasets.check import check
from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Cancelled
from models_hub.datasets.schema import ColumnMapping

LIMITS = Limits(parallel_bytes=1000)
ALONE = replace(LIMITS, parallel_bytes=1 << 62)


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    monkeypatch.setattr(halves, "_processors", lambda: 2)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def talks(number=400):
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"question {n % 150}?"},
                {"role": "assistant", "content": f"answer {n % 150}."},
            ]
        }
        for n in range(number)
    ]
    rows[3] = rows[-3] = {"messages": []}
    rows[5]["messages"][0]["content"] = "write to anna@example.org"
    rows[-5]["messages"][0]["content"] = "write to bert@example.org"
    return rows


def labelled(number=400):
    return [{"text": f"message {n % 180}", "label": f"label {n % 4}"} for n in range(number)]


@pytest.mark.parametrize("rows", [talks(), labelled()], ids=["chat", "classification"])
def test_two_processes_find_what_one_finds(tmp_path, rows):
    path = write(tmp_path / "data.jsonl", rows)
    both, one = tmp_path / "both.csv", tmp_path / "one.csv"
    together = check(path, limits=LIMITS, rejected_to=both)
    assert together.as_dict() == check(path, limits=ALONE, rejected_to=one).as_dict()
    assert together.rows["repeated"] > 100
    if one.exists():
        assert list(csv.reader(both.open(encoding="utf-8-sig"))) == list(csv.reader(one.open(encoding="utf-8-sig")))


def test_both_processes_are_really_used(tmp_path, monkeypatch):
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **options: started.append(1) or real(*args, **options))
    check(write(tmp_path / "data.jsonl", labelled()), limits=LIMITS)
    assert len(started) == 2


def test_a_cut_off_file_is_found_by_the_second_process(tmp_path):
    path = write(tmp_path / "data.jsonl", labelled())
    path.write_bytes(path.read_bytes()[:-9])
    report = check(path, limits=LIMITS)
    assert (report.code, report.sentence["values"]["line"]) == ("cut_off", 400)


@pytest.mark.parametrize(
    ("limits", "code"), [(replace(LIMITS, rows=300), "too_many_rows"), (replace(LIMITS, labels=3), "too_many_labels")]
)
def test_limits_count_both_halves(tmp_path, limits, code):
    mapping = ColumnMapping("labelled", {"text": "text", "label": "label"})
    assert check(write(tmp_path / "data.jsonl", labelled()), limits=limits, mapping=mapping).code == code


def test_a_file_without_a_usable_row_in_either_half_is_hopeless(tmp_path):
    report = check(write(tmp_path / "data.jsonl", [{"text": "", "label": "a"}] * 300), limits=LIMITS)
    assert report.code == "hopeless"


def test_bad_rows_in_one_half_only_are_not_hopeless(tmp_path):
    rows = [*labelled(250), *[{"text": "", "label": "a"}] * 200]
    assert check(write(tmp_path / "data.jsonl", rows), limits=replace(LIMITS, hopeless_after=50)).verdict == "ready"


def test_a_child_that_dies_costs_nothing_but_time(tmp_path, monkeypatch):
    path = write(tmp_path / "data.jsonl", labelled())
    monkeypatch.setattr(halves.sys, "executable", "/bin/false")
    assert check(path, limits=LIMITS).as_dict() == check(path, limits=ALONE).as_dict()


def test_cancelling_ends_the_children(tmp_path, monkeypatch):
    children = []
    real = subprocess.Popen

    def start(command, **options):
        children.append(real(["sleep", "60"], **options))
        return children[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(Cancelled):
        check(write(tmp_path / "data.jsonl", labelled()), limits=LIMITS, cancelled=lambda: True)
    assert all(child.poll() is not None for child in children)
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]
