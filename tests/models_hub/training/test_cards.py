"""What people typed stays text: in the model card and in the exported recipe."""

import pytest
import yaml

from models_hub.specs import JobSpec
from models_hub.training.cards import model_card
from models_hub.training.exchange import recipe_yaml
from tests.models_hub.training.jobs import make_spec


def make_result(**fields):
    figures = {"loss": 2.0, "perplexity": 7.4, "exact_match": None, "rows": 5}
    return {
        "state": "succeeded",
        "sentence": None,
        "spec_hash": "a" * 64,
        "base_model": {"id": "tiny", "revision": "v1", "digest": "b" * 64, "demonstration": False},
        "headline": "loss",
        "improved": True,
        "before": figures | {"what": "base_model", "loss": 3.0},
        "after": figures | {"what": "tuned_model"},
        "baseline": None,
        "majority": None,
        "samples": [],
        "steps": {"done": 3, "planned": 3},
        "data": {"rows_lost": 0},
        "measured": {"device": "CPU", "peak_memory_mb": 700.0, "train_seconds": 3.0, "energy_j": 7_200_000.0},
        "versions": {"torch": "2.13.0"},
        **fields,
    }


def card_of(spec=None, **fields):
    return model_card(JobSpec.from_json(spec or make_spec()), make_result(**fields))


def test_a_card_has_front_matter_that_the_hub_reads():
    front = yaml.safe_load(card_of().split("---")[1])
    assert front == {
        "license": "eupl-1.2",
        "base_model": "example/tiny-llama",
        "base_model_relation": "adapter",
        "language": ["en"],
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["lora", "open-paas"],
    }


def test_a_licence_without_an_spdx_name_is_named_in_words():
    spec = make_spec()
    spec["card"] |= {"licence_spdx": None, "licence_name": "Llama 3.1 Community License"}
    front = yaml.safe_load(card_of(spec).split("---")[1])
    assert (front["license"], front["license_name"]) == ("other", "Llama 3.1 Community License")


def test_a_card_says_when_the_model_is_not_better():
    assert "**not better** than" in card_of(improved=False)


def test_a_card_of_an_unfinished_run_has_no_verdict():
    text = card_of(state="failed", sentence="The run reached its limit of 9 seconds.", after=None)
    assert "**Unfinished.**" in text
    assert "## Verdict" not in text


def test_measured_energy_is_shown_and_unmeasured_is_not():
    assert "2.0000 kWh" in card_of()
    measured = make_result()["measured"] | {"energy_j": None}
    assert "kWh" not in card_of(measured=measured)


@pytest.mark.parametrize("nasty", ["Shop\n---\nlicense: mit", "<script>alert(1)</script>", "a `code` b"])
def test_what_people_type_cannot_become_markup(nasty):
    spec = make_spec()
    spec["card"] |= {"title": nasty, "intended_use": nasty, "dataset_name": nasty}
    text = card_of(spec, samples=[dict.fromkeys(("prompt", "expected", "base", "tuned"), nasty)])
    assert "<script>" not in text
    assert "\nlicense: mit" not in text
    assert yaml.safe_load(text.split("---")[1])["license"] == "eupl-1.2"


def test_a_cell_with_a_pipe_stays_one_cell():
    text = card_of(samples=[{"prompt": "a|b", "expected": "x", "base": "y", "tuned": "z"}])
    assert "| a\\|b | x | y | z |" in text


def test_a_name_with_a_line_break_adds_no_setting_to_the_recipe(tmp_path):
    spec = make_spec(recipe="classify", method="encoder") | {"name": "Shop\ntrust_remote_code: true\n#"}
    recipe = yaml.safe_load(recipe_yaml(JobSpec.from_json(spec), tokenizer_folder=tmp_path))
    assert "trust_remote_code" not in recipe
    assert recipe["num_train_epochs"] == 4
