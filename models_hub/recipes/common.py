"""What every recipe of ours does in the same way: estimate from the settings, and compile them to a spec."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

from models_hub.estimate import Estimate, estimate
from models_hub.models import DatasetPart
from models_hub.recipes import settings as good
from models_hub.recipes.base import About, Answers, Context, Variant
from models_hub.recipes.forms import DataForm, EvaluationForm, GoalForm, StepForm, TrainingForm
from models_hub.recipes.settings import Settings
from models_hub.specs import JOB_SPEC_SCHEMA, SPLITS, JobSpec, SpecError

ADVANCED = {
    "epochs": float,
    "learning_rate": float,
    "micro_batch": int,
    "accumulation": int,
    "max_length": int,
    "warmup_ratio": float,
    "scheduler": str,
    "patience": int,
    "seed": int,
    "lora_rank": int,
    "lora_alpha": int,
    "lora_dropout": float,
}


class CommonRecipe(ABC):
    """A recipe that differs from others in its variants and in where its settings start."""

    code: str
    about: About
    # What the site's runtime is to do, where that is not a recipe of the same name: a value of `specs.Recipe`.
    runs_as: ClassVar[str] = ""
    max_new_tokens: ClassVar[int] = 1
    forms: ClassVar[dict[str, type[StepForm]]] = {
        "goal": GoalForm,
        "data": DataForm,
        "training": TrainingForm,
        "evaluation": EvaluationForm,
    }

    @abstractmethod
    def variants(self) -> tuple[Variant, ...]: ...

    @abstractmethod
    def method(self, answers: Answers) -> str:
        """The method of the spec that the answers mean."""

    def effort(self, answers: Answers) -> str:
        return str(good.answered(answers, "training", "effort", "standard"))

    def rows_per_step(self, rows: int) -> int:
        """Rows that one optimiser step learns from, over all GPUs."""
        return good.rows_per_step_for(rows)

    def form(self, step: str) -> type[StepForm]:
        return self.forms[step]

    def start(self, answers: Answers, context: Context) -> Settings:
        """Our defaults before any advanced answer, with one row at a time."""
        method, effort = self.method(answers), self.effort(answers)
        longest = context.tokens.longest if context.tokens else 512
        return Settings(
            method=method,
            epochs=good.epochs_for(context.rows("train"), effort),
            learning_rate=good.learning_rate_for(method, good.parameters_of(context.model)),
            micro_batch=1,
            accumulation=1,
            max_length=good.max_length_for(longest, context.model.context if context.model else None),
            warmup_ratio=0.05,
            scheduler="cosine",
            patience=good.patience_for(effort),
            lora_rank=16,
            lora_alpha=32,
            lora_dropout=0.05,
            gpus=good.chosen_gpus(answers, context.place(answers)),
            seed=good.DEFAULT_SEED,
            samples=int(good.answered(answers, "evaluation", "samples", 10)),
            max_new_tokens=int(good.answered(answers, "evaluation", "max_new_tokens", self.max_new_tokens)),
        )

    def settings(self, answers: Answers, context: Context) -> Settings:
        given = good.overrides(answers, ADVANCED)
        batch = {name: given.pop(name) for name in ("micro_batch", "accumulation") if name in given}
        chosen = replace(self.start(answers, context), **given)
        rows = context.rows("train")
        wanted = self.rows_per_step(rows)
        place = context.place(answers)
        if "micro_batch" in batch:
            chosen = good.with_batch(chosen, batch["micro_batch"], wanted)
        elif context.ready and place:
            chosen = good.fitted(chosen, good.request_for(chosen, context, place), wanted)
        else:
            chosen = good.with_batch(chosen, 1, wanted)
        if "accumulation" in batch:
            chosen = replace(chosen, accumulation=batch["accumulation"])
        return good.paced(chosen, rows)

    def estimate(self, answers: Answers, context: Context) -> Estimate | None:
        place = context.place(answers)
        if place is None or not context.ready:
            return None
        return estimate(good.request_for(self.settings(answers, context), context, place))

    def compile(self, answers: Answers, context: Context) -> JobSpec:
        place, model, dataset = context.place(answers), context.model, context.dataset
        expected = self.estimate(answers, context)
        if place is None or model is None or dataset is None or expected is None:
            raise SpecError("", "A model, checked data and a place to run are needed first.")
        chosen = self.settings(answers, context)
        name = str(answers.get("goal", {}).get("name", "")).strip() or model.name
        spec = {
            "schema": JOB_SPEC_SCHEMA,
            "recipe": self.runs_as or self.code,
            "name": name,
            "seed": chosen.seed,
            "base_model": {"id": model.slug, "revision": place.revision or None, "repo": model.hf_repo or None},
            "method": chosen.method,
            "data": {
                "format": dataset.kind,
                "labels": list(dataset.labels),
                **{part: _split(context.parts[part]) for part in SPLITS},
            },
            "train": {
                "epochs": chosen.epochs,
                "learning_rate": chosen.learning_rate,
                "micro_batch": chosen.micro_batch,
                "accumulation": chosen.accumulation,
                "max_length": chosen.max_length,
                "warmup_ratio": chosen.warmup_ratio,
                "scheduler": chosen.scheduler,
                "patience": chosen.patience,
                "eval_every": chosen.eval_every,
                "save_every": chosen.save_every,
                "log_every": chosen.log_every,
            },
            "lora": {"r": chosen.lora_rank, "alpha": chosen.lora_alpha, "dropout": chosen.lora_dropout}
            if chosen.has_lora
            else None,
            "evaluation": {"samples": chosen.samples, "max_new_tokens": chosen.max_new_tokens},
            "limits": {
                "gpus": chosen.gpus,
                "max_seconds": good.seconds_limit(expected.seconds.high, chosen, place),
                "memory_gb": float(place.partition.gpu_memory_gb),
            },
            "card": {
                "title": name,
                "licence_spdx": model.licence_spdx or None,
                "licence_name": (model.licence_words or model.licence_spdx)[:200],
                "base_name": model.name,
                "base_repo": model.hf_repo or None,
                "languages": sorted(set(model.languages)),
                "dataset_name": dataset.name,
                "dataset_sha256": dataset.digest,
                "intended_use": str(answers.get("evaluation", {}).get("intended_use", "")),
            },
        }
        return JobSpec.from_json(spec)


def _split(part: DatasetPart) -> dict[str, object]:
    return {"name": f"{part.name}.jsonl", "sha256": part.sha256, "bytes": part.bytes, "rows": part.rows}
