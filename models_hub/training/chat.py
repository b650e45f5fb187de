"""A chat model by LoRA, QLoRA or full tuning, with TRL's SFTTrainer and PEFT.

Rows are rendered, masked and cut by `rendering`, so that what is trained is what the portal announced; the trainer gets
finished tokens and labels and prepares nothing itself.
"""

from __future__ import annotations

import gc
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models_hub.specs import Failure, Method
from models_hub.training import checkpoints
from models_hub.training.context import Context, Outcome
from models_hub.training.device import can_quantise
from models_hub.training.evaluation import greedy_answers, perplexity, supervised_loss
from models_hub.training.failures import JobFailed
from models_hub.training.rendering import Messages, Renderer
from models_hub.training.store import StoredModel


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A model with all that is needed to judge its answers."""

    tokenizer: Any
    renderer: Renderer
    stop_ids: set[int]
    context_length: int

    def judge(self, context: Context, model: Any, test: Any, *, what: str) -> tuple[dict[str, Any], list[str]]:
        """Loss over the whole test part, greedy answers to its first rows."""
        spec = context.spec
        loss = supervised_loss(
            model, test, batch=spec.train.micro_batch, pad_id=self.tokenizer.pad_token_id, guard=context.guard
        )
        if not math.isfinite(loss):
            raise JobFailed(
                Failure.DIVERGED, f"On the test part the loss of the {what.replace('_', ' ')} is no number."
            )
        asked = first_conversations(context)
        answers = greedy_answers(
            model,
            self.tokenizer,
            self.renderer,
            asked,
            max_new_tokens=spec.evaluation.max_new_tokens,
            context_length=self.context_length,
            stop_ids=self.stop_ids,
            guard=context.guard,
        )
        right = sum(answer == turns[-1]["content"].strip() for answer, turns in zip(answers, asked, strict=True))
        figures: dict[str, Any] = {"what": what, "loss": loss, "perplexity": perplexity(loss)}
        figures |= {"exact_match": right / len(asked) if asked else None, "rows": len(test), "answered": len(asked)}
        return figures, answers


def first_conversations(context: Context) -> list[Messages]:
    wanted = context.spec.evaluation.samples
    return [row["messages"] for row, _ in zip(context.rows("test"), range(wanted), strict=False)]


def load_tokenizer(model: StoredModel) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model.path, trust_remote_code=False, local_files_only=True)
    if not tokenizer.chat_template:
        raise JobFailed(
            Failure.MODEL_MISSING,
            f"{model.id} has no chat template: it was not made for conversations. Choose its instruct version.",
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(context: Context, path: Path | None = None) -> Any:
    """The base model in the precision that the method wants. Only safetensors, never code from the model's folder."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    method, device = context.spec.method, context.device
    dtype = torch.bfloat16 if device.bf16 and method is not Method.FULL else torch.float32
    quantisation = None
    if method is Method.QLORA:
        if not can_quantise():
            raise JobFailed(Failure.INVALID_SPEC, "This site cannot train with QLoRA: bitsandbytes is not installed.")
        quantisation = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
        )
    return AutoModelForCausalLM.from_pretrained(
        path or context.model.path,
        dtype=dtype,
        quantization_config=quantisation,
        device_map={"": 0} if device.is_gpu else None,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
    )


def make_speaker(context: Context, model: Any) -> Speaker:
    tokenizer = load_tokenizer(context.model)
    context_length = getattr(model.config, "max_position_embeddings", None) or context.spec.train.max_length
    if context.spec.train.max_length > context_length:
        raise JobFailed(
            Failure.INVALID_SPEC,
            f"The maximum length of {context.spec.train.max_length} tokens is more than the {context_length} "
            f"that {context.model.id} can read.",
        )
    stop_ids = _stop_ids(tokenizer, model)
    renderer = Renderer(tokenizer, max_length=context.spec.train.max_length, stop_ids=stop_ids)
    return Speaker(tokenizer=tokenizer, renderer=renderer, stop_ids=stop_ids, context_length=context_length)


def _stop_ids(tokenizer: Any, model: Any) -> set[int]:
    configured = model.generation_config.eos_token_id
    configured = configured if isinstance(configured, list) else [configured]
    return {token for token in [tokenizer.eos_token_id, *configured] if token is not None}


def tokens_of(context: Context, renderer: Renderer, part: str) -> tuple[Any, dict[str, int]]:
    """One part as a memory-mapped data set of tokens and labels, and what was counted on the way."""
    from datasets import Dataset, Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    file = context.work / "cache" / f"{part}.arrow"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    counts = {"rows": 0, "used": 0, "lost": 0, "cut": 0, "tokens": 0, "supervised": 0}
    features = Features({"input_ids": List(Value("int32")), "labels": List(Value("int32"))})
    with ArrowWriter(path=str(file), features=features) as writer:
        for row in context.rows(part):
            rendered = renderer.render(row["messages"])
            counts["rows"] += 1
            counts["cut"] += rendered.cut
            if not rendered.supervised:
                counts["lost"] += 1
                continue
            counts["used"] += 1
            counts["tokens"] += len(rendered.input_ids)
            counts["supervised"] += rendered.supervised
            writer.write({"input_ids": rendered.input_ids, "labels": rendered.labels})
        if counts["used"]:
            writer.finalize()
    if not counts["used"]:
        raise JobFailed(
            Failure.BAD_DATA_ROW,
            f"At {context.spec.train.max_length} tokens a row, no row of the {part} part keeps any of its answer. "
            "Choose a greater maximum length or shorten the prompts.",
            file=context.spec.data.splits()[part].name,
        )
    return Dataset.from_file(str(file)), counts


