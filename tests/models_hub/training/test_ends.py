"""Every bad end has a type, an exit code, a sentence and a next step; nothing is left half delivered."""

import json
import resource
import shutil

import pytest

from models_hub.specs import Failure
from models_hub.training.store import seal
from tests.models_hub.training.jobs import chat_rows, make_spec, save_spec, write_rows

pytestmark = pytest.mark.training


def change(run, **parts):
    """Alter the saved spec: keywords name a part, their values the fields to replace in it."""
    spec = json.loads((run.folder / "spec.json").read_text())
    for part, fields in parts.items():
        spec[part] |= fields
    save_spec(run.folder, spec)
    return run


def assert_failed(run, failure):
    assert run.code == failure.exit_code, run.log
    result = run.result
    assert (result["state"], result["hint_code"]) == ("failed", failure.value)
    assert result["sentence"]
    assert result["next_step"] == failure.next_step
    event = run.events("failure")[-1]
    assert (event["hint_code"], event["exit_code"]) == (failure.value, failure.exit_code)
    assert run.events()[-1]["state"] == "failed"
    return result


def test_a_spec_that_makes_no_sense(make_run):
    run = make_run()
    spec = make_spec()
    del spec["train"]["epochs"]
    save_spec(run.folder, spec)
    result = assert_failed(run.go(), Failure.INVALID_SPEC)
    assert "train.epochs" in result["sentence"]


def test_a_folder_of_another_job(make_run):
    run = make_run(epochs=1)
    assert run.go().code == 0, run.log
    save_spec(run.folder, json.loads((run.folder / "spec.json").read_text()) | {"seed": 7})
    assert run.go().code == Failure.INVALID_SPEC.exit_code
    assert run.result["sentence"] == "This folder holds the work of another job."


def test_a_bad_row_is_named_by_file_and_line(make_run):
    run = make_run(rows=chat_rows())
    rows = [*chat_rows()[:4], {"messages": "no list"}]
    spec = json.loads((run.folder / "spec.json").read_text())
    spec["data"]["train"] = write_rows(run.folder / "data" / "train.jsonl", rows)
    save_spec(run.folder, spec)
    assert_failed(run.go(), Failure.BAD_DATA_ROW)
    assert (run.events("failure")[0]["file"], run.events("failure")[0]["line"]) == ("train.jsonl", 5)


def test_data_that_was_damaged_on_the_way(make_run):
    run = make_run()
    (run.folder / "data" / "test.jsonl").write_text("{}\n")
    assert_failed(run.go(), Failure.DATA_MISMATCH)


def test_a_maximum_length_that_leaves_no_answer(make_run):
    result = assert_failed(make_run(max_length=8).go(), Failure.BAD_DATA_ROW)
    assert "no row of the train part keeps any of its answer" in result["sentence"]


def test_a_maximum_length_beyond_the_model(make_run):
    result = assert_failed(make_run(max_length=4096).go(), Failure.INVALID_SPEC)
    assert "more than the 1024" in result["sentence"]


def test_a_model_that_the_site_does_not_hold(make_run):
    assert_failed(change(make_run(), base_model={"id": "elsewhere"}).go(), Failure.MODEL_MISSING)


def test_weights_that_were_changed_in_the_store(make_run, tmp_path):
    run = make_run()
    run.store = shutil.copytree(run.store, tmp_path / "store")
    path = run.store / "tiny-llama-demo" / "model.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    result = assert_failed(run.go(), Failure.MODEL_MISSING)
    assert result["detail"] == "model.safetensors was changed: its SHA-256 differs."


def test_a_model_without_a_chat_template(make_run, tmp_path):
    run = make_run()
    run.store = shutil.copytree(run.store, tmp_path / "store")
    folder = run.store / "tiny-llama-demo"
    (folder / "chat_template.jinja").unlink()
    seal(folder, model_id="tiny-llama-demo", repo=None, revision="demo-1")
    result = assert_failed(run.go(), Failure.MODEL_MISSING)
    assert "no chat template" in result["sentence"]


