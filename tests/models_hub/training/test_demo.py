"""The demonstration store: complete, labelled, the same from the same seed."""

import subprocess

import pytest

from models_hub.training.cli import main
from models_hub.training.demo.corpus import phrases
from models_hub.training.store import Store
from tests.models_hub.training.conftest import PATIENCE, site_command, site_environment


def test_the_phrases_cover_the_official_languages_line_by_line():
    lines = phrases()
    assert len(lines) == 24
    assert {len(each) for each in lines.values()} == {6}


@pytest.mark.training
def test_both_models_are_sealed_and_labelled(store):
    models = {model.id: model for model in Store(store).models()}
    assert {name: model.kind for name, model in models.items()} == {"minilm-demo": "encoder", "tiny-llama-demo": "chat"}
    assert all(model.demonstration and model.revision == "demo-1" for model in models.values())
    assert all("DEMONSTRATION" in (model.path / "README.md").read_text() for model in models.values())
    assert main(["store", "check", "--store", str(store)]) == 0


@pytest.mark.training
def test_the_same_seed_makes_the_same_llama(store, tmp_path):
    subprocess.run(
        site_command("-m", "models_hub.training", "store", "demo", "--store", tmp_path / "again", "--quick"),
        env=site_environment(),
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    once, again = (Store(folder).read("tiny-llama-demo") for folder in (store, tmp_path / "again"))
    assert once.digest == again.digest


@pytest.mark.training
def test_a_full_store_is_left_alone(store, capsys):
    before = (store / "tiny-llama-demo" / "store.json").stat().st_mtime_ns
    assert main(["store", "demo", "--store", str(store), "--quick"]) == 0
    assert "there already" in capsys.readouterr().out
    assert (store / "tiny-llama-demo" / "store.json").stat().st_mtime_ns == before