def train_chat(context: Context) -> Outcome:
    from transformers import PrinterCallback, set_seed
    from trl import SFTConfig, SFTTrainer

    from models_hub.training.tuning import Reporter, planned_steps, trainer_settings

    spec, events = context.spec, context.events
    outcome = Outcome()
    set_seed(spec.seed)
    model = load_model(context)
    speaker = make_speaker(context, model)
    train, counts = tokens_of(context, speaker.renderer, "train")
    validation, _ = tokens_of(context, speaker.renderer, "validation")
    test, _ = tokens_of(context, speaker.renderer, "test")
    outcome.data = data_counts(counts, validation_rows=len(validation), test_rows=len(test))
    events.write("data", **outcome.data)

    outcome.before, base_answers = _before(context, speaker, model, test)
    set_seed(spec.seed)  # measuring "before" must not change what training draws
    settings = trainer_settings(context, rows=len(train), best="eval_loss", greater_is_better=False)
    resume = checkpoints.latest(context.work, spec_hash=spec.spec_hash)
    reporter = Reporter(
        context=context,
        resumed_from=checkpoints.step_of(resume) if resume else None,
        best_metric="eval_loss",
        greater_is_better=False,
        tokens_per_epoch=counts["tokens"],
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **settings, max_length=spec.train.max_length, packing=False, dataset_kwargs={"skip_prepare_dataset": True}
        ),
        train_dataset=train,
        eval_dataset=validation,
        processing_class=speaker.tokenizer,
        peft_config=_lora(context),
        callbacks=[reporter],
    )
    trainer.remove_callback(PrinterCallback)
    events.write("model", **model_facts(context, trainer.model))
    training_from = events.elapsed
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    outcome.train_seconds = events.elapsed - training_from
    outcome.steps = reporter.outcome(trainer.state, planned=planned_steps(spec.train, len(train)))
    outcome.tokens = reporter.tokens_seen
    outcome.stopped, outcome.timed_out = reporter.stopped, reporter.timed_out

    tuned = trainer.model
    if spec.method is Method.FULL:
        tuned = _as_delivered(context, tuned)
    _export(context, tuned, speaker.tokenizer)
    if not outcome.stopped and not outcome.timed_out:
        events.state("evaluating_after")
        outcome.after, tuned_answers = speaker.judge(context, tuned, test, what="tuned_model")
        events.write("evaluation", phase="after", metrics=outcome.after)
        outcome.samples = side_by_side(context, base_answers, tuned_answers)
    del trainer, tuned, model
    gc.collect()
    return outcome


def _before(context: Context, speaker: Speaker, model: Any, test: Any) -> tuple[dict[str, Any], list[str]]:
    known = context.recall("before")
    if known is None:
        context.events.state("evaluating_before")
        figures, answers = speaker.judge(context, model, test, what="base_model")
        context.events.write("evaluation", phase="before", metrics=figures)
        known = {"figures": figures, "answers": answers}
        context.remember("before", known)
    return known["figures"], known["answers"]


def side_by_side(context: Context, base: list[str], tuned: list[str]) -> list[dict[str, str]]:
    return [
        {
            "prompt": next((turn["content"] for turn in reversed(turns[:-1]) if turn["role"] == "user"), ""),
            "expected": turns[-1]["content"],
            "base": before,
            "tuned": after,
        }
        for turns, before, after in zip(first_conversations(context), base, tuned, strict=True)
    ]


def data_counts(counts: dict[str, int], *, validation_rows: int, test_rows: int) -> dict[str, int]:
    return {
        "train_rows": counts["rows"],
        "rows_used": counts["used"],
        "rows_lost": counts["lost"],
        "rows_cut": counts["cut"],
        "supervised_tokens": counts["supervised"],
        "tokens": counts["tokens"],
        "validation_rows": validation_rows,
        "test_rows": test_rows,
    }


def model_facts(context: Context, model: Any) -> dict[str, Any]:
    stored = context.model
    return {
        "id": stored.id,
        "revision": stored.revision,
        "digest": stored.digest,
        "demonstration": stored.demonstration,
        "parameters": sum(weights.numel() for weights in model.parameters()),
        "trainable": sum(weights.numel() for weights in model.parameters() if weights.requires_grad),
    }


def _lora(context: Context) -> Any:
    from peft import LoraConfig

    lora = context.spec.lora
    if lora is None:
        return None
    return LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def _as_delivered(context: Context, model: Any) -> Any:
    """Full tuning on a GPU keeps float32 weights; what is judged and delivered has the base model's own precision."""
    import torch
    from transformers import AutoConfig

    dtype = AutoConfig.from_pretrained(context.model.path, local_files_only=True).dtype or torch.float32
    return model.to(dtype) if context.device.is_gpu else model


def _export(context: Context, model: Any, tokenizer: Any) -> None:
    from models_hub.training.delivery import fresh_folder

    folder = fresh_folder(context, "model" if context.spec.lora is None else "adapter")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    remove_stubs(folder)


def remove_stubs(folder: Path) -> None:
    """The libraries leave a card of placeholders behind; ours takes its place."""
    for stub in folder.glob("README.md"):
        stub.unlink()
    shutil.rmtree(folder / ".cache", ignore_errors=True)
