"""Rows exactly as a model sees them: its chat template, its tokens, and which of them it learns from.

A chat template is a small program from a model's folder. It runs in Jinja's immutable sandbox with what Hugging Face
templates expect (loop controls, `raise_exception`, `strftime_now`, `tojson`, the `generation` block) and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from models_hub.datasets.tokens import Tokenizer

Messages = Sequence[Mapping[str, str]]
BEGIN, END = "\ue000", "\ue001"  # private signs that mark what an assistant says; taken out again


class TemplateFault(Exception):
    """The template refuses this conversation, or is broken. The message is the template's own."""


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks what the model is to learn."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Any) -> str:
        return f"{BEGIN}{caller()}{END}"


def _raise(message: str) -> None:
    raise TemplateFault(message)


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


@lru_cache(maxsize=32)
def _compile(source: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols], autoescape=False
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)  # noqa: DTZ005  as the model expects
    try:
        return environment.from_string(source)
    except jinja2.TemplateError as error:
        raise TemplateFault(str(error)) from None


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """`special` holds the tokens a template may name: bos_token, eos_token, …"""

    source: str
    special: Mapping[str, str] = field(default_factory=dict)

    def render(self, messages: Messages, *, generation_prompt: bool = False) -> str:
        return self._run(messages, generation_prompt).replace(BEGIN, "").replace(END, "")

    def spans(self, messages: Messages) -> tuple[str, list[tuple[int, int]]]:
        """The text, and from where to where the model learns (the assistant's words and the sign that ends them)."""
        marked = self._run(messages, False)
        if BEGIN in marked:
            return _unmark(marked)
        text, spans = marked, []
        for place, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self.render(messages[:place], generation_prompt=True)
            after = self.render(messages[: place + 1])
            if not text.startswith(before) or not after.startswith(before):
                before = after[: after.rfind(message["content"])]
            spans.append((len(before), min(len(after.rstrip("\n")), len(text))))
        return text, spans

    def _run(self, messages: Messages, generation_prompt: bool) -> str:
        clean = [{name: value.replace(BEGIN, "").replace(END, "") for name, value in m.items()} for m in messages]
        try:
            return _compile(self.source).render(
                messages=clean, add_generation_prompt=generation_prompt, tools=None, documents=None, **self.special
            )
        except jinja2.TemplateError as error:
            raise TemplateFault(str(error)) from None
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, RecursionError) as error:
            raise TemplateFault(f"{type(error).__name__}: {error}") from None

    @classmethod
    def from_tokenizer_config(cls, config: Mapping[str, Any], template: str | None = None) -> ChatTemplate:
        """From a model's tokenizer_config.json; newer models keep the template in a file of its own."""
        chosen = template or config.get("chat_template")
        if isinstance(chosen, list):  # several named templates
            chosen = next((item["template"] for item in chosen if item.get("name") == "default"), None)
        if not chosen:
            raise TemplateFault("the model has no chat template")
        special = {}
        for name in ("bos_token", "eos_token", "pad_token", "unk_token"):
            value = config.get(name)
            special[name] = value["content"] if isinstance(value, dict) else (value or "")
        return cls(str(chosen), special)


def _unmark(marked: str) -> tuple[str, list[tuple[int, int]]]:
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    length, start = 0, 0
    for letter_run in marked.replace(BEGIN, f"\0{BEGIN}").replace(END, f"\0{END}").split("\0"):
        if letter_run.startswith(BEGIN):
            start, letter_run = length, letter_run[1:]
        elif letter_run.startswith(END):
            spans.append((start, length))
            letter_run = letter_run[1:]
        pieces.append(letter_run)
        length += len(letter_run)
    return "".join(pieces), spans


@dataclass(frozen=True, slots=True)
class Rendered:
    """One row as the model sees it. `spans` are the characters it learns from, `seen` is where truncation cuts."""

    text: str
    spans: tuple[tuple[int, int], ...]
    tokens: int
    learned: int
    learned_kept: int
    seen: int
    label: str = ""

    @property
    def cut(self) -> bool:
        return self.seen < len(self.text)

    @property
    def lost(self) -> bool:
        """Nothing to learn from remains: the training library drops such rows without a word."""
        return self.learned_kept == 0 and not self.label


def render_chat(messages: Messages, *, template: ChatTemplate, tokenizer: Tokenizer, max_length: int) -> Rendered:
    text, spans = template.spans(messages)
    offsets = tokenizer.spans(text)
    learns = [any(start < high and end > low for low, high in spans) for start, end in offsets]
    return Rendered(
        text=text,
        spans=tuple(spans),
        tokens=len(offsets),
        learned=sum(learns),
        learned_kept=sum(learns[:max_length]),
        seen=len(text) if len(offsets) <= max_length else offsets[max_length - 1][1],
    )


def render_text(text: str, label: str, *, tokenizer: Tokenizer, max_length: int) -> Rendered:
    offsets = tokenizer.spans(text)
    seen = len(text) if len(offsets) <= max_length else offsets[max_length - 1][1]
    kept = min(len(offsets), max_length)
    return Rendered(text, (), len(offsets), len(offsets), kept, seen, label)


def render_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    tokenizer: Tokenizer,
    max_length: int,
    template: ChatTemplate | None = None,
) -> list[Rendered]:
    """Rows of a part (`{"messages": …}` or `{"text": …, "label": …}`). Raises `TemplateFault`."""
    rendered = []
    for row in rows:
        if "messages" in row:
            if template is None:
                raise TemplateFault("the model has no chat template")
            messages = row["messages"]
            rendered.append(render_chat(messages, template=template, tokenizer=tokenizer, max_length=max_length))
        else:
            rendered.append(render_text(row["text"], row["label"], tokenizer=tokenizer, max_length=max_length))
    return rendered
