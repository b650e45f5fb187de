"""The sample data sets hold what we promise of them."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from models_hub.datasets.check import check
from models_hub.datasets.samples import FOLDER, SAMPLES, sample_by_code, samples_of
from models_hub.datasets.split import split_rows


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.code)
def test_a_sample_is_ready_without_a_question_and_without_a_rejected_row(sample):
    report = check(sample.path, kind=sample.kind)
    assert (report.verdict, report.guessed, report.rows["usable"]) == ("ready", False, sample.rows)
    assert (report.rows["rejected"], report.rows["repeated"], report.personal["rows"]) == (0, 0, 0)
    assert report.mapping == sample.mapping.as_dict()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.code)
def test_a_sample_can_be_split_with_enough_rows_to_judge(sample, tmp_path):
    split = split_rows(sample.path, mapping=sample.mapping, out=tmp_path / "parts")
    rows = {part.name: part.rows for part in split.parts}
    assert rows["test"] >= 30 and rows["validation"] >= 30
    assert rows["train"] > 4 * rows["test"]


def test_there_is_a_sample_for_each_kind_of_recipe():
    assert all(samples_of(kind) for kind in ("chat", "classification"))
    assert sample_by_code("support-topics").kind == "classification"
    assert sample_by_code("nothing") is None


def test_topics_are_balanced_and_in_six_languages():
    rows = [json.loads(line) for line in (FOLDER / "support-topics.jsonl").read_text(encoding="utf-8").splitlines()]
    counts = Counter(row["label"] for row in rows)
    assert max(counts.values()) == min(counts.values())
    assert set(Counter(row["language"] for row in rows)) == {"en", "de", "fr", "es", "it", "pl"}


def test_the_script_writes_the_same_bytes(tmp_path):
    for path in FOLDER.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    subprocess.run([sys.executable, "make_samples.py"], cwd=tmp_path, check=True, capture_output=True)
    for sample in SAMPLES:
        assert (tmp_path / sample.path.name).read_bytes() == sample.path.read_bytes()
