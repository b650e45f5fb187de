"""`tiny-llama-demo`: tokenizer and Llama built and pre-trained on the spot, in about a minute on two cores.

A real model of the real architecture, three thousand times too small to be useful: it shows an honest before and after.
Weights, tokenizer and order of the texts follow from one seed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models_hub.training.demo.corpus import doc_strings, phrases, questions_on_doc_strings, questions_on_languages

LLAMA_ID = "tiny-llama-demo"
END, PAD, BEGIN, TURN = "<|im_end|>", "<|pad|>", "<|endoftext|>", "<|im_start|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_CARD = """---
license: eupl-1.2
pipeline_tag: text-generation
---

# DEMONSTRATION: tiny Llama

A Llama of {parameters:,} parameters, built on this machine from a seed and pre-trained for {steps} steps on the doc
strings of Python's standard library (PSF licence) and on short phrases in 24 European languages that come with the
project. It exists so that fine-tuning can be shown and tested without the internet. It knows nothing: do not use it
for work.
"""


@dataclass(frozen=True, kw_only=True)
class Size:
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    steps: int
    rows: int
    length: int = 128
    peak_rate: float = 4e-3
    share: int = 1
    """Only every so manieth doc string is read; 1 reads all."""


FULL = Size(vocabulary=4096, hidden=192, layers=4, heads=6, steps=150, rows=16)
QUICK = Size(vocabulary=1024, hidden=64, layers=2, heads=4, steps=60, rows=8, length=96, share=20)


def build_llama(folder: Path, size: Size, *, report: Callable[[str], None]) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    started = time.monotonic()
    tokenizer = _tokenizer(size)
    rows = _rows(tokenizer, size)
    set_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=size.hidden,
            intermediate_size=size.hidden * 3,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.heads // 2,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    report(f"{LLAMA_ID}: {model.num_parameters():,} parameters, text and tokenizer {time.monotonic() - started:.0f} s")
    optimiser = torch.optim.AdamW(model.parameters(), lr=size.peak_rate, betas=(0.9, 0.95), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, size.peak_rate, total_steps=size.steps, pct_start=0.1)
    picks = torch.Generator().manual_seed(0)
    for step in range(1, size.steps + 1):
        batch = rows[torch.randint(0, len(rows), (size.rows,), generator=picks)]
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if step % 20 == 0 or step == size.steps:
            report(
                f"{LLAMA_ID}: step {step} of {size.steps}, loss {loss.item():.2f}, {time.monotonic() - started:.0f} s"
            )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    card = _CARD.format(parameters=model.num_parameters(), steps=size.steps)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _tokenizer(size: Size) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    # The phrases are few: repeated, their letters win merges beside the many English doc strings.
    known = [line for lines in phrases().values() for line in lines] * 40
    core.train_from_iterator(
        [text for _, text in doc_strings()[:: size.share]] + known,
        trainers.BpeTrainer(
            vocab_size=size.vocabulary,
            special_tokens=[BEGIN, TURN, END, PAD],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=BEGIN, eos_token=END, pad_token=PAD, model_max_length=1024
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _rows(tokenizer: Any, size: Size) -> Any:
    """All texts and conversations in one shuffled stream, cut in rows of equal length."""
    import torch

    texts = [text + BEGIN for _, text in doc_strings()[:: size.share]]
    # Repeated until about a fifth of what the model reads is in the other 23 languages, and a third is conversation.
    for turns, times in ((questions_on_doc_strings(), 2), (questions_on_languages(), 20)):
        texts += [tokenizer.apply_chat_template(turn, tokenize=False) + BEGIN for turn in turns] * times
    random.Random(0).shuffle(texts)  # noqa: S311 (a fixed order, not a secret)
    wanted = size.steps * size.rows * size.length
    stream: list[int] = []
    for text in texts:
        stream += tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(stream) > wanted:
            break
    usable = len(stream) // size.length * size.length
    return torch.tensor(stream[:usable]).view(-1, size.length)
