"""What an uploaded file may be, in one place. Every limit has its own sentence in `problems`."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1024, 1024**2, 1024**3


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one file. Reading stays in constant memory because every unit that is held has a bound."""

    file_bytes: int = 2_000_000_000
    rows: int = 5_000_000
    columns: int = 200
    line_bytes: int = 4 * MIB
    field_chars: int = 1_000_000
    text_chars: int = 200_000
    messages: int = 200
    labels: int = 200
    label_chars: int = 120
    least_rows_chat: int = 10
    least_rows_classification: int = 20
    rows_per_label: int = 10
    hopeless_after: int = 10_000
    rejected_kept: int = 100_000
    excerpt_chars: int = 160
    sample_rows: int = 200
    personal_rows: int = 50_000
    look_at_all_bytes: int = 32 * MIB
    parallel_bytes: int = 64 * MIB
    exact_token_bytes: int = 48 * MIB
    child_seconds: int = 900
    child_bytes: int = 4 * GIB

    def least_rows(self, kind: str) -> int:
        return self.least_rows_chat if kind == "chat" else self.least_rows_classification
