"""The frozen words of a job: read strictly, spelled in one way, hashed."""

import copy
import dataclasses
import json

import pytest

from models_hub.specs import (
    MANIFEST_SCHEMA,
    Failure,
    JobSpec,
    Manifest,
    Method,
    Metric,
    Recipe,
    SpecError,
    canonical_json,
    headline,
)
from tests.models_hub.training.jobs import make_spec


def changed(path: str, value: object, **kind: str) -> dict:
    """A valid spec with one field replaced; the path is dotted."""
    spec = make_spec(**kind)
    *parents, last = path.split(".")
    place = spec
    for name in parents:
        place = place[name]
    place[last] = value
    return spec


@pytest.mark.parametrize(
    ("recipe", "method"),
    [("chat", "lora"), ("chat", "qlora"), ("chat", "full"), ("classify", "baseline"), ("classify", "encoder")],
)
def test_a_spec_survives_the_way_to_json_and_back(recipe, method):
    spec = JobSpec.from_json(make_spec(recipe=recipe, method=method))
    assert JobSpec.from_json(json.dumps(spec.to_json())) == spec
    assert spec.to_json() == json.loads(json.dumps(dataclasses.asdict(spec)))
    assert (spec.recipe, spec.method) == (Recipe(recipe), Method(method))


def test_the_hash_does_not_depend_on_the_order_or_the_spelling_of_numbers():
    spec = make_spec()
    other = json.loads(json.dumps(dict(reversed(spec.items()))))
    other["train"]["epochs"] = float(spec["train"]["epochs"])
    assert JobSpec.from_json(spec).spec_hash == JobSpec.from_json(other).spec_hash


def test_the_hash_changes_with_any_word():
    assert JobSpec.from_json(make_spec()).spec_hash != JobSpec.from_json(changed("seed", 7)).spec_hash


def test_the_canonical_form_is_compact_sorted_utf8():
    assert canonical_json({"b": "é", "a": [1.0, True]}) == '{"a":[1.0,true],"b":"é"}'.encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "open-paas/job-spec/2"),
        ("recipe", "poem"),
        ("method", "encoder"),
        ("name", ""),
        ("seed", -1),
        ("seed", True),
        ("seed", 1.5),
        ("base_model.id", "../secrets"),
        ("base_model.id", ".hidden"),
        ("base_model.id", "a/b"),
        ("base_model.repo", "owner/../name"),
        ("data.format", "classification"),
        ("data.labels", ["a", "b"]),
        ("data.train.name", "/etc/passwd"),
        ("data.train.name", "validation.jsonl"),
        ("data.train.sha256", "ABC"),
        ("data.train.rows", 0),
        ("train.epochs", 0),
        ("train.epochs", float("nan")),
        ("train.learning_rate", 2),
        ("train.learning_rate", "fast"),
        ("train.scheduler", "zigzag"),
        ("train.max_length", 4),
        ("train.warmup_ratio", 0.9),
        ("lora", None),
        ("lora.r", 0),
        ("lora.dropout", 1),
        ("limits.max_seconds", 0),
        ("limits.memory_gb", float("inf")),
        ("card.languages", ["en", "en"]),
        ("card.dataset_sha256", None),
        ("evaluation.samples", -1),
    ],
)
def test_a_wrong_value_is_refused_and_named(path, value):
    with pytest.raises(SpecError) as error:
        JobSpec.from_json(changed(path, value))
    assert error.value.field == path
    assert error.value.sentence.endswith(".")


@pytest.mark.parametrize("path", ["seed", "train.epochs", "data.test", "card.title"])
def test_a_missing_field_is_named(path):
    spec = make_spec()
    *parents, last = path.split(".")
    place = spec
    for name in parents:
        place = place[name]
    del place[last]
    with pytest.raises(SpecError, match="missing") as error:
        JobSpec.from_json(spec)
    assert error.value.field == path


@pytest.mark.parametrize("path", ["extra", "train.extra", "data.train.extra", "card.extra"])
def test_an_unknown_field_is_refused(path):
    with pytest.raises(SpecError, match="not part of the schema"):
        JobSpec.from_json(changed(path, 1))


def test_a_method_without_lora_refuses_lora_settings():
    with pytest.raises(SpecError, match="no LoRA settings"):
        JobSpec.from_json(changed("lora", {"r": 8, "alpha": 8, "dropout": 0}, method="full"))


def test_a_classification_needs_two_labels():
    with pytest.raises(SpecError, match="at least two labels"):
        JobSpec.from_json(changed("data.labels", ["only"], recipe="classify", method="baseline"))


@pytest.mark.parametrize("source", ["", "[]", "{", '"text"', "nul", b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(source):
    with pytest.raises(SpecError):
        JobSpec.from_json(source)


def test_every_failure_has_its_own_exit_code_a_sentence_and_a_next_step():
    codes = [failure.exit_code for failure in Failure]
    assert len(set(codes)) == len(codes)
    assert all(10 <= code < 64 for code in codes)
    assert all(failure.sentence.endswith(".") and failure.next_step.endswith(".") for failure in Failure)


@pytest.mark.parametrize("failure", list(Failure))
def test_an_exit_code_leads_back_to_its_failure(failure):
    assert Failure.from_exit_code(failure.exit_code) is failure


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (0, None),
        (137, Failure.OUT_OF_MEMORY),
        (-9, Failure.OUT_OF_MEMORY),
        (124, Failure.TIME_LIMIT),
        (1, Failure.INTERNAL),
        (-11, Failure.INTERNAL),
    ],
)
def test_other_exit_codes_are_understood_too(code, failure):
    assert Failure.from_exit_code(code) is failure


def test_metrics_know_which_way_is_better():
    assert Metric.LOSS.improved(2.0, 1.0)
    assert not Metric.LOSS.improved(1.0, 1.0)
    assert Metric.ACCURACY.improved(0.5, 0.6)
    assert headline(Recipe.CHAT) is Metric.LOSS
    assert headline(Recipe.CLASSIFY) is Metric.ACCURACY


def a_manifest() -> dict:
    return {
        "schema": MANIFEST_SCHEMA,
        "spec_hash": "a" * 64,
        "base_model": "tiny",
        "base_digest": "b" * 64,
        "files": [{"path": "adapter/adapter_model.safetensors", "sha256": "c" * 64, "bytes": 3}],
    }


def test_a_manifest_survives_the_way_to_json_and_back():
    assert Manifest.from_json(a_manifest()).to_json() == a_manifest()


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../b", "a//b", ".hidden", "a\\b", ""])
def test_a_manifest_that_points_outside_its_folder_is_refused(path):
    manifest = copy.deepcopy(a_manifest())
    manifest["files"][0]["path"] = path
    with pytest.raises(SpecError):
        Manifest.from_json(manifest)


def test_a_manifest_lists_no_file_twice():
    manifest = a_manifest()
    manifest["files"] *= 2
    with pytest.raises(SpecError, match="listed twice"):
        Manifest.from_json(manifest)
