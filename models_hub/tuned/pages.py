"""What a result's page shows, put together from its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from models_hub.models import TunedFile, TunedModel
from models_hub.recipes import RECIPES
from models_hub.tuned.curve import loss_chart, read_points
from models_hub.tuned.verdict import Confusion, Line, Verdict, comparison, confusion_of, verdict_of
from portal.ui import numbers
from portal.ui.charts import Chart

METRICS_FILE, CARD_FILE, MANIFEST_FILE = "metrics.jsonl", "README.md", "manifest.json"
SUMS_FILE = "SHA256SUMS"
MOST_CARD_BYTES = 200_000
WHAT_FILES_ARE = {
    "README.md": gettext_lazy("the model card"),
    "manifest.json": gettext_lazy("every file with its SHA-256"),
    "recipe.yaml": gettext_lazy("the same training as a configuration to run it elsewhere"),
    "spec.json": gettext_lazy("the frozen description of the job"),
    "result.json": gettext_lazy("all figures of this page"),
    "samples.json": gettext_lazy("the answers side by side"),
    "metrics.jsonl": gettext_lazy("the curve, point by point"),
}


@dataclass(frozen=True)
class Held:
    """A figure that was predicted and then measured."""

    label: str
    estimated: str
    measured: str
    ratio: str


@dataclass(frozen=True)
class ResultPage:
    tuned: TunedModel
    files: list[TunedFile]
    verdict: Verdict
    columns: list[dict[str, str]]
    lines: list[Line]
    confusion: Confusion | None
    chart: Chart | None
    held: list[Held]
    samples: list[dict[str, Any]]
    card: str

    @property
    def listed(self) -> list[tuple[TunedFile, str]]:
        """Each file with what it is, where we know."""
        return [(file, str(WHAT_FILES_ARE.get(file.path, ""))) for file in self.files]

    @property
    def total_bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def recipe_title(code: str) -> str:
    return str(RECIPES[code].about.title) if code in RECIPES else code


def method_title(tuned: TunedModel) -> str:
    """The words of the wizard for a method; a recipe that is gone leaves the plain word."""
    words = {
        "lora": _("Add-on training (LoRA)"),
        "qlora": _("Compact add-on training (QLoRA)"),
        "full": _("Full training"),
        "baseline": _("Quick: frozen model and logistic regression"),
        "encoder": _("Trained encoder"),
    }
    return words.get(tuned.method, tuned.method)


def result_page(tuned: TunedModel) -> ResultPage:
    files = list(tuned.files.all())
    columns, lines = comparison(tuned.result)
    return ResultPage(
        tuned=tuned,
        files=files,
        verdict=verdict_of(tuned.result),
        columns=columns,
        lines=lines,
        confusion=confusion_of(tuned.result),
        chart=_chart(tuned, files),
        held=held_against(tuned.result),
        samples=list(tuned.result.get("samples") or []),
        card=_text(files, CARD_FILE),
    )


def _find(files: list[TunedFile], path: str) -> TunedFile | None:
    return next((file for file in files if file.path == path), None)


def _chart(tuned: TunedModel, files: list[TunedFile]) -> Chart | None:
    found = _find(files, METRICS_FILE)
    if found is None:
        return None
    best = (tuned.result.get("steps") or {}).get("best")
    try:
        with found.file.open("rb") as lines:
            return loss_chart(read_points(lines), best if isinstance(best, int) else None)
    except OSError:
        return None


def _text(files: list[TunedFile], path: str) -> str:
    """The beginning of a small text file; empty when it cannot be read."""
    found = _find(files, path)
    if found is None:
        return ""
    try:
        with found.file.open("rb") as source:
            return str(source.read(MOST_CARD_BYTES).decode(errors="replace"))
    except OSError:
        return ""


def held_against(result: dict[str, Any]) -> list[Held]:
    """Time, memory and energy: what was said before the start, and what was measured."""
    estimate, measured = result.get("estimate") or {}, result.get("measured") or {}
    seconds, memory, energy = (
        _number(estimate, "seconds", "likely"),
        _number(estimate, "memory", "total", "value"),
        _number(estimate, "energy_kwh", "likely"),
    )
    wall, peak, joules = (measured.get(name) for name in ("wall_seconds", "peak_memory_mb", "energy_j"))
    rows = [
        (_("Time"), seconds, wall, numbers.duration),
        (_("Memory"), memory, peak / 1000 if peak else None, lambda gb: f"{numbers.number(gb, 2)} GB"),
        (_("Electricity"), energy, joules / 3.6e6 if joules else None, lambda kwh: f"{numbers.number(kwh, 3)} kWh"),
    ]
    return [
        Held(
            label=label,
            estimated=show(said) if said is not None else numbers.DASH,
            measured=show(found) if found is not None else _("not measured here"),
            ratio=numbers.percent(found / said) if said and found is not None else numbers.DASH,
        )
        for label, said, found, show in rows
        if said is not None or found is not None
    ]


def _number(data: Any, *path: str) -> float | None:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return float(data) if isinstance(data, int | float) else None


def checksums(files: list[TunedFile]) -> str:
    """The list that `sha256sum -c` reads: digest, two blanks, path."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files)
