"""Delivered artefacts, loaded as anyone would load them and measured on the test part once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models_hub.specs import Failure, JobSpec, Method, Recipe
from models_hub.training.baseline import embed, load_encoder, texts_of
from models_hub.training.chat import load_model, make_speaker, tokens_of
from models_hub.training.classify import predict
from models_hub.training.context import Context
from models_hub.training.device import EnergyMeter, choose_device
from models_hub.training.evaluation import classification_metrics
from models_hub.training.events import Events
from models_hub.training.failures import JobFailed
from models_hub.training.files import read_json
from models_hub.training.guard import Guard
from models_hub.training.logistic import Linear
from models_hub.training.manifest import problems
from models_hub.training.store import Store


def measure(*, spec: JobSpec, data: Path, store: Store, artefacts: Path, scratch: Path) -> dict[str, Any]:
    found = problems(artefacts)
    if found:
        raise JobFailed(
            Failure.DATA_MISMATCH, "The artefacts are not those of their manifest.", detail="\n".join(found)
        )
    model = store.fetch_for_job(spec.base_model)
    events = Events(scratch / "events.jsonl")
    device = choose_device(spec.limits)
    context = Context(
        spec=spec,
        data=data,
        out=scratch,
        model=model,
        device=device,
        energy=EnergyMeter(device),
        events=events,
        guard=Guard(out=scratch, limits=spec.limits, events=events),
    )
    measured = _chat if spec.recipe is Recipe.CHAT else _classification
    return measured(context, artefacts)


def _chat(context: Context, artefacts: Path) -> dict[str, Any]:
    from peft import PeftModel

    if context.spec.method is Method.FULL:
        model = load_model(context, artefacts / "model")
    else:
        model = PeftModel.from_pretrained(load_model(context), str(artefacts / "adapter"))
    speaker = make_speaker(context, model)
    test, _ = tokens_of(context, speaker.renderer, "test")
    figures, _ = speaker.judge(context, model, test, what="tuned_model")
    return figures


def _classification(context: Context, artefacts: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    test = texts_of(context, "test")
    tokenizer = AutoTokenizer.from_pretrained(artefacts / "model", local_files_only=True)
    if context.spec.method is Method.ENCODER:
        model = AutoModelForSequenceClassification.from_pretrained(
            artefacts / "model", use_safetensors=True, local_files_only=True
        ).to(context.device.kind)
        what, answers = "tuned_model", predict(context, model, tokenizer, test.texts)
    else:
        weights = load_file(artefacts / "model" / "classifier.safetensors")
        strength = read_json(artefacts / "model" / "classifier.json")["strength"]
        head = Linear(weight=weights["weight"].double(), bias=weights["bias"].double(), strength=strength)
        features = embed(context, load_encoder(context), tokenizer, test.texts)
        what, answers = "frozen_baseline", head.answers(features.to(torch.float64).cpu())
    figures = classification_metrics(truth=test.truth, answers=answers, labels=len(context.spec.data.labels))
    return {"what": what} | figures
