"""A chat model from spec to delivery: better than before, complete, free of this machine's traces."""

import itertools
import json
import subprocess

import pytest
import yaml

from models_hub.specs import JobSpec, Manifest
from models_hub.training.manifest import problems
from tests.models_hub.training.conftest import PATIENCE, ROOT, site_command, site_environment
from tests.models_hub.training.jobs import chat_rows
from tests.support import require

pytestmark = pytest.mark.training


def test_lora_makes_the_model_measurably_better(lora_run):
    result = lora_run.result
    assert (result["state"], result["hint_code"]) == ("succeeded", None)
    assert result["after"]["loss"] < result["before"]["loss"]
    assert result["after"]["perplexity"] < result["before"]["perplexity"]
    assert result["improved"] is True
    assert (result["before"]["what"], result["after"]["what"]) == ("base_model", "tuned_model")


def test_samples_stand_side_by_side(lora_run):
    samples = lora_run.result["samples"]
    assert len(samples) == 4
    assert all(set(sample) == {"prompt", "expected", "base", "tuned"} for sample in samples)
    assert json.loads((lora_run.artefacts / "samples.json").read_text()) == samples


def test_events_are_numbered_without_a_gap_and_tell_the_whole_story(lora_run):
    events = lora_run.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["state"] for event in lora_run.events("state")] == [
        *("preparing", "evaluating_before", "running", "evaluating_after", "succeeded")
    ]
    assert {event["type"] for event in events} == {
        *("state", "versions", "data", "evaluation", "model", "progress", "metrics", "checkpoint")
    }
    assert all(later["elapsed"] >= sooner["elapsed"] for sooner, later in itertools.pairwise(events))


def test_the_curve_has_training_and_validation_points_with_one_epoch_field(lora_run):
    metrics = lora_run.events("metrics")
    assert [point["step"] for point in metrics if "loss" in point] == list(range(1, 37))
    assert [point["step"] for point in metrics if "validation_loss" in point] == list(range(4, 37, 4))
    assert metrics[-1]["epoch"] == 12.0
    assert (lora_run.artefacts / "metrics.jsonl").read_text().count("\n") == len(metrics)


def test_what_was_measured_is_there(lora_run):
    measured = lora_run.result["measured"]
    assert measured["device"].startswith("CPU")
    assert measured["peak_memory_mb"] > 100
    assert 0 < measured["train_seconds"] <= measured["wall_seconds"]
    assert measured["tokens"] == 12 * lora_run.result["data"]["tokens"]
    assert measured["energy_j"] is None


def test_the_delivery_matches_its_manifest(lora_run):
    assert problems(lora_run.artefacts) == []
    manifest = Manifest.from_json((lora_run.artefacts / "manifest.json").read_text())
    assert manifest.spec_hash == JobSpec.from_json((lora_run.folder / "spec.json").read_bytes()).spec_hash
    assert {"README.md", "recipe.yaml", "spec.json", "result.json", "adapter/adapter_model.safetensors"} <= {
        artefact.path for artefact in manifest.files
    }


def test_the_artefacts_result_is_the_runs_result(lora_run):
    assert json.loads((lora_run.artefacts / "result.json").read_text()) == lora_run.result


def test_nothing_delivered_is_a_pickle(lora_run, encoder_run, quick_run):
    for run in (lora_run, encoder_run, quick_run):
        suffixes = {path.suffix for path in run.artefacts.rglob("*") if path.is_file()}
        assert suffixes <= {".safetensors", ".json", ".jsonl", ".jinja", ".md", ".yaml", ".txt"}


def test_no_path_of_the_machine_leaves_the_site(lora_run, encoder_run):
    for run in (lora_run, encoder_run):
        for path in run.artefacts.rglob("*"):
            if path.is_file():
                assert str(run.store).encode() not in path.read_bytes(), path
                assert str(run.folder).encode() not in path.read_bytes(), path


