"""What the page of a data set shows, taken out of its stored report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from models_hub.models import Dataset
from models_hub.states import DatasetState
from models_hub.wording import Plain, Text
from portal.ui import numbers
from portal.ui.charts import Chart, Series

TABS = {"\t": gettext_lazy("tab"), ",": ",", ";": ";", "|": "|"}
SHOWN_LABELS = 30


def said(data: Mapping[str, Any] | None) -> str:
    """A sentence of a report in the reader's language."""
    return Text.from_dict(data).render(_, _number) if data else ""


def _number(value: Plain) -> str:
    if value is None or isinstance(value, (str, bool)):
        return str(value or "")
    whole = isinstance(value, int) or float(value).is_integer()
    return numbers.number(value, 0 if whole else 1)


def sentence_of(dataset: Dataset) -> str:
    report = dataset.report or {}
    return said(report.get("sentence")) or (_(dataset.sentence) if dataset.sentence else "")


def dataset_page(dataset: Dataset) -> dict[str, Any]:
    report = dataset.report or {}
    tokens = report.get("tokens") or {}
    return {
        "sentence": sentence_of(dataset),
        "working": dataset.state in (DatasetState.UPLOADED, DatasetState.CHECKING),
        "checks": _checks(dataset, report),
        "problems": [_problem(problem) for problem in report.get("problems") or []],
        "labels": [{**one, "percent": 100 * one["share"]} for one in (report.get("labels") or [])[:SHOWN_LABELS]],
        "more_labels": max(0, len(report.get("labels") or []) - SHOWN_LABELS),
        "columns": report.get("columns") or [],
        "mapping": ((report.get("mapping") or {}).get("columns") or {}).items(),
        "preview": report.get("preview") or [],
        "personal": (report.get("personal") or {}).get("examples") or [],
        "tokens": tokens,
        "chart": _chart(tokens),
        "truncation": [row for row in tokens.get("truncation") or [] if row["cut"]],
        "delimiter": TABS.get(report.get("delimiter", ""), ""),
    }


def _checks(dataset: Dataset, report: dict[str, Any]) -> list[dict[str, str]]:
    rows = report.get("rows") or {}
    if not rows:
        return []
    usable = numbers.number(rows.get("usable", 0))
    items = [
        {
            "outcome": "ok" if dataset.state == DatasetState.READY else "unknown",
            "title": _("%(usable)s of %(read)s rows can be used")
            % {"usable": usable, "read": numbers.number(rows.get("read", 0))},
        }
    ]
    return items + [{"outcome": "warn", "title": said(one["text"])} for one in report.get("notes") or []]


def _problem(problem: dict[str, Any]) -> dict[str, Any]:
    examples = [{**one, "said": said(one["text"])} for one in problem.get("examples") or []]
    return {
        "code": problem["code"],
        "count": problem["count"],
        "title": examples[0]["said"] if examples else problem["code"],
        "examples": examples[:10],
        "more": max(0, problem["count"] - 10),
    }


def _chart(tokens: dict[str, Any]) -> Chart | None:
    bars = (tokens.get("all") or {}).get("histogram") or []
    if len(bars) < 2:
        return None
    return Chart(
        title=_("How long the rows are"),
        summary=_("Half of the rows have at most %(half)s tokens, 95 percent at most %(most)s.")
        % {"half": numbers.number(tokens["all"]["p50"]), "most": numbers.number(tokens["all"]["p95"])},
        labels=[f"{bar['from']}–{bar['to']}" for bar in bars],
        series=[Series(_("Rows"), [bar["rows"] for bar in bars])],
        label_head=_("Tokens"),
        decimals=0,
        ident="lengths",
    )
