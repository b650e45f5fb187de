"""What the wizard shows of a data set: what the check found, and rows as the model will see them."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import FoundationModel
from jobs.matching.words import said
from jobs.wizard.tokens import count_tokens, reader_of, rows_as_seen, token_profile
from models_hub.datasets.rendering import Rendered
from models_hub.models import Dataset, DatasetPart
from models_hub.recipes import Context, Recipe, TokenProfile
from models_hub.wording import Text
from portal.ui import numbers

MOST_LABELS = 20


@dataclass(frozen=True)
class DataView:
    """`cut` and `lost` are rows shortened, and rows with nothing left to learn from, at `max_length` tokens."""

    checks: list[dict[str, str]]
    labels: list[dict[str, Any]]
    more_labels: int
    profile: TokenProfile | None
    learned: float
    max_length: int
    cut: int
    lost: int
    rows: list[dict[str, Any]]
    template_known: bool
    fault: str


def data_view(
    dataset: Dataset, parts: dict[str, DatasetPart], model: FoundationModel | None, recipe: Recipe
) -> DataView:
    """Everything about one data set for one model; counts with the model's tokenizer where there is one."""
    report, train = dataset.report or {}, parts.get("train")
    reader = reader_of(model)
    counted = count_tokens(train, model, recipe, reader) if train and model else {}
    profile = token_profile(dataset, parts, model, counted)
    settings = recipe.settings({}, Context(model=model, dataset=dataset, parts=parts, tokens=profile))
    tokens, labels = report.get("tokens") or {}, report.get("labels") or []
    cut, lost = rows_truncated(report, settings.max_length)
    if counted:
        cut, lost = int(counted["cut"]), int(counted["lost"])
    seen, fault = rows_as_seen(train, model, profile, reader) if train else ([], "")
    return DataView(
        checks=_checks(dataset, report),
        labels=[{**one, "percent": 100 * one["share"]} for one in labels[:MOST_LABELS]],
        more_labels=max(0, len(labels) - MOST_LABELS),
        profile=profile,
        learned=float(counted.get("learned") or (tokens.get("learned") or {}).get("mean") or 0),
        max_length=settings.max_length,
        cut=cut,
        lost=lost,
        rows=[_seen(row) for row in seen] or [_plain(one) for one in report.get("preview") or []],
        template_known=bool(seen) and reader.tokenizer.exact,
        fault=fault,
    )


def rows_truncated(report: dict[str, Any], max_length: int) -> tuple[int, int]:
    """Rows cut and lost at this length, by the check's table: at the nearest shorter length, so never too few."""
    table = (report.get("tokens") or {}).get("truncation") or []
    shorter = [one for one in table if one["length"] <= max_length]
    if not shorter:
        return (int(table[0]["cut"]), int(table[0]["lost"])) if table else (0, 0)
    nearest = max(shorter, key=lambda one: one["length"])
    return int(nearest["cut"]), int(nearest["lost"])


def _checks(dataset: Dataset, report: dict[str, Any]) -> list[dict[str, str]]:
    rows = report.get("rows") or {}
    usable = int(rows.get("usable") or dataset.rows or 0)
    items = [
        {
            "outcome": "ok",
            "title": ngettext("%(n)s row can be used", "%(n)s rows can be used", usable)
            % {"n": numbers.number(usable)},
            "text": _("Split once into training, checking and testing; repeats never stand on both sides."),
        }
    ]
    for note in report.get("notes") or []:
        text = note.get("text")
        sentence = said(Text.from_dict(text)) if isinstance(text, dict) else str(text or "")
        items.append({"outcome": "warn", "title": sentence, "text": ""})
    return items


def _seen(row: Rendered) -> dict[str, Any]:
    """A row in pieces: what is read, what is learned, and what truncation cuts off."""
    pieces: list[dict[str, Any]] = []
    at = 0
    for start, end in [*row.spans, (row.seen, row.seen)]:
        start, end = min(max(start, at), row.seen), min(end, row.seen)
        if start > at:
            pieces.append({"text": row.text[at:start], "learned": False})
        if end > start:
            pieces.append({"text": row.text[start:end], "learned": True})
        at = max(at, end, start)
    if row.cut:
        pieces.append({"text": row.text[row.seen :], "cut": True})
    return {
        "pieces": pieces,
        "label": row.label,
        "tokens": row.tokens,
        "learned": None if row.label else row.learned,
        "cut": row.cut,
        "lost": row.lost,
    }


def _plain(preview: dict[str, Any]) -> dict[str, Any]:
    """Where the part cannot be read or the template is not known: the row as it was uploaded."""
    if "messages" in preview:
        pieces = [
            {"text": f"{message['role']}: {message['content']}\n", "learned": message["role"] == "assistant"}
            for message in preview["messages"]
        ]
        return {"pieces": pieces}
    return {"pieces": [{"text": preview.get("text", ""), "learned": False}], "label": preview.get("label", "")}