def test_the_adapter_names_the_public_base_model(lora_run):
    settings = json.loads((lora_run.artefacts / "adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "example/tiny-llama"


def test_the_cards_are_ours_not_the_libraries_stubs(lora_run):
    for card in (lora_run.artefacts / "README.md", lora_run.artefacts / "adapter" / "README.md"):
        text = card.read_text()
        assert "More Information Needed" not in text
        assert "fine-tuned version of None" not in text
        front = yaml.safe_load(text.split("---")[1])
        assert front["license"] == "eupl-1.2"
        assert front["base_model"] == "example/tiny-llama"
        assert "demonstration" in front["tags"]
        assert "DEMONSTRATION" in text


def test_the_recipe_runs_in_trl_itself(lora_run, tmp_path):
    recipe = yaml.safe_load((lora_run.artefacts / "recipe.yaml").read_text())
    assert (recipe["bf16"], recipe["use_cpu"], recipe["gradient_checkpointing"]) == (False, True, False)
    recipe["model_name_or_path"] = str(lora_run.store / "tiny-llama-demo")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"max_steps": 2}))
    (tmp_path / "data").mkdir()
    for part in ("train", "validation"):
        (tmp_path / "data" / f"{part}.jsonl").write_bytes((lora_run.folder / "data" / f"{part}.jsonl").read_bytes())
    done = subprocess.run(
        site_command("-m", "trl.scripts.sft", "--config", "recipe.yaml"),
        cwd=tmp_path,
        env=site_environment() | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "output" / "adapter_model.safetensors").exists()


def test_anyone_can_measure_the_delivery_again(lora_run):
    done = subprocess.run(
        site_command(
            *("-m", "models_hub.training", "evaluate", "--spec", "spec.json", "--data", "data"),
            *("--store", lora_run.store, "--artefacts", "out/artefacts"),
        ),
        cwd=lora_run.folder,
        env=site_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout[done.stdout.index("{") :])
    after = lora_run.result["after"]
    assert figures["loss"] == pytest.approx(after["loss"], rel=1e-6)
    assert figures["exact_match"] == after["exact_match"]


def test_a_finished_job_is_not_done_again(lora_run, copy_of):
    run = copy_of(lora_run)
    before = {path: path.stat().st_mtime_ns for path in run.artefacts.rglob("*")}
    lines = len(run.events())
    assert run.go().code == 0
    assert {path: path.stat().st_mtime_ns for path in run.artefacts.rglob("*")} == before
    assert len(run.events()) == lines


def test_rows_that_truncation_loses_are_counted_and_announced(make_run):
    long = {
        "messages": [
            {"role": "user", "content": "Please answer this. " * 60},
            {"role": "assistant", "content": "Yes."},
        ]
    }
    rows = [*chat_rows()[:15], *[long] * 5]
    rows = rows[:6] + rows[-5:] + rows[6:15]  # the first rows are validation and test
    run = make_run(rows=rows[:4] * 2 + rows[6:], epochs=1).go()
    assert run.code == 0, run.log
    data = run.events("data")[0]
    assert data["rows_lost"] == 5
    assert data["rows_used"] == data["train_rows"] - 5
    assert run.result["data"]["rows_lost"] == 5
    assert "5 rows were too long" in (run.artefacts / "README.md").read_text()


def test_full_tuning_delivers_a_whole_model(make_run):
    run = make_run(method="full", epochs=4, learning_rate=3e-3).go()
    assert run.code == 0, run.log
    assert run.result["after"]["loss"] < run.result["before"]["loss"]
    assert (run.artefacts / "model" / "model.safetensors").exists()
    assert "lora_r" not in yaml.safe_load((run.artefacts / "recipe.yaml").read_text())


def test_early_stopping_delivers_the_best_step_not_the_last(make_run):
    run = make_run(epochs=40, learning_rate=0.05, patience=2, eval_every=3).go()
    assert run.code == 0, run.log
    steps = run.result["steps"]
    points = {point["step"]: point["validation_loss"] for point in run.events("metrics") if "validation_loss" in point}
    assert steps["stopped_early"] is True
    assert steps["best"] == min(points, key=points.get)
    assert steps["best"] < steps["done"] < steps["planned"]


def test_qlora_trains_on_a_machine_without_a_gpu(make_run):
    done = subprocess.run(
        site_command("-m", "models_hub.training", "describe"),
        env=site_environment(),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE,
    )
    require("qlora" in json.loads(done.stdout)["methods"]["chat"], "needs bitsandbytes in the site environment")
    run = make_run(method="qlora", epochs=4).go()
    assert run.code == 0, run.log
    assert run.result["after"]["loss"] < run.result["before"]["loss"]
    assert json.loads((run.artefacts / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"]
