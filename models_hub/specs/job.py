"""`JobSpec` and its parts: all that a site needs to know to run one fine-tuning job."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models_hub.specs.fields import Fields, canonical_json, decoded, plain

JOB_SPEC_SCHEMA = "open-paas/job-spec/1"
JOB_RESULT_SCHEMA = "open-paas/job-result/1"


class Recipe(StrEnum):
    CHAT = "chat"
    CLASSIFY = "classify"


class Method(StrEnum):
    LORA = "lora"
    QLORA = "qlora"
    FULL = "full"
    BASELINE = "baseline"
    ENCODER = "encoder"


METHODS: dict[Recipe, tuple[Method, ...]] = {
    Recipe.CHAT: (Method.LORA, Method.QLORA, Method.FULL),
    Recipe.CLASSIFY: (Method.BASELINE, Method.ENCODER),
}
DATA_FORMATS: dict[Recipe, str] = {Recipe.CHAT: "chat", Recipe.CLASSIFY: "classification"}
SCHEDULERS = ("cosine", "linear", "constant")
SPLITS = ("train", "validation", "test")


class Metric(StrEnum):
    """What a verdict may rest on. The headline metric of a recipe decides whether the tuned model is better."""

    LOSS = "loss"
    PERPLEXITY = "perplexity"
    EXACT_MATCH = "exact_match"
    ACCURACY = "accuracy"
    MACRO_F1 = "macro_f1"

    @property
    def higher_is_better(self) -> bool:
        return self not in (Metric.LOSS, Metric.PERPLEXITY)

    def improved(self, before: float, after: float) -> bool:
        return after > before if self.higher_is_better else after < before


METRICS: dict[Recipe, tuple[Metric, ...]] = {
    Recipe.CHAT: (Metric.LOSS, Metric.PERPLEXITY, Metric.EXACT_MATCH),
    Recipe.CLASSIFY: (Metric.ACCURACY, Metric.MACRO_F1),
}


def headline(recipe: Recipe) -> Metric:
    return METRICS[recipe][0]


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """`id` is our catalogue slug and the folder in the site's store. A revision of None takes what the store holds."""

    id: str
    revision: str | None
    repo: str | None


@dataclass(frozen=True, kw_only=True)
class Split:
    """One part of the data: a JSON Lines file, named by its digest."""

    name: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class Data:
    format: str
    labels: tuple[str, ...]
    train: Split
    validation: Split
    test: Split

    def splits(self) -> dict[str, Split]:
        return {name: getattr(self, name) for name in SPLITS}


@dataclass(frozen=True, kw_only=True)
class Train:
    """`eval_every`, `save_every` and `log_every` count optimiser steps; a patience of 0 switches early stopping off."""

    epochs: float
    learning_rate: float
    micro_batch: int
    accumulation: int
    max_length: int
    warmup_ratio: float
    scheduler: str
    patience: int
    eval_every: int
    save_every: int
    log_every: int


