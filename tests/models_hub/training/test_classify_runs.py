"""A classifier, quick and thorough: judged on rows that training never saw, against an honest baseline."""

import json
import subprocess

import pytest
import yaml

from models_hub.training.manifest import problems
from tests.models_hub.training.conftest import PATIENCE, site_command, site_environment

pytestmark = pytest.mark.training


def test_the_quick_method_beats_the_most_frequent_label(quick_run):
    result = quick_run.result
    assert result["after"]["accuracy"] > result["before"]["accuracy"]
    assert (result["before"]["what"], result["after"]["what"]) == ("majority_class", "frozen_baseline")
    assert result["improved"] is True


def test_the_confusion_counts_every_test_row_once(quick_run):
    result = quick_run.result
    assert sum(map(sum, result["after"]["confusion"])) == result["after"]["rows"] == result["data"]["test_rows"]
    assert len(result["after"]["confusion"]) == len(result["labels"]) == 3


def test_the_quick_methods_curve_shows_each_strength_it_tried(quick_run):
    points = quick_run.events("metrics")
    assert [(point["step"], point["steps"]) for point in points] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert all(0 <= point["validation_accuracy"] <= 1 for point in points)


def test_the_quick_delivery_is_small_and_complete(quick_run):
    assert problems(quick_run.artefacts) == []
    facts = json.loads((quick_run.artefacts / "model" / "classifier.json").read_text())
    assert facts["labels"] == quick_run.result["labels"]
    assert facts["base_model"]["repo"] is None
    assert not (quick_run.artefacts / "recipe.yaml").exists()


def test_the_encoder_is_judged_against_the_quick_method(encoder_run):
    result = encoder_run.result
    assert (result["before"]["what"], result["after"]["what"]) == ("frozen_baseline", "tuned_model")
    assert result["before"] == result["baseline"]
    assert result["majority"]["accuracy"] < result["after"]["accuracy"]
    assert result["improved"] is (result["after"]["accuracy"] > result["baseline"]["accuracy"])


def test_the_encoder_keeps_its_best_step_on_the_validation_part(encoder_run):
    points = {
        point["step"]: point["validation_macro_f1"]
        for point in encoder_run.events("metrics")
        if "validation_macro_f1" in point
    }
    assert points[encoder_run.result["steps"]["best"]] == max(points.values())


def test_the_encoders_settings_are_transformers_own(encoder_run):
    recipe = yaml.safe_load((encoder_run.artefacts / "recipe.yaml").read_text())
    script = (
        "import sys; from transformers import HfArgumentParser, TrainingArguments; "
        "print(HfArgumentParser(TrainingArguments).parse_yaml_file(sys.argv[1])[0].learning_rate)"
    )
    done = subprocess.run(
        site_command("-c", script, encoder_run.artefacts / "recipe.yaml"),
        env=site_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=encoder_run.folder,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) == recipe["learning_rate"] == 2e-4


def test_the_card_shows_baseline_and_verdict(encoder_run):
    card = (encoder_run.artefacts / "README.md").read_text()
    assert "logistic regression on frozen embeddings" in card
    assert "always the most frequent label" in card
    assert "## Verdict" in card
    assert "Apache License 2.0" in card


@pytest.mark.parametrize("kind", ["quick_run", "encoder_run"])
def test_anyone_can_measure_a_classifier_again(kind, request):
    run = request.getfixturevalue(kind)
    done = subprocess.run(
        site_command(
            *("-m", "models_hub.training", "evaluate", "--spec", "spec.json", "--data", "data"),
            *("--store", run.store, "--artefacts", "out/artefacts"),
        ),
        cwd=run.folder,
        env=site_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :]) == run.result["after"]


def test_the_code_on_the_quick_card_works(quick_run):
    """The card's example, run as it stands but for the base model's address."""
    card = (quick_run.artefacts / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    code = code.replace("sentence-transformers/all-MiniLM-L6-v2", str(quick_run.store / "minilm-demo"))
    code = code.replace("…", "The courier lost the pump.")
    done = subprocess.run(
        site_command("-c", code),
        cwd=quick_run.artefacts,
        env=site_environment() | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "delivery"
