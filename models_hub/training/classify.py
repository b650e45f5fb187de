"""Text classification: quick on frozen embeddings, or by fine-tuning the encoder.

Both begin alike: the majority answer and a logistic regression on the base model's frozen embeddings are measured on
the test part. For the quick method the regression is the product; for the encoder it is the bar that training must
clear.
"""

from __future__ import annotations

from typing import Any

from models_hub.specs import Failure, Method
from models_hub.training import checkpoints
from models_hub.training.baseline import (
    EMBED_ROWS,
    Baseline,
    Texts,
    deliver_baseline,
    figures_of,
    measure_baseline,
    texts_of,
)
from models_hub.training.chat import model_facts, remove_stubs
from models_hub.training.context import Context, Outcome
from models_hub.training.evaluation import classification_metrics, in_batches
from models_hub.training.failures import JobFailed


def train_classifier(context: Context) -> Outcome:
    from transformers import AutoTokenizer, set_seed

    spec, events = context.spec, context.events
    set_seed(spec.seed)
    parts = {part: texts_of(context, part) for part in ("train", "validation", "test")}
    tokenizer = AutoTokenizer.from_pretrained(context.model.path, trust_remote_code=False, local_files_only=True)
    _fits(context, tokenizer)
    outcome = Outcome()
    lengths = [
        len(ids) for batch in in_batches(parts["train"].texts, 1000) for ids in tokenizer(list(batch))["input_ids"]
    ]
    tokens = sum(min(length, spec.train.max_length) for length in lengths)
    outcome.data = {
        "train_rows": len(parts["train"].texts),
        "rows_used": len(parts["train"].texts),
        "rows_lost": 0,
        "rows_cut": sum(length > spec.train.max_length for length in lengths),
        "supervised_tokens": 0,
        "tokens": tokens,
        "validation_rows": len(parts["validation"].texts),
        "test_rows": len(parts["test"].texts),
    }
    events.write("data", **outcome.data)
    baseline = measure_baseline(context, tokenizer, parts, outcome)
    outcome.majority, outcome.baseline = baseline.majority, baseline.figures
    if spec.method is Method.BASELINE:
        deliver_baseline(context, tokenizer, baseline)
        outcome.before, outcome.after, outcome.tokens = baseline.majority, baseline.figures, tokens
        outcome.samples = _samples(
            context, parts["test"], [baseline.majority_answer] * len(baseline.answers), baseline.answers
        )
        return outcome
    outcome.before = baseline.figures
    _train_encoder(context, tokenizer, parts, outcome, baseline=baseline)
    return outcome


def _fits(context: Context, tokenizer: Any) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(context.model.path, local_files_only=True)
    longest = min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", None) or 10**9)
    if context.spec.train.max_length > longest:
        raise JobFailed(
            Failure.INVALID_SPEC,
            f"The maximum length of {context.spec.train.max_length} tokens is more than the {longest} "
            f"that {context.model.id} can read.",
        )


def _train_encoder(
    context: Context, tokenizer: Any, parts: dict[str, Texts], outcome: Outcome, *, baseline: Baseline
) -> None:
    import torch
    from datasets import Dataset
    from transformers import (
        AutoModelForSequenceClassification,
        DataCollatorWithPadding,
        PrinterCallback,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    from models_hub.training.delivery import fresh_folder
    from models_hub.training.tuning import Reporter, planned_steps, trainer_settings

    spec, events = context.spec, context.events
    labels = spec.data.labels

    def encoded(part: Texts) -> Any:
        tokens = tokenizer(part.texts, truncation=True, max_length=spec.train.max_length)
        return Dataset.from_dict({**tokens, "labels": part.truth})

    def judged(prediction: Any) -> dict[str, float]:
        answers = prediction.predictions.argmax(-1).tolist()
        figures = classification_metrics(truth=prediction.label_ids.tolist(), answers=answers, labels=len(labels))
        return {"accuracy": figures["accuracy"], "macro_f1": figures["macro_f1"]}

    set_seed(spec.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        context.model.path,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
    )
    resume = checkpoints.latest(context.work, spec_hash=spec.spec_hash)
    reporter = Reporter(
        context=context,
        resumed_from=checkpoints.step_of(resume) if resume else None,
        best_metric="eval_macro_f1",
        greater_is_better=True,
        tokens_per_epoch=outcome.data["tokens"],
    )
    rows = len(parts["train"].texts)
    settings = trainer_settings(context, rows=rows, best="eval_macro_f1", greater_is_better=True)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(**settings),
        train_dataset=encoded(parts["train"]),
        eval_dataset=encoded(parts["validation"]),
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=judged,
        callbacks=[reporter],
    )
    trainer.remove_callback(PrinterCallback)
    events.write("model", **model_facts(context, trainer.model))
    started = events.elapsed
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    outcome.train_seconds = events.elapsed - started
    outcome.steps = reporter.outcome(trainer.state, planned=planned_steps(spec.train, rows))
    outcome.tokens = reporter.tokens_seen
    outcome.stopped, outcome.timed_out = reporter.stopped, reporter.timed_out

    folder = fresh_folder(context, "model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    remove_stubs(folder)
    if outcome.stopped or outcome.timed_out:
        return
    events.state("evaluating_after")
    answers = predict(context, model, tokenizer, parts["test"].texts)
    outcome.after = figures_of("tuned_model", parts["test"].truth, answers, labels)
    events.write("evaluation", phase="after", metrics=outcome.after)
    outcome.samples = _samples(context, parts["test"], baseline.answers, answers)


def predict(context: Context, model: Any, tokenizer: Any, texts: list[str]) -> list[int]:
    import torch

    model.eval()
    answers: list[int] = []
    for batch in in_batches(texts, EMBED_ROWS):
        context.guard.check()
        tokens = tokenizer(
            list(batch), padding=True, truncation=True, max_length=context.spec.train.max_length, return_tensors="pt"
        ).to(model.device)
        with torch.no_grad():
            answers += model(**tokens).logits.argmax(-1).tolist()
    return answers


def _samples(context: Context, test: Texts, base: list[int], tuned: list[int]) -> list[dict[str, str]]:
    labels = context.spec.data.labels
    picked = range(min(context.spec.evaluation.samples, len(test.texts)))
    return [
        {
            "prompt": test.texts[row],
            "expected": labels[test.truth[row]],
            "base": labels[base[row]],
            "tuned": labels[tuned[row]],
        }
        for row in picked
    ]
