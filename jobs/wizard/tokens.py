"""How long a data set's rows are for a model, and what they look like to it.

Counted with the model's own tokenizer as its site sent it; where none arrived yet, estimated and called so. Counting is
done once, when the data or the model is chosen; the draft keeps the figures, so that later pages cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.core.cache import cache

from catalog.models import FoundationModel, StoredModel
from models_hub.datasets.profile import profile_tokens, read_part
from models_hub.datasets.rendering import ChatTemplate, Rendered, TemplateFault, render_rows
from models_hub.datasets.tokens import EstimatedTokenizer, Tokenizer
from models_hub.models import Dataset, DatasetPart
from models_hub.recipes import Recipe, TokenProfile
from models_hub.recipes.settings import LONGEST_ROW, max_length_for

BYTES_PER_TOKEN = 3.5  # where no check left a count: careful for European languages in UTF-8
KEPT_SECONDS = 24 * 3600
SHOWN_ROWS = 5


class SentTokenizer:
    """A tokenizer.json as a site sent it. `special` counts what an encoder puts around a text; a chat template says
    that itself."""

    exact = True

    def __init__(self, content: bytes, name: str, *, special: bool) -> None:
        from tokenizers import Tokenizer as Library

        self.name, self._special = name, special
        self._tokenizer: Any = Library.from_buffer(content)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=self._special))

    def spans(self, text: str) -> Any:
        return self._tokenizer.encode(text, add_special_tokens=self._special).offsets


@dataclass(frozen=True)
class Reader:
    """How a model reads: its tokenizer and, for chat, its template. `fault` is why there is no template."""

    key: str
    tokenizer: Tokenizer
    template: ChatTemplate | None
    fault: str = ""


def reader_of(model: FoundationModel | None) -> Reader:
    """The newest tokenizer a site sent for this model, else the estimate."""
    stored = None
    if model is not None:
        sent = StoredModel.objects.filter(model=model, tokenizer_json__isnull=False)
        stored = sent.defer("tokenizer_json").order_by("-last_reported_at").first()
    if model is None or stored is None:
        return Reader("estimated", EstimatedTokenizer(), None)
    key = f"{stored.pk}:{stored.revision}"
    try:
        template: ChatTemplate | None = ChatTemplate.from_tokenizer_config(stored.tokenizer_config)
        fault = ""
    except TemplateFault as error:
        template, fault = None, str(error)
    try:
        encoder = model.task == FoundationModel.Task.EMBEDDING
        return Reader(key, _tokenizer(stored.pk, stored.revision, model.slug, encoder), template, fault)
    except ValueError:
        return Reader("estimated", EstimatedTokenizer(), template, fault)


@lru_cache(maxsize=8)
def _tokenizer(stored: int, revision: str, name: str, special: bool) -> SentTokenizer:
    """Read from the database once a process and revision: some are 30 MB."""
    content = StoredModel.objects.values_list("tokenizer_json", flat=True).get(pk=stored)
    try:
        return SentTokenizer(bytes(content or b""), name, special=special)
    except Exception as error:
        raise ValueError(f"the tokenizer of {name} cannot be read") from error


def count_tokens(part: DatasetPart, model: FoundationModel, recipe: Recipe, reader: Reader) -> dict[str, Any]:
    """What a draft keeps about its training rows; empty where the rows cannot be read or rendered."""
    if not reader.tokenizer.exact or (recipe.about.dataset_kind == "chat" and reader.template is None):
        return {}
    limit = min(model.context or LONGEST_ROW, LONGEST_ROW)
    key = f"wizard-tokens:{part.sha256}:{reader.key}:{limit}"
    known = cache.get(key)
    if known is None:
        path = _path(part)
        if path is None:
            return {}
        known = _counted(path, part, limit, reader)
        cache.set(key, known, KEPT_SECONDS)
    return {**known, "model": model.slug, "sha256": part.sha256} if known else {}


def _counted(path: Path, part: DatasetPart, limit: int, reader: Reader) -> dict[str, Any]:
    try:
        found = profile_tokens(
            path, rows=part.rows, tokenizer=reader.tokenizer, template=reader.template, max_length=limit
        )
    except (OSError, ValueError):
        return {}
    if not found.tokens.get("max"):
        return {}
    return {
        "mean": found.tokens["mean"],
        "p95": found.tokens["p95"],
        "max": found.tokens["max"],
        "learned": found.learned.get("mean", 0),
        "cut": found.cut,
        "lost": found.lost,
        "limit": limit,
    }


def token_profile(
    dataset: Dataset | None,
    parts: Mapping[str, DatasetPart],
    model: FoundationModel | None,
    kept: Mapping[str, Any] | None = None,
) -> TokenProfile | None:
    """What the draft kept, if it is about this model and data; else the check's own count; else from the rows' size."""
    train = parts.get("train")
    if dataset is None or train is None or train.rows < 1:
        return None
    if kept and model is not None and (kept.get("model"), kept.get("sha256")) == (model.slug, train.sha256):
        return TokenProfile(mean=float(kept["mean"]), p95=float(kept["p95"]), longest=int(kept["max"]))
    lengths = (dataset.report.get("tokens") or {}).get("all") or {}
    if lengths.get("mean"):
        return TokenProfile(
            mean=float(lengths["mean"]), p95=float(lengths["p95"]), longest=max(1, int(lengths["max"])), exact=False
        )
    mean = max(1.0, train.bytes / train.rows / BYTES_PER_TOKEN)
    return TokenProfile(mean=mean, p95=2 * mean, longest=round(4 * mean), exact=False)


def rows_as_seen(
    part: DatasetPart, model: FoundationModel | None, profile: TokenProfile | None, reader: Reader
) -> tuple[list[Rendered], str]:
    """The first rows of the training part as the model sees them, or none and the reason."""
    path = _path(part)
    if path is None:
        return [], ""
    longest = profile.longest if profile else LONGEST_ROW
    length = max_length_for(longest, model.context if model else None)
    try:
        rows = list(read_part(path, limit=SHOWN_ROWS))
        return render_rows(rows, tokenizer=reader.tokenizer, template=reader.template, max_length=length), ""
    except TemplateFault as fault:
        return [], reader.fault or str(fault)
    except (OSError, ValueError):
        return [], ""


def _path(part: DatasetPart) -> Path | None:
    """The part on a disk of ours; storage elsewhere is not read while somebody waits."""
    try:
        path = Path(part.file.path)
    except (NotImplementedError, ValueError):
        return None
    return path if path.is_file() else None