def test_a_model_of_the_wrong_kind(make_run):
    result = assert_failed(change(make_run(), base_model={"id": "minilm-demo"}).go(), Failure.MODEL_MISSING)
    assert result["sentence"] == "minilm-demo is a model for encoder, this job needs one for chat."


def test_more_memory_than_the_job_was_given(make_run):
    result = assert_failed(change(make_run(), limits={"memory_gb": 0.2}).go(), Failure.OUT_OF_MEMORY)
    assert "was given 0.2 GB" in result["sentence"]


def test_a_disk_that_takes_no_more(make_run):
    """A cap on the size of files stands for the full disk: the kernel refuses the checkpoint's bytes in mid-write."""
    run = make_run()
    cap = 1_100_000
    run.go(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, cap)))
    assert_failed(run, Failure.DISK_FULL)
    assert not run.artefacts.exists()


def test_a_loss_that_runs_away(make_run):
    run = make_run(method="full", learning_rate=1.0, scheduler="constant", warmup_ratio=0, epochs=200, save_every=500)
    result = assert_failed(run.go(), Failure.DIVERGED)
    assert "the validation loss is" in result["sentence"]


def test_a_base_model_whose_weights_are_no_numbers(make_run, tmp_path):
    run = make_run()
    run.store = shutil.copytree(run.store, tmp_path / "store")
    folder = run.store / "tiny-llama-demo"
    raw = bytearray((folder / "model.safetensors").read_bytes())
    raw[-4:] = b"\x00\x00\xc0\x7f"  # a NaN in the last norm: every answer is one
    (folder / "model.safetensors").write_bytes(raw)
    seal(folder, model_id="tiny-llama-demo", repo=None, revision="demo-1")
    assert_failed(run.go(), Failure.DIVERGED)


def test_the_time_limit_counts_all_attempts_and_keeps_what_was_trained(make_run):
    run = change(make_run(epochs=1000, eval_every=50_000), limits={"max_seconds": 100_000})
    process = run.start()
    run.wait_for(process, lambda: run.events("checkpoint"))
    process.kill()
    run.finish(process)
    with (run.out / "events.jsonl").open("a") as diary:  # as if the first attempt had run for a day
        last = run.events()[-1]
        diary.write(json.dumps(last | {"seq": last["seq"] + 1, "elapsed": 100_000.0}) + "\n")
    result = assert_failed(run.go(), Failure.TIME_LIMIT)
    assert result["sentence"] == "The run reached its limit of 100000 seconds."
    assert 0 < result["steps"]["done"] < result["steps"]["planned"]
    assert (run.artefacts / "adapter" / "adapter_model.safetensors").exists()
    assert json.loads((run.artefacts / "result.json").read_text())["hint_code"] == "time_limit"
    assert "**Unfinished.**" in (run.artefacts / "README.md").read_text()


def test_no_time_at_all_delivers_nothing(make_run):
    run = make_run()
    run.out.mkdir()
    line = {"seq": 1, "t": 0, "elapsed": 4000.0, "type": "state", "state": "preparing", "attempt": 1}
    (run.out / "events.jsonl").write_text(json.dumps(line) + "\n")
    assert_failed(run.go(), Failure.TIME_LIMIT)
    assert not run.artefacts.exists()


def test_a_method_for_many_gpus_is_refused_in_words(make_run):
    result = assert_failed(change(make_run(), limits={"gpus": 4}).go(), Failure.INVALID_SPEC)
    assert "one GPU" in result["sentence"]


def test_a_base_model_that_was_replaced_between_two_attempts(make_run, tmp_path):
    run = make_run()
    assert run.go().code == 0, run.log
    (run.out / "result.json").unlink()
    (run.out / "work" / "base.json").write_text(json.dumps({"digest": "0" * 64}))
    assert_failed(run.go(), Failure.MODEL_MISSING)


def test_after_a_bad_end_the_same_command_tries_again(make_run):
    run = make_run(epochs=1)
    path = run.folder / "data" / "test.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert_failed(run.go(), Failure.DATA_MISMATCH)
    path.write_bytes(whole)
    assert run.go().code == 0, run.log
    assert (run.result["state"], run.result["hint_code"]) == ("succeeded", None)
    assert run.result["measured"]["attempts"] == 2
