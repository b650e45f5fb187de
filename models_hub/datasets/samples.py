"""The sample data sets that we wrote: at least one for each recipe, so that a first run needs no data of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models_hub.datasets.schema import ColumnMapping
from models_hub.wording import gettext_noop

FOLDER = Path(__file__).resolve().parents[1] / "data" / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """`name` and `description` are message ids."""

    code: str
    kind: str
    name: str
    description: str
    rows: int
    languages: tuple[str, ...]
    mapping: ColumnMapping

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.code}.jsonl"


LANGUAGES = ("en", "de", "fr", "es", "it", "pl")
SAMPLES = (
    Sample(
        code="support-topics",
        kind="classification",
        name=gettext_noop("Sample: customer messages by topic"),
        description=gettext_noop(
            "560 messages to an invented bicycle firm in six languages, each with one of five topics."
        ),
        rows=560,
        languages=LANGUAGES,
        mapping=ColumnMapping("labelled", {"text": "text", "label": "label"}),
    ),
    Sample(
        code="shop-assistant",
        kind="chat",
        name=gettext_noop("Sample: questions to a shop"),
        description=gettext_noop("336 questions to an invented bicycle shop in six languages, with short answers."),
        rows=336,
        languages=LANGUAGES,
        mapping=ColumnMapping("messages", {"messages": "messages"}),
    ),
)


def samples_of(kind: str) -> tuple[Sample, ...]:
    return tuple(sample for sample in SAMPLES if sample.kind == kind)


def sample_by_code(code: str) -> Sample | None:
    return next((sample for sample in SAMPLES if sample.code == code), None)
