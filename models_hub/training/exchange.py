"""The same training in the words of the tools that others use: nothing that we make can only be made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from models_hub.specs import JobSpec, Method, Recipe


def recipe_yaml(spec: JobSpec, *, tokenizer_folder: Path) -> str | None:
    """`recipe.yaml`; None for the quick classification, which has no counterpart elsewhere."""
    if spec.recipe is Recipe.CHAT:
        return _sft(spec, tokenizer_folder)
    if spec.method is Method.ENCODER:
        return _arguments(spec)
    return None


def _one_line(text: str) -> str:
    """A name that people typed stays inside its comment."""
    return " ".join(text.split())


def _shared(spec: JobSpec) -> dict[str, Any]:
    train = spec.train
    settings: dict[str, Any] = {
        "output_dir": "output",
        "seed": spec.seed,
        "data_seed": spec.seed,
        "num_train_epochs": train.epochs,
        "learning_rate": train.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if train.scheduler == "constant" else train.scheduler,
        "warmup_steps": train.warmup_ratio,
        "per_device_train_batch_size": train.micro_batch,
        "per_device_eval_batch_size": train.micro_batch,
        "gradient_accumulation_steps": train.accumulation,
        "eval_strategy": "steps",
        "eval_steps": train.eval_every,
        "save_strategy": "steps",
        "save_steps": train.eval_every if train.patience else train.save_every,
        "save_total_limit": 2,
        "logging_steps": train.log_every,
        "report_to": "none",
        # On a machine with a GPU set bf16 and gradient_checkpointing to true and use_cpu to false.
        "bf16": False,
        "use_cpu": True,
        "gradient_checkpointing": False,
    }
    if spec.train.patience:
        best = "eval_loss" if spec.recipe is Recipe.CHAT else "eval_macro_f1"
        settings |= {
            "load_best_model_at_end": True,
            "metric_for_best_model": best,
            "greater_is_better": best != "eval_loss",
        }
    return settings


def _sft(spec: JobSpec, tokenizer_folder: Path) -> str:
    settings: dict[str, Any] = {
        "model_name_or_path": spec.base_model.repo or spec.card.base_repo or f"path/to/{spec.base_model.id}",
        "dtype": "float32" if spec.method is Method.FULL else "auto",
        "dataset_name": "data",
        "dataset_train_split": "train",
        "dataset_test_split": "validation",
        "max_length": spec.train.max_length,
        "assistant_only_loss": _can_mask(tokenizer_folder),
        "packing": False,
    }
    if spec.lora:
        settings |= {
            "use_peft": True,
            "lora_r": spec.lora.r,
            "lora_alpha": spec.lora.alpha,
            "lora_dropout": spec.lora.dropout,
            "lora_target_modules": "all-linear",
        }
    if spec.method is Method.QLORA:
        settings |= {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "use_bnb_nested_quant": True}
    head = (
        f"# {_one_line(spec.name)}: the same training with TRL, anywhere.\n"
        "#   trl sft --config recipe.yaml\n"
        "# The folder data/ holds train.jsonl and validation.jsonl, one conversation a line.\n"
        + (
            f"# Early stopping after {spec.train.patience} evaluations without progress is not part of TRL's command.\n"
            if spec.train.patience
            else ""
        )
        + "# On a GPU: bf16 and gradient_checkpointing true, use_cpu false.\n"
    )
    return head + yaml.safe_dump(settings | _shared(spec), sort_keys=False, allow_unicode=True)


def _can_mask(tokenizer_folder: Path) -> bool:
    """Whether TRL itself can tell the assistant's part of this chat template from the rest."""
    from transformers import AutoTokenizer
    from trl.chat_template_utils import get_training_chat_template

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    if "{% generation" in (tokenizer.chat_template or ""):
        return True
    try:
        get_training_chat_template(tokenizer)
    except (ValueError, TypeError):
        return False
    return True


def _arguments(spec: JobSpec) -> str:
    head = (
        f"# {_one_line(spec.name)}: the settings of this training as transformers' TrainingArguments.\n"
        '# Read them with HfArgumentParser(TrainingArguments).parse_yaml_file("recipe.yaml").\n'
        f"# Base model {spec.base_model.repo or spec.base_model.id}, texts cut at {spec.train.max_length} tokens,\n"
        f"# early stopping after {spec.train.patience} evaluations without progress.\n"
    )
    return head + yaml.safe_dump(_shared(spec), sort_keys=False, allow_unicode=True)
