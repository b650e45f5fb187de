"""A row's fields become one example to learn from, in the form in which a job reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import RowFault
from models_hub.datasets.schema import ColumnMapping

ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "customer": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "model": "assistant", "chatgpt": "assistant",
    "agent": "assistant",
}  # fmt: skip


class Chat(NamedTuple):
    roles: tuple[str, ...]
    contents: list[str]


class Labelled(NamedTuple):
    text: str
    label: str


Example = Chat | Labelled
Convert = Callable[[Mapping[str, Any]], Example]

_encode = msgspec.json.Encoder().encode


def canonical_line(example: Example) -> bytes:
    """The one form in which data reaches a job: JSON, one example a line."""
    if isinstance(example, Labelled):
        return _encode({"text": example.text, "label": example.label}) + b"\n"
    pairs = zip(example.roles, example.contents, strict=True)
    return _encode({"messages": [{"role": role, "content": content} for role, content in pairs]}) + b"\n"


def converter(mapping: ColumnMapping, limits: Limits) -> Convert:
    columns = mapping.columns
    if mapping.layout == "messages":
        name = columns["messages"]
        return lambda fields: chat_from_messages(fields.get(name), name, limits)
    if mapping.layout == "pairs":
        return lambda fields: chat_from_pair(fields, columns, limits)
    return lambda fields: labelled(fields, columns, limits)


def labelled(fields: Mapping[str, Any], columns: Mapping[str, str], limits: Limits) -> Labelled:
    text = text_of(fields, columns["text"], limits)
    name = columns["label"]
    value = fields.get(name)
    if isinstance(value, bool):
        label = "true" if value else "false"
    elif isinstance(value, float) and value.is_integer():
        label = str(int(value))
    elif isinstance(value, (int, float)):
        label = str(value)
    else:
        label = text_of(fields, name, limits)
    if len(label) > limits.label_chars:
        raise RowFault("label_too_long", chars=len(label), limit=limits.label_chars)
    return Labelled(text, label)


def chat_from_pair(fields: Mapping[str, Any], columns: Mapping[str, str], limits: Limits) -> Chat:
    prompt = text_of(fields, columns["prompt"], limits)
    completion = text_of(fields, columns["completion"], limits)
    if "context" in columns:
        context = optional_text(fields, columns["context"], limits)
        prompt = f"{prompt}\n\n{context}" if context else prompt
    system = optional_text(fields, columns["system"], limits) if "system" in columns else ""
    if system:
        return Chat(("system", "user", "assistant"), [system, prompt, completion])
    return Chat(("user", "assistant"), [prompt, completion])


def chat_from_messages(value: Any, name: str, limits: Limits) -> Chat:
    """Messages as {role, content} or {from, value}; a cell of a table may hold them as JSON text."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise RowFault("not_text", field=name) from None
    if value is None:
        raise RowFault("missing_field", field=name)
    if not isinstance(value, list) or not value:
        raise RowFault("no_messages")
    if len(value) > limits.messages:
        raise RowFault("too_many_messages", found=len(value), limit=limits.messages)
    roles, contents = [], []
    for message in value:
        if not isinstance(message, dict):
            raise RowFault("not_an_object")
        said = message.get("role", message.get("from"))
        role = ROLES.get(said.casefold()) if isinstance(said, str) else None
        if role is None:
            raise RowFault("unknown_role", role=str(said)[:40])
        roles.append(role)
        contents.append(_content(message.get("content", message.get("value")), limits))
    order = tuple(roles)
    check_roles(order)
    if sum(map(len, contents)) > limits.text_chars:
        raise RowFault("too_long", chars=sum(map(len, contents)), limit=limits.text_chars)
    return Chat(order, contents)


def check_roles(roles: tuple[str, ...]) -> None:
    """An optional system message, then user and assistant in turns, an answer at the end."""
    talk = roles[1:] if roles[:1] == ("system",) else roles
    if not talk:
        raise RowFault("no_answer")
    for number, role in enumerate(talk):
        if role != ("user", "assistant")[number % 2]:
            raise RowFault("role_order")
    if talk[-1] != "assistant":
        raise RowFault("no_answer")


def _content(value: Any, limits: Limits) -> str:
    if isinstance(value, list):  # parts, as multimodal formats write them: only text is taken
        parts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in value]
        if not all(isinstance(part, str) for part in parts):
            raise RowFault("not_text", field="content")
        value = "".join(part for part in parts if part)
    return text_of({"content": value}, "content", limits)


def text_of(fields: Mapping[str, Any], name: str, limits: Limits) -> str:
    value = fields.get(name)
    if value is None:
        raise RowFault("missing_field" if name not in fields else "empty", field=name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise RowFault("not_text", field=name)
    text = str(value).replace("\x00", "").strip()  # a zero character carries no meaning and breaks C programs
    if not text:
        raise RowFault("empty", field=name)
    if len(text) > limits.text_chars:
        raise RowFault("too_long", chars=len(text), limit=limits.text_chars)
    return text


def optional_text(fields: Mapping[str, Any], name: str, limits: Limits) -> str:
    value = fields.get(name)
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        return ""
    return text_of(fields, name, limits)
