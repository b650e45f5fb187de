"""What reaches a site is what was sent, and every row can be used."""

import json

import pytest

from models_hub.specs import Failure, JobSpec
from models_hub.training.data import check_files, check_rows
from models_hub.training.failures import JobFailed
from tests.models_hub.training.jobs import make_job, write_rows


@pytest.fixture
def job(tmp_path):
    return JobSpec.from_json(make_job(tmp_path)), tmp_path / "data"


def spoil(tmp_path, line, **kind):
    """A job whose training part has `line` as its third row."""
    plain = make_job(tmp_path, **kind)
    path = tmp_path / "data" / "train.jsonl"
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    rows.insert(2, line)
    plain["data"]["train"] = write_rows(path, rows)
    return JobSpec.from_json(plain), tmp_path / "data"


def test_intact_data_passes(job):
    check_files(*job)
    check_rows(*job)


def test_a_flipped_byte_on_the_way_is_noticed(job):
    spec, folder = job
    path = folder / "validation.jsonl"
    path.write_bytes(path.read_bytes().replace(b"shop", b"ship", 1))
    with pytest.raises(JobFailed, match="damaged on its way") as failed:
        check_files(spec, folder)
    assert failed.value.failure is Failure.DATA_MISMATCH


def test_a_missing_part_is_named(job):
    spec, folder = job
    (folder / "test.jsonl").unlink()
    with pytest.raises(JobFailed, match=r"test part of the data \(test.jsonl\) is not at the site"):
        check_files(spec, folder)


def test_a_wrong_number_of_rows_is_noticed(tmp_path):
    plain = make_job(tmp_path)
    plain["data"]["train"]["rows"] += 1
    with pytest.raises(JobFailed, match="has 18 rows where the job's description says 19"):
        check_rows(JobSpec.from_json(plain), tmp_path / "data")


USER, ANSWER = {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([], "it has no list of messages"),
        ({"text": "x"}, "it has no list of messages"),
        ({"messages": []}, "it has no list of messages"),
        ({"messages": [USER, "text"]}, "each message needs a role"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "each message needs a role"),
        ({"messages": [{"role": "user", "content": None}]}, "each message needs a text"),
        ({"messages": [ANSWER, USER]}, "its last message is not the assistant's answer"),
        ({"messages": [USER, {"role": "assistant", "content": "  "}]}, "its answer is empty"),
        ({"messages": [ANSWER]}, "nobody asks anything in it"),
    ],
)
def test_a_bad_conversation_ends_the_run_with_its_line(tmp_path, row, why):
    with pytest.raises(JobFailed) as failed:
        check_rows(*spoil(tmp_path, row))
    assert failed.value.failure is Failure.BAD_DATA_ROW
    assert failed.value.sentence.startswith(f"Line 3 of train.jsonl cannot be used: {why}")
    assert failed.value.extra == {"file": "train.jsonl", "line": 3}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"label": "invoice"}, "it has no text"),
        ({"text": " ", "label": "invoice"}, "it has no text"),
        ({"text": "x"}, "it has no label"),
        ({"text": "x", "label": 3}, "it has no label"),
        ({"text": "x", "label": "weather"}, "the label 'weather' is not one of the labels of this job"),
    ],
)
def test_a_bad_labelled_row_ends_the_run_with_its_line(tmp_path, row, why):
    with pytest.raises(JobFailed) as failed:
        check_rows(*spoil(tmp_path, row, recipe="classify", method="baseline"))
    assert failed.value.sentence.startswith(f"Line 3 of train.jsonl cannot be used: {why}")


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe\n", b"\n", b"[" * 100_000])
def test_a_line_that_is_no_json_is_named(job, raw):
    spec, folder = job
    with (folder / "train.jsonl").open("ab") as file:
        file.write(raw)
    with pytest.raises(JobFailed, match=r"Line 19 of train.jsonl cannot be used: it is not a JSON object"):
        check_rows(spec, folder)
