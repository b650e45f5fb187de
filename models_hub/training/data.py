"""The three parts of the data as the spec names them: the right bytes, and every row usable.

Rows are read one at a time; nothing here holds a whole file. A row that cannot be used ends the run with its file and
line number: a site must not quietly train on less than it was asked to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from models_hub.specs import Failure, JobSpec, Recipe, Split
from models_hub.training.failures import JobFailed
from models_hub.training.files import sha256_of

ROLES = ("system", "user", "assistant")
Row = dict[str, Any]


def check_files(spec: JobSpec, folder: Path) -> None:
    """Size and digest of each part, before anything is loaded."""
    for part, split in spec.data.splits().items():
        path = folder / split.name
        if not path.is_file():
            raise JobFailed(Failure.DATA_MISMATCH, f"The {part} part of the data ({split.name}) is not at the site.")
        if path.stat().st_size != split.bytes or sha256_of(path) != split.sha256:
            raise JobFailed(
                Failure.DATA_MISMATCH, f"The {part} part of the data ({split.name}) was damaged on its way to the site."
            )


def check_rows(spec: JobSpec, folder: Path) -> None:
    for part, split in spec.data.splits().items():
        count = sum(1 for _ in rows(spec, folder, split))
        if count != split.rows:
            raise JobFailed(
                Failure.DATA_MISMATCH,
                f"The {part} part of the data has {count} rows where the job's description says {split.rows}.",
            )


def rows(spec: JobSpec, folder: Path, split: Split) -> Iterator[Row]:
    """The rows of one part, each checked. Raises JobFailed(BAD_DATA_ROW) at the first that is not usable."""
    problem_of = _chat_problem if spec.recipe is Recipe.CHAT else _label_problem(frozenset(spec.data.labels))
    with (folder / split.name).open("rb") as file:
        for line, raw in enumerate(file, start=1):
            row: Any = None
            try:
                row = json.loads(raw)
                problem = problem_of(row)
            except (ValueError, RecursionError):
                problem = "it is not a JSON object"
            if problem:
                raise JobFailed(
                    Failure.BAD_DATA_ROW,
                    f"Line {line} of {split.name} cannot be used: {problem}.",
                    file=split.name,
                    line=line,
                )
            yield row


def _chat_problem(row: Any) -> str | None:
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list) or not messages:
        return "it has no list of messages"
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            return f"each message needs a role out of {', '.join(ROLES)}"
        if not isinstance(message.get("content"), str):
            return "each message needs a text as its content"
    if messages[-1]["role"] != "assistant":
        return "its last message is not the assistant's answer"
    if not messages[-1]["content"].strip():
        return "its answer is empty"
    if not any(message["role"] == "user" for message in messages):
        return "nobody asks anything in it"
    return None


def _label_problem(labels: frozenset[str]) -> Callable[[Any], str | None]:
    def problem(row: Any) -> str | None:
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row["text"].strip():
            return "it has no text"
        if not isinstance(row.get("label"), str):
            return "it has no label"
        if row["label"] not in labels:
            return f"the label {row['label'][:80]!r} is not one of the labels of this job"
        return None

    return problem
