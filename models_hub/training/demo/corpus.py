"""What the tiny Llama reads: doc strings of Python's standard library, and phrases that we wrote in 24 languages.

Nothing is downloaded. Every text appears plain and as a short conversation, so that the model has seen the shape of a
chat, and learnt to stop, before anyone fine-tunes it.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

PHRASES = Path(__file__).with_name("phrases.json")
Conversation = list[dict[str, str]]


@functools.cache
def phrases() -> dict[str, list[str]]:
    read: dict[str, list[str]] = json.loads(PHRASES.read_text(encoding="utf-8"))
    return read


@functools.cache
def doc_strings() -> list[tuple[str, str]]:
    """(name, doc string) of the standard library's modules, classes and functions, in a fixed order."""
    found = []
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.glob("*.py")) + sorted(library.glob("*/*.py")):
        if {"site-packages", "test", "tests", "idlelib", "lib2to3"} & set(path.parts):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and len(text) > 60:
                    found.append((getattr(node, "name", path.stem), text))
    return found


def questions_on_doc_strings() -> Iterator[Conversation]:
    for name, text in doc_strings():
        first = re.split(r"(?<=\.)\s", text.strip(), maxsplit=1)[0]
        if 20 < len(first) < 160 and first.endswith("."):
            yield _turn(f"What does {name} do?", " ".join(first.split()))


def questions_on_languages() -> Iterator[Conversation]:
    english = phrases()["English"]
    for language, lines in phrases().items():
        for source, line in zip(english, lines, strict=True):
            yield _turn(f"Say it in {language}: {source}", line)
            yield _turn(f"Which language is this? {line}", f"This is {language}.")


def _turn(question: str, answer: str) -> Conversation:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
