"""The verdict's figures: how well a model answers the test part, which training never saw.

Plain counting for classification; for chat the loss over the supervised tokens (each token weighs the same, whatever
batch it was in) and greedy answers to the first rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from models_hub.training.guard import Guard
from models_hub.training.rendering import IGNORE, Messages, Renderer


def classification_metrics(*, truth: Sequence[int], answers: Sequence[int], labels: int) -> dict[str, Any]:
    """Accuracy, macro F1 and confusion (rows: truth, columns: answers). A label nobody has or gives counts as F1 0."""
    confusion = [[0] * labels for _ in range(labels)]
    for right, answer in zip(truth, answers, strict=True):
        confusion[right][answer] += 1
    f1 = []
    for label in range(labels):
        hits = confusion[label][label]
        named = sum(row[label] for row in confusion) + sum(confusion[label])
        f1.append(2 * hits / named if named else 0.0)
    return {
        "accuracy": sum(confusion[label][label] for label in range(labels)) / len(truth),
        "macro_f1": sum(f1) / labels,
        "rows": len(truth),
        "confusion": confusion,
    }


def in_batches(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def supervised_loss(model: Any, dataset: Any, *, batch: int, pad_id: int, guard: Guard) -> float:
    """Mean negative log likelihood in nats per supervised token."""
    import torch

    model.eval()
    total, count = 0.0, 0
    for start in range(0, len(dataset), batch):
        guard.check()
        part = dataset[start : start + batch]
        longest = max(map(len, part["input_ids"]))
        ids = torch.full((len(part["input_ids"]), longest), pad_id)
        labels = torch.full_like(ids, IGNORE)
        attention = torch.zeros_like(ids)
        for row, (tokens, wanted) in enumerate(zip(part["input_ids"], part["labels"], strict=True)):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            labels[row, : len(tokens)] = torch.tensor(wanted)
            attention[row, : len(tokens)] = 1
        with torch.no_grad():
            logits = model(input_ids=ids.to(model.device), attention_mask=attention.to(model.device)).logits
            wanted_next = labels[:, 1:].to(model.device)
            total += torch.nn.functional.cross_entropy(
                logits[:, :-1][wanted_next != IGNORE].float(), wanted_next[wanted_next != IGNORE], reduction="sum"
            ).item()
            count += int((wanted_next != IGNORE).sum())
    return total / count


def perplexity(loss: float) -> float:
    return math.exp(min(loss, 50.0))


def greedy_answers(
    model: Any,
    tokenizer: Any,
    renderer: Renderer,
    conversations: Sequence[Messages],
    *,
    max_new_tokens: int,
    context_length: int,
    stop_ids: set[int],
    guard: Guard,
) -> list[str]:
    """What the model says where the assistant's last answer belongs; the same prompt gives the same answer."""
    import torch

    model.eval()
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    answers: list[str] = []
    try:
        for part in in_batches(conversations, 8):
            guard.check()
            prompts = [
                tokenizer(renderer.prompt(messages[:-1]), add_special_tokens=False)["input_ids"] for messages in part
            ]
            room = max(1, context_length - max_new_tokens)
            inputs = tokenizer.pad({"input_ids": [ids[-room:] for ids in prompts]}, return_tensors="pt").to(
                model.device
            )
            with torch.no_grad():
                written = model.generate(
                    **inputs,
                    max_new_tokens=max_new_tokens,
                    do_sample=False,
                    num_beams=1,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                    use_cache=True,
                    eos_token_id=sorted(stop_ids),
                    pad_token_id=tokenizer.pad_token_id,
                )
            answers += tokenizer.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    finally:
        tokenizer.padding_side = side
    return [answer.strip() for answer in answers]