@dataclass(frozen=True, kw_only=True)
class Lora:
    r: int
    alpha: int
    dropout: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """`samples` rows of the test part are answered by base and tuned model, each with at most `max_new_tokens`."""

    samples: int
    max_new_tokens: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`max_seconds` counts over all resumes; `memory_gb` (1e9 bytes) is the GPU's, or without a GPU the host's."""

    gpus: int
    max_seconds: int
    memory_gb: float


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the model card must say and the site cannot know."""

    title: str
    licence_spdx: str | None
    licence_name: str
    base_name: str
    base_repo: str | None
    languages: tuple[str, ...]
    dataset_name: str
    dataset_sha256: str
    intended_use: str


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    schema: str
    recipe: Recipe
    name: str
    seed: int
    base_model: BaseModel
    method: Method
    data: Data
    train: Train
    lora: Lora | None
    evaluation: Evaluation
    limits: Limits
    card: Card

    @classmethod
    def from_json(cls, source: str | bytes | Mapping[str, Any]) -> JobSpec:
        """Read and validate a spec; raises SpecError with the first field that is wrong."""
        return _read_spec(Fields(decoded(source), ""))

    def to_json(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for `json.dump`; `from_json(spec.to_json()) == spec`."""
        found: dict[str, Any] = plain(self)
        return found

    def canonical(self) -> bytes:
        return canonical_json(self.to_json())

    @property
    def spec_hash(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()


def _read_spec(fields: Fields) -> JobSpec:
    schema = fields.choice("schema", (JOB_SPEC_SCHEMA,))
    recipe = Recipe(fields.choice("recipe", tuple(Recipe)))
    method = Method(fields.choice("method", METHODS[recipe]))
    spec = JobSpec(
        schema=schema,
        recipe=recipe,
        method=method,
        name=fields.text("name", longest=200),
        seed=fields.whole("seed", least=0, most=2**31 - 1),
        base_model=_read_base_model(fields.object("base_model")),
        data=_read_data(fields.object("data"), recipe),
        train=_read_train(fields.object("train")),
        lora=_read_lora(fields, method),
        evaluation=_read_evaluation(fields.object("evaluation")),
        limits=_read_limits(fields.object("limits")),
        card=_read_card(fields.object("card")),
    )
    fields.nothing_else()
    return spec


def _read_base_model(fields: Fields) -> BaseModel:
    model = BaseModel(
        id=fields.safe_name("id"), revision=fields.text_or_none("revision"), repo=fields.repo_or_none("repo")
    )
    fields.nothing_else()
    return model


def _read_data(fields: Fields, recipe: Recipe) -> Data:
    data = Data(
        format=fields.choice("format", (DATA_FORMATS[recipe],)),
        labels=fields.texts("labels", longest=200, most=1000),
        train=_read_split(fields.object("train")),
        validation=_read_split(fields.object("validation")),
        test=_read_split(fields.object("test")),
    )
    fields.nothing_else()
    if recipe is Recipe.CLASSIFY and len(data.labels) < 2:
        raise fields.error("labels", "A classification needs at least two labels.")
    if recipe is Recipe.CHAT and data.labels:
        raise fields.error("labels", "Chat data has no labels.")
    if len({split.name for split in data.splits().values()}) != len(SPLITS):
        raise fields.error("train.name", "The three parts of the data need three different names.")
    return data


def _read_split(fields: Fields) -> Split:
    split = Split(
        name=fields.safe_name("name"),
        sha256=fields.digest("sha256"),
        bytes=fields.whole("bytes", least=1, most=2**50),
        rows=fields.whole("rows", least=1, most=10**9),
    )
    fields.nothing_else()
    return split


def _read_train(fields: Fields) -> Train:
    train = Train(
        epochs=fields.number("epochs", above=0, most=1000),
        learning_rate=fields.number("learning_rate", above=0, most=1),
        micro_batch=fields.whole("micro_batch", least=1, most=1024),
        accumulation=fields.whole("accumulation", least=1, most=1024),
        max_length=fields.whole("max_length", least=8, most=2**20),
        warmup_ratio=fields.number("warmup_ratio", least=0, most=0.5),
        scheduler=fields.choice("scheduler", SCHEDULERS),
        patience=fields.whole("patience", least=0, most=100),
        eval_every=fields.whole("eval_every", least=1, most=10**9),
        save_every=fields.whole("save_every", least=1, most=10**9),
        log_every=fields.whole("log_every", least=1, most=10**9),
    )
    fields.nothing_else()
    return train


def _read_lora(parent: Fields, method: Method) -> Lora | None:
    if method not in (Method.LORA, Method.QLORA):
        if parent.take("lora") is not None:
            raise parent.error("lora", f"The method {method} has no LoRA settings.")
        return None
    fields = parent.object("lora")
    lora = Lora(
        r=fields.whole("r", least=1, most=1024),
        alpha=fields.whole("alpha", least=1, most=4096),
        dropout=fields.number("dropout", least=0, most=0.9),
    )
    fields.nothing_else()
    return lora


def _read_evaluation(fields: Fields) -> Evaluation:
    evaluation = Evaluation(
        samples=fields.whole("samples", least=0, most=1000),
        max_new_tokens=fields.whole("max_new_tokens", least=1, most=8192),
    )
    fields.nothing_else()
    return evaluation


def _read_limits(fields: Fields) -> Limits:
    limits = Limits(
        gpus=fields.whole("gpus", least=0, most=4096),
        max_seconds=fields.whole("max_seconds", least=1, most=366 * 86400),
        memory_gb=fields.number("memory_gb", above=0, most=100_000),
    )
    fields.nothing_else()
    return limits


def _read_card(fields: Fields) -> Card:
    card = Card(
        title=fields.text("title", longest=200),
        licence_spdx=fields.text_or_none("licence_spdx", longest=100),
        licence_name=fields.text("licence_name", longest=200),
        base_name=fields.text("base_name", longest=200),
        base_repo=fields.repo_or_none("base_repo"),
        languages=fields.texts("languages", longest=35, most=300),
        dataset_name=fields.text("dataset_name", longest=200),
        dataset_sha256=fields.digest("dataset_sha256"),
        intended_use=fields.text("intended_use", empty=True),
    )
    fields.nothing_else()
    return card
