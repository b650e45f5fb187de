"""What classification reaches without fine-tuning: the majority answer, and a regression on frozen embeddings.

For the quick method the regression is the product; for the encoder it is the bar that training must clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models_hub.specs import Method
from models_hub.training import logistic
from models_hub.training.chat import model_facts
from models_hub.training.context import Context, Outcome
from models_hub.training.evaluation import classification_metrics, in_batches
from models_hub.training.files import write_json

EMBED_ROWS = 32


@dataclass(frozen=True, kw_only=True)
class Texts:
    """One part of the data in memory: texts and the numbers of their labels."""

    texts: list[str]
    truth: list[int]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What one gets without fine-tuning: both verdicts on the test part, and the regression's answers."""

    majority: dict[str, Any]
    figures: dict[str, Any]
    answers: list[int]
    majority_answer: int
    head: logistic.Linear | None


def texts_of(context: Context, part: str) -> Texts:
    number = {label: index for index, label in enumerate(context.spec.data.labels)}
    texts, truth = [], []
    for row in context.rows(part):
        texts.append(row["text"])
        truth.append(number[row["label"]])
    return Texts(texts=texts, truth=truth)


def embed(context: Context, model: Any, tokenizer: Any, texts: list[str]) -> Any:
    """Mean of the last hidden states over the real tokens, scaled to length one: rows × width, float32."""
    import torch

    model.eval()
    found = []
    for batch in in_batches(texts, EMBED_ROWS):
        context.guard.check()
        if not context.device.is_gpu:
            context.guard.check_memory(context.device.peak_memory_mb())
        tokens = tokenizer(
            list(batch), padding=True, truncation=True, max_length=context.spec.train.max_length, return_tensors="pt"
        ).to(model.device)
        with torch.no_grad():
            hidden = model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        found.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).float())
    return torch.cat(found)


def load_encoder(context: Context) -> Any:
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(
        context.model.path, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
    )
    return model.to(context.device.kind)


def measure_baseline(context: Context, tokenizer: Any, parts: dict[str, Texts], outcome: Outcome) -> Baseline:
    known = context.recall("baseline")
    if known is not None and context.spec.method is Method.ENCODER:
        return Baseline(**known, head=None)
    spec, events = context.spec, context.events
    is_product = spec.method is Method.BASELINE
    events.state("running" if is_product else "evaluating_before")
    started = events.elapsed
    model = load_encoder(context)
    if is_product:
        facts = model_facts(context, model)
        width, labels = model.config.hidden_size, len(spec.data.labels)
        events.write("model", **(facts | {"trainable": (width + 1) * labels}))
        events.write("progress", step=0, steps=len(logistic.STRENGTHS), epoch=0.0, epochs=1.0, resumed_from=None)
    features = {part: embed(context, model, tokenizer, parts[part].texts) for part in parts}
    del model
    head = logistic.fit_best(
        features["train"],
        parts["train"].truth,
        labels=len(spec.data.labels),
        judge=_judge(context, features["validation"], parts["validation"].truth, report=is_product),
    )
    train, test = parts["train"].truth, parts["test"].truth
    most = max(range(len(spec.data.labels)), key=train.count)
    baseline = Baseline(
        majority=figures_of("majority_class", test, [most] * len(test), spec.data.labels),
        figures=figures_of("frozen_baseline", test, head.answers(features["test"]), spec.data.labels),
        answers=head.answers(features["test"]),
        majority_answer=most,
        head=head,
    )
    events.write("evaluation", phase="majority", metrics=baseline.majority)
    events.write("evaluation", phase="baseline", metrics=baseline.figures)
    if is_product:
        steps = len(logistic.STRENGTHS)
        outcome.steps = {"done": steps, "planned": steps, "best": None, "stopped_early": False}
        outcome.train_seconds = events.elapsed - started
    else:
        keep = ("majority", "figures", "answers", "majority_answer")
        context.remember("baseline", {name: getattr(baseline, name) for name in keep})
    return baseline


def _judge(context: Context, features: Any, truth: list[int], *, report: bool) -> Any:
    """Macro F1 on the validation part; for the quick method each try is a point of its curve."""
    tried = 0

    def judge(candidate: logistic.Linear) -> float:
        nonlocal tried
        tried += 1
        context.guard.check()
        figures = classification_metrics(
            truth=truth, answers=candidate.answers(features), labels=len(context.spec.data.labels)
        )
        if report:
            context.events.write(
                "metrics",
                step=tried,
                steps=len(logistic.STRENGTHS),
                epoch=round(tried / len(logistic.STRENGTHS), 3),
                eta_seconds=None,
                memory_mb=context.device.peak_memory_mb(),
                validation_accuracy=figures["accuracy"],
                validation_macro_f1=figures["macro_f1"],
            )
        return float(figures["macro_f1"])

    return judge


def figures_of(what: str, truth: list[int], answers: list[int], labels: tuple[str, ...]) -> dict[str, Any]:
    return {"what": what} | classification_metrics(truth=truth, answers=answers, labels=len(labels))


def deliver_baseline(context: Context, tokenizer: Any, baseline: Baseline) -> None:
    from safetensors.torch import save_file

    from models_hub.training.delivery import fresh_folder

    assert baseline.head is not None
    folder = fresh_folder(context, "model")
    save_file(
        {
            "weight": baseline.head.weight.float().cpu().contiguous(),
            "bias": baseline.head.bias.float().cpu().contiguous(),
        },
        folder / "classifier.safetensors",
    )
    base = context.spec.base_model
    write_json(
        folder / "classifier.json",
        {
            "labels": list(context.spec.data.labels),
            "pooling": "mean",
            "normalised": True,
            "max_length": context.spec.train.max_length,
            "strength": baseline.head.strength,
            "base_model": {"id": base.id, "repo": base.repo, "digest": context.model.digest},
        },
    )
    tokenizer.save_pretrained(folder)
