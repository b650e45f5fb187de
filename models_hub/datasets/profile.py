"""Tokens of a ready part with the chosen model's own tokenizer and template: what the wizard shows before launch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from models_hub.datasets.lengths import Lengths
from models_hub.datasets.rendering import ChatTemplate, TemplateFault, render_rows
from models_hub.datasets.tokens import Tokenizer

SAMPLE = 2000  # rows counted exactly; a larger part is counted evenly spread and the result says so


@dataclass(frozen=True, slots=True)
class TokenProfile:
    """`rows` of the part, `counted` of them; `cut` and `lost` are scaled to the part, exact when all were counted."""

    exact: bool
    tokenizer: str
    rows: int
    counted: int
    tokens: dict[str, Any]
    learned: dict[str, Any]
    max_length: int
    cut: int
    lost: int
    refused: int
    refusal: str
    lost_lines: tuple[int, ...]

    @property
    def complete(self) -> bool:
        return self.counted == self.rows


def read_part(path: Path, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a part file, in their order."""
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if limit is not None and number >= limit:
                return
            yield decode(line)


def profile_tokens(
    path: Path,
    *,
    rows: int,
    tokenizer: Tokenizer,
    max_length: int,
    template: ChatTemplate | None = None,
    most: int = SAMPLE,
) -> TokenProfile:
    """Counts tokens and supervised tokens row by row, and what truncation at `max_length` would cut or lose."""
    every = max(1, -(-rows // most))
    total, learned = Lengths(), Lengths()
    cut = lost = refused = counted = 0
    refusal = ""
    lost_lines: list[int] = []
    for number, row in enumerate(read_part(path), 1):
        if (number - 1) % every:
            continue
        counted += 1
        try:
            (seen,) = render_rows([row], tokenizer=tokenizer, max_length=max_length, template=template)
        except TemplateFault as fault:
            refused += 1
            refusal = refusal or str(fault)
            continue
        total.add(seen.tokens)
        learned.add(seen.learned)
        cut += seen.cut
        lost += seen.lost
        if seen.lost and len(lost_lines) < 20:
            lost_lines.append(number)
    scale = rows / counted if counted else 1
    return TokenProfile(
        exact=tokenizer.exact,
        tokenizer=tokenizer.name,
        rows=rows,
        counted=counted,
        tokens=total.as_dict(),
        learned=learned.as_dict(),
        max_length=max_length,
        cut=round(cut * scale),
        lost=round(lost * scale),
        refused=round(refused * scale),
        refusal=refusal,
        lost_lines=tuple(lost_lines),
    )
