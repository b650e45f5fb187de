"""From a conversation to tokens, and which of them the model learns from.

Supervised are the assistant's words and the token that ends them: a model that never sees its stop token in the loss
never stops talking. Where the chat template marks the assistant's part ({% generation %}) the marks are taken; where it
does not, the part is what an answer adds to the rendered prompt before it. Both ways are checked for the stop token.

Rows are cut at the end to `max_length`. A row that keeps nothing to learn from is *lost*; the trainer would drop it
without a word, so it is counted here and reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

IGNORE = -100
Messages = list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One row as the model sees it; `labels` repeats the supervised tokens and is IGNORE elsewhere."""

    input_ids: list[int]
    labels: list[int]
    cut: bool

    @property
    def supervised(self) -> int:
        return sum(label != IGNORE for label in self.labels)


class Renderer:
    def __init__(self, tokenizer: Any, *, max_length: int, stop_ids: set[int]) -> None:
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._stop_ids = stop_ids
        self._marked = "{% generation" in tokenizer.chat_template or "{%- generation" in tokenizer.chat_template

    def prompt(self, messages: Messages) -> str:
        """What the model is given when it shall answer."""
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    def render(self, messages: Messages) -> Rendered:
        ids, mask = self._marked_tokens(messages) if self._marked else self._unmarked_tokens(messages)
        self._supervise_stop(ids, mask)
        labels = [token if learn else IGNORE for token, learn in zip(ids, mask, strict=True)]
        return Rendered(
            input_ids=ids[: self._max_length], labels=labels[: self._max_length], cut=len(ids) > self._max_length
        )

    def _marked_tokens(self, messages: Messages) -> tuple[list[int], list[bool]]:
        encoded = self._tokenizer.apply_chat_template(
            messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        return list(encoded["input_ids"]), [bool(mark) for mark in encoded["assistant_masks"]]

    def _unmarked_tokens(self, messages: Messages) -> tuple[list[int], list[bool]]:
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False)
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        spans = list(self._assistant_spans(messages, text))
        mask = [
            any(start < span_end and end > span_start for span_start, span_end in spans)
            for start, end in encoded["offset_mapping"]
        ]
        return list(encoded["input_ids"]), mask

    def _assistant_spans(self, messages: Messages, text: str) -> Iterator[tuple[int, int]]:
        """Character spans of the answers in `text`: each begins where the prompt before it ends.

        Some templates render an earlier turn differently once more turns follow; an answer whose own rendering is not
        a beginning of the whole text is then left out rather than guessed. The last answer always has a span.
        """
        for index, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self.prompt(messages[:index]) if index else ""
            through = self._tokenizer.apply_chat_template(messages[: index + 1], tokenize=False)
            if text.startswith(through) and through.startswith(before) and index:
                yield len(before), len(through)
            elif index == len(messages) - 1:
                start = text.rfind(message["content"].strip())
                yield (start if start >= 0 else 0), len(text)

    def _supervise_stop(self, ids: list[int], mask: list[bool]) -> None:
        """Each answer's supervised run ends with its stop token: what follows is dropped, what is missing is added."""
        position = 0
        while position < len(ids):
            if not mask[position]:
                position += 1
                continue
            end = position
            while end < len(ids) and mask[end]:
                end += 1
            stops = [index for index in range(position, end) if ids[index] in self._stop_ids]
            if stops:
                mask[stops[-1] + 1 : end] = [False] * (end - stops[-1] - 1)
            elif end < len(ids) and ids[end] in self._stop_ids:
                mask[end] = True
            position = end + 1
        if self._tokenizer.eos_token_id is not None and any(mask) and not self._last_stops(ids, mask):
            last = max(index for index, learn in enumerate(mask) if learn)
            ids[last + 1 :] = [self._tokenizer.eos_token_id]
            mask[last + 1 :] = [True]

    def _last_stops(self, ids: list[int], mask: list[bool]) -> bool:
        last = max(index for index, learn in enumerate(mask) if learn)
        return ids[last] in self._stop_ids
