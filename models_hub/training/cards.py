"""The model card: what the model is, what it came from, how it was judged, what it must not be used for.

Written by us in full; the libraries' cards hold placeholders and local paths.
"""

from __future__ import annotations

from typing import Any

import yaml

from models_hub.specs import JobSpec, Method, Recipe

_HOW = {
    Method.LORA: "a LoRA adapter: small matrices beside the frozen base model",
    Method.QLORA: "a QLoRA adapter: small matrices beside the base model, frozen in 4 bits",
    Method.FULL: "full tuning: all weights of the base model were trained",
    Method.BASELINE: "a logistic regression on the frozen sentence embeddings of the base model",
    Method.ENCODER: "full tuning of the encoder with a classification head",
}
_WHAT = {
    "base_model": "base model",
    "tuned_model": "this model",
    "majority_class": "always the most frequent label",
    "frozen_baseline": "logistic regression on frozen embeddings",
}


def model_card(spec: JobSpec, result: dict[str, Any]) -> str:
    parts = [
        _front(spec, result),
        _introduction(spec, result),
        _intended(spec),
        _usage(spec),
        _data(spec, result),
        _training(spec, result),
        _verdict(spec, result),
        _samples(result),
        _licence(spec),
        _reproduce(spec, result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(spec: JobSpec, result: dict[str, Any]) -> str:
    card = spec.card
    head: dict[str, Any] = {"license": (card.licence_spdx or "other").lower()}
    if not card.licence_spdx:
        head["license_name"] = card.licence_name
    if card.base_repo:
        head["base_model"] = card.base_repo
        head["base_model_relation"] = "adapter" if spec.lora else "finetune"
    if card.languages:
        head["language"] = list(card.languages)
    head["library_name"] = "peft" if spec.lora else "transformers"
    head["pipeline_tag"] = "text-generation" if spec.recipe is Recipe.CHAT else "text-classification"
    tags = [spec.method.value, "open-paas"]
    head["tags"] = [*tags, "demonstration"] if result["base_model"]["demonstration"] else tags
    return "---\n" + yaml.safe_dump(head, sort_keys=False, allow_unicode=True) + "---"


def _introduction(spec: JobSpec, result: dict[str, Any]) -> str:
    text = f"# {_plain(spec.card.title)}\n\nMade from **{_plain(spec.card.base_name)}** by {_HOW[spec.method]}."
    if result["base_model"]["demonstration"]:
        text += "\n\n**DEMONSTRATION.** The base model only serves to show the way; do not use this model for work."
    if result["state"] != "succeeded":
        text += (
            "\n\n**Unfinished.** The training ended early"
            f" ({result['sentence'] or 'on request'}); this is its state at step {result['steps']['done']}"
            f" of {result['steps']['planned']}, not judged on the test data."
        )
    return text


def _intended(spec: JobSpec) -> str:
    use = _plain(spec.card.intended_use.strip()) or "Its makers did not say what it is for."
    return (
        f"## Intended use\n\n{use}\n\nOutside that use it has not been tried. Fine-tuning does not remove what the "
        "base model got wrong: it can be mistaken with confidence, and it can repeat what is in its training data. "
        "Have a person check its answers wherever they have consequences for people."
    )


def _usage(spec: JobSpec) -> str:
    base = spec.card.base_repo or f"path/to/{spec.base_model.id}"
    if spec.lora:
        code = (
            "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
            f'base = AutoModelForCausalLM.from_pretrained("{base}")\n'
            'model = PeftModel.from_pretrained(base, "adapter")\n'
            'tokenizer = AutoTokenizer.from_pretrained("adapter")\n'
        )
    elif spec.recipe is Recipe.CHAT:
        code = (
            "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
            'model = AutoModelForCausalLM.from_pretrained("model")\n'
            'tokenizer = AutoTokenizer.from_pretrained("model")\n'
        )
    elif spec.method is Method.ENCODER:
        code = (
            "from transformers import pipeline\n\n"
            'classify = pipeline("text-classification", model="model")\nprint(classify("…"))\n'
        )
    else:
        return _baseline_usage(base)
    if spec.recipe is Recipe.CHAT:
        code += (
            'messages = [{"role": "user", "content": "…"}]\n'
            "inputs = tokenizer.apply_chat_template(\n"
            '    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True\n)\n'
            "answer = model.generate(**inputs, max_new_tokens=200)\n"
            'print(tokenizer.decode(answer[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))\n'
        )
    return f"## How to use it\n\n```python\n{code}```"


def _baseline_usage(base: str) -> str:
    code = f"""import json, torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

labels = json.load(open("model/classifier.json"))["labels"]
head = load_file("model/classifier.safetensors")
tokenizer, encoder = AutoTokenizer.from_pretrained("model"), AutoModel.from_pretrained("{base}").eval()

tokens = tokenizer(["…"], padding=True, truncation=True, return_tensors="pt")
with torch.no_grad():
    hidden = encoder(**tokens).last_hidden_state
mask = tokens["attention_mask"].unsqueeze(-1)
embedding = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1))
print(labels[(embedding @ head["weight"].T + head["bias"]).argmax()])
"""
    return f"## How to use it\n\n```python\n{code}```"


def _data(spec: JobSpec, result: dict[str, Any]) -> str:
    data = spec.data
    text = (
        f"## Data\n\nTrained on *{_plain(spec.card.dataset_name)}* (SHA-256 `{spec.card.dataset_sha256}`): "
        f"{data.train.rows} rows for training, {data.validation.rows} to choose the best step, {data.test.rows} for "
        "the verdict."
    )
    if result["data"].get("rows_lost"):
        text += f" {result['data']['rows_lost']} rows were too long to keep any of their answer and were not used."
    if data.labels:
        text += " Labels: " + ", ".join(f"`{_plain(label)}`" for label in data.labels) + "."
    return text


def _training(spec: JobSpec, result: dict[str, Any]) -> str:
    train, measured = spec.train, result["measured"]
    rows: list[tuple[str, Any]] = []
    if spec.method is not Method.BASELINE:
        rows += [
            ("Epochs", f"{train.epochs:g}"),
            ("Steps", f"{result['steps']['done']} of {result['steps']['planned']}"),
            ("Learning rate", f"{train.learning_rate:g}, {train.scheduler}, warm-up {train.warmup_ratio:.0%}"),
            ("Batch", f"{train.micro_batch} × {train.accumulation}"),
        ]
    rows.append(("Maximum length", f"{train.max_length} tokens"))
    if spec.lora:
        rows.append(("LoRA", f"r {spec.lora.r}, alpha {spec.lora.alpha}, dropout {spec.lora.dropout:g}, all linears"))
    rows += [
        ("Seed", spec.seed),
        ("Device", measured["device"]),
        ("Peak memory", f"{measured['peak_memory_mb'] / 1000:.2f} GB"),
        ("Training time", f"{measured['train_seconds']:.0f} s"),
    ]
    if measured["energy_j"] is not None:
        rows.append(("Energy of the GPU", f"{measured['energy_j'] / 3.6e6:.4f} kWh"))
    rows.append(("Software", ", ".join(f"{name} {number}" for name, number in result["versions"].items())))
    return "## Training\n\n" + _table(("Setting", "Value"), rows)


def _verdict(spec: JobSpec, result: dict[str, Any]) -> str:
    if result["after"] is None:
        return ""
    # The quick classification is its own baseline and its "before" is the majority: nothing is shown twice.
    shown: list[dict[str, Any]] = []
    for figures in (result["majority"], result["baseline"], result["before"], result["after"]):
        if figures and all(figures["what"] != known["what"] for known in shown):
            shown.append(figures)
    names = ("loss", "perplexity", "exact_match") if spec.recipe is Recipe.CHAT else ("accuracy", "macro_f1")
    rows = [(_WHAT[figures["what"]], *(_figure(figures.get(name)) for name in names)) for figures in shown]
    better = "better than" if result["improved"] else "**not better** than"
    return (
        "## Verdict\n\n"
        + _table(("", *(name.replace("_", " ") for name in names)), rows)
        + f"\n\nMeasured on {result['after']['rows']} test rows that training never saw. By {result['headline']}, this "
        f"model is {better} what it is compared with ({_WHAT[result['before']['what']]})."
    )


def _samples(result: dict[str, Any]) -> str:
    rows = [
        (_cell(sample["prompt"]), _cell(sample["expected"]), _cell(sample["base"]), _cell(sample["tuned"]))
        for sample in result["samples"][:5]
    ]
    return "## Samples\n\n" + _table(("Prompt", "Expected", "Before", "After"), rows) if rows else ""


def _licence(spec: JobSpec) -> str:
    card = spec.card
    spdx = f" ({card.licence_spdx})" if card.licence_spdx and card.licence_spdx != card.licence_name else ""
    return (
        f"## Licence\n\nThe base model's licence carries over: {_plain(card.licence_name)}{spdx}. Whoever passes this "
        "model on passes its terms on as well. The training data keeps its own terms."
    )


def _reproduce(spec: JobSpec, result: dict[str, Any]) -> str:
    base = result["base_model"]
    return (
        f"## To make it again\n\nJob spec `{result['spec_hash']}` (in `spec.json`), base model `{base['id']}` revision "
        f"`{base['revision']}`, content digest `{base['digest']}`. `manifest.json` lists every file with its SHA-256."
    )


def _plain(text: str) -> str:
    """Texts that people typed stay text: no line breaks, no markup that a page would act on."""
    return " ".join(text.split()).replace("<", "&lt;").replace("`", "'")


def _cell(text: str) -> str:
    text = _plain(text).replace("|", "\\|")
    return text if len(text) <= 160 else text[:159] + "…"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
